// Rule 10: closed windows are what a plain recomputation from the log gives. It knows the
// pipelines' names and sizes only, and none of the engine's code.
#include "apps/stoa/audit_checks.hpp"
#include "base/json.hpp"
#include "ports/event_marks.hpp"
#include "services/activity/activity_events.hpp"
#include "services/analytics/analytics_source.hpp"
#include "services/order/order_events.hpp"
#include "services/payment/payment_events.hpp"

#include <algorithm>
#include <set>

namespace stoa::audits {
namespace {

constexpr rule viewers_are_the_logs{10, "viewers_are_the_logs"};
constexpr rule revenue_is_the_logs{10, "revenue_is_the_logs"};
constexpr rule windows_come_out{10, "windows_come_out"};

constexpr std::int64_t minute_ms = 60'000, disorder_ms = 10'000;
// Behind the first mark of a log whose beginning is gone, windows are whole again.
constexpr std::int64_t whole_again_ms = 10 * minute_ms;
// Merging follows marks within seconds.
constexpr std::int64_t merge_grace_ms = 2 * minute_ms;

std::int64_t start_of(std::int64_t ms) { return ms / minute_ms * minute_ms; }
std::int64_t closes(std::int64_t start_ms) { return start_ms + minute_ms + disorder_ms; }

// A partition's events in order, each with the mark before it.
template <class Each, class Marked>
void walk(book& in, const sqlite_snapshot::partition& of, std::int64_t until, Each each,
          Marked marked) {
    const auto rows = in.at.shop.rows(
        "SELECT type, occurred_at, payload FROM events WHERE position >= CAST(?1 AS INTEGER) AND "
        "position < CAST(?2 AS INTEGER) ORDER BY position",
        {std::to_string(position_of(of.id, of.first)), std::to_string(position_of(of.id, until))});
    std::int64_t mark = -1;
    while (rows->next()) {
        in.advance();
        const auto& row = rows->row();
        const auto ms = row.integer(1) / 1'000;
        if (row.text(0) != mark_type) {
            each(row.text(0), ms, row.text(2), mark);
        } else if (ms > mark) {
            mark = ms;
            marked(mark);
        }
    }
}

std::optional<item> pointer_of(book& in, const sqlite_snapshot::partition& of) {
    return in.at.shop.get(analytics::state_table,
                          analytics::source::pointer_key(of.topic, of.number));
}

// Viewers of a product and minute: each partition by itself.
class viewer_check {
 public:
    viewer_check(book& in, const sqlite_snapshot::partition& of) : in_(in), of_(of) {}

    void run() {
        const auto pointer = pointer_of(in_, of_);
        if (!pointer) return;
        durable_ms_ = pointer->integer("mark_ms", -1);
        walk(
            in_, of_, of_.end,
            [this](std::string_view, std::int64_t, std::string_view payload, std::int64_t mark) {
                take(payload, mark);
            },
            [this](std::int64_t mark) { judge(mark); });
    }

 private:
    void take(std::string_view payload, std::int64_t mark) {
        const auto one = from_json<activities::viewer_event>(payload);
        if (!one) return;  // in the dead letters
        const auto start = start_of(one->timestamp.micros / 1'000);
        if (mark >= 0 && closes(start) <= mark) return;  // late
        open_[start][one->product_id].insert(one->user_id);
    }
    void judge(std::int64_t mark) {
        if (whole_from_ms_ < 0) whole_from_ms_ = of_.first == 0 ? 0 : mark + whole_again_ms;
        while (!open_.empty() && closes(open_.begin()->first) <= mark) {
            const auto& [start, products] = *open_.begin();
            if (start >= whole_from_ms_ && closes(start) <= durable_ms_)
                for (const auto& [product, users] : products) compare(start, product, users.size());
            open_.erase(open_.begin());
        }
    }
    void compare(std::int64_t start, const std::string& product, std::size_t users) {
        const auto at = rfc3339({start * 1'000});
        const auto stored = in_.at.shop.get(analytics::product_windows_table,
                                            key_of("product_id", product, "window_start", at));
        const auto count = stored ? stored->integer("unique_user_count") : 0;
        if (count != static_cast<std::int64_t>(users))
            in_.found(viewers_are_the_logs, product,
                      "had " + std::to_string(users) + " viewers in the minute of " + at +
                          " by the log, and " + std::to_string(count) + " by its window");
    }

    book& in_;
    const sqlite_snapshot::partition& of_;
    std::int64_t durable_ms_ = -1, whole_from_ms_ = -1;
    std::map<std::int64_t, std::map<std::string, std::set<std::string>>> open_;
};

// What a minute's events of all partitions come to.
struct minute_sum {
    std::int64_t count = 0, plus_minor = 0, minus_minor = 0;
    friend bool operator==(const minute_sum&, const minute_sum&) = default;
};

class money_check {
 public:
    using key = std::pair<std::string, std::string>;  // window start, currency
    money_check(book& in, std::string pipeline, std::vector<std::string_view> topics)
        : in_(in), pipeline_(std::move(pipeline)), topics_(std::move(topics)) {}

    // `read` says what an event adds, and nothing of those that are not counted.
    template <class Read>
    void run(Read read, std::string_view count, std::string_view plus, std::string_view minus) {
        std::int64_t least_mark = INT64_MAX;
        for (const auto& of : in_.at.shop.partitions()) {
            if (std::ranges::find(topics_, of.topic) == topics_.end()) continue;
            const auto pointer = pointer_of(in_, of);
            least_mark = std::min(least_mark, pointer ? pointer->integer("mark_ms", -1) : -1);
            const auto add = [&](std::string_view type, std::int64_t ms, std::string_view payload,
                                 std::int64_t mark) {
                std::string currency;
                minute_sum one;
                const auto start = start_of(ms);
                if (mark >= 0 && closes(start) <= mark) return;
                if (!read(of.topic, type, payload, currency, one)) return;
                auto& sum = expected_[{rfc3339({start * 1'000}), currency}];
                sum.count += one.count;
                sum.plus_minor += one.plus_minor;
                sum.minus_minor += one.minus_minor;
            };
            walk(in_, of, of.end, add, [](std::int64_t) {});
        }
        compare(least_mark, count, plus, minus);
    }

 private:
    void compare(std::int64_t least_mark, std::string_view count, std::string_view plus,
                 std::string_view minus) {
        auto windows = in_.at.shop.items(analytics::windows_table);
        while (const auto each = windows.next()) {
            in_.advance();
            if (each->text("series") != pipeline_) continue;
            const key at{std::string(each->text("window_start")),
                         std::string(each->text("currency"))};
            const minute_sum stored{each->integer(count), each->integer(plus),
                                    minus.empty() ? 0 : each->integer(minus)};
            const auto found = expected_.find(at);
            if (found == expected_.end() || found->second != stored)
                in_.found(revenue_is_the_logs, pipeline_,
                          "the window of " + at.first + " in " + at.second + " has " +
                              std::to_string(stored.plus_minor) + " less " +
                              std::to_string(stored.minus_minor) + " in minor units, the log " +
                              (found == expected_.end()
                                   ? std::string("nothing")
                                   : std::to_string(found->second.plus_minor) + " less " +
                                         std::to_string(found->second.minus_minor)));
            if (found != expected_.end()) expected_.erase(found);
        }
        for (const auto& [at, sum] : expected_) {
            const auto start = read_rfc3339(at.first)->micros / 1'000;
            if (least_mark < 0 || closes(start) + merge_grace_ms > least_mark) continue;
            in_.found(windows_come_out, pipeline_,
                      "the window of " + at.first + " in " + at.second + " never came out");
        }
    }

    book& in_;
    std::string pipeline_;
    std::vector<std::string_view> topics_;
    std::map<key, minute_sum> expected_;
};

bool read_order(std::string_view, std::string_view type, std::string_view payload,
                std::string& currency, minute_sum& out) {
    if (type != "order.created") return false;
    const auto one = from_json<orders::order_event>(payload);
    if (!one) return false;
    currency = one->currency.text();
    out = {1, one->total_amount.minor, 0};
    return true;
}

bool read_payment(std::string_view topic, std::string_view, std::string_view payload,
                  std::string& currency, minute_sum& out) {
    if (topic == payments::topic::succeeded) {
        const auto one = from_json<payments::payment_succeeded>(payload, {}, naming::camel);
        if (!one) return false;
        currency = one->currency.text();
        out = {1, one->amount.minor, 0};
        return true;
    }
    const auto one = from_json<payments::payment_refunded>(payload, {}, naming::camel);
    if (!one) return false;
    currency = one->currency.text();
    if (one->succeeded) out.minus_minor = one->amount.minor;
    return true;
}

}  // namespace

void check_windows(book& in) {
    in.step("windows", 0);
    const auto& made = in.at.pipelines;
    const auto is_made = [&](std::string_view pipeline) {
        return made.empty() || std::ranges::find(made, pipeline) != made.end();
    };
    if (is_made("product_viewers"))
        for (const auto& of : in.at.shop.partitions())
            if (of.topic == activities::topic::raw_events) viewer_check(in, of).run();
    if (is_made("orders_by_minute"))
        money_check(in, "orders_by_minute", {orders::topic::orders})
            .run(read_order, "order_count", "total_revenue", "");
    if (is_made("captured_by_minute"))
        money_check(in, "captured_by_minute",
                    {payments::topic::succeeded, payments::topic::refunded})
            .run(read_payment, "captures", "captured", "refunded");
}

}  // namespace stoa::audits
