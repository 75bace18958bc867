#include "services/analytics/engine.hpp"

#include "services/activity/activity_events.hpp"
#include "services/order/order_events.hpp"
#include "services/payment/payment_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

namespace stoa::analytics {
namespace {

constexpr std::int64_t minute = 60'000;

// A stream of one partition, with what an engine made of it.
class stream {
 public:
    explicit stream(std::string_view topic, const definitions& all = definitions::built_in(),
                    engine_bounds bounds = {})
        : all_(all), topic_(*all.find_topic(topic)), bounds_(bounds), made_(fresh()) {}

    void give(std::string payload, std::string id = "", std::int64_t recorded_ms = 0) {
        if (id.empty()) id = "id" + std::to_string(offset_);
        made_->apply({offset_++, id, "any", payload, recorded_ms}, out);
    }
    void view(std::int64_t ms, std::string user, std::string product,
              std::string word = "VIEW_PRODUCT") {
        give(R"({"user_id":")" + user + R"(","product_id":")" + product + R"(","event_type":")" +
             word + R"(","timestamp":")" + rfc3339({ms * 1'000}) + R"(","metadata":{}})");
    }
    void mark(std::int64_t ms) { made_->apply({offset_++, "m", mark_type, "{}", ms}, out); }
    void restart() {
        const auto bytes = made_->save();
        made_ = fresh();
        ASSERT_TRUE(made_->restore(bytes));
        EXPECT_TRUE(made_->save() == bytes) << "a state is not what it was";
    }
    engine& in() { return *made_; }

    // "start key value …" of a local pipeline.
    std::vector<std::string> rows(std::string_view pipeline) const {
        std::vector<std::string> all;
        for (const auto& each : out) {
            if (each.what == output::is::row && each.of->is->name == pipeline)
                all.push_back(text(each.row));
            if (each.what == output::is::part && each.of->is->name == pipeline) {
                byte_reader from(each.bytes);
                const auto cells = cell_table::read(from, layout_of(*each.of));
                EXPECT_TRUE(from.good() && from.at_end());
                for (const auto& row : rows_of(*each.of, each.start_ms, each.end_ms, cells))
                    all.push_back(text(row));
            }
        }
        return all;
    }
    static std::string text(const row& of) {
        std::ostringstream s;
        s << of.start_ms << ' ' << of.key;
        for (const auto& value : of.values) {
            if (value.top.empty()) s << ' ' << value.number;
            for (const auto& [name, count] : value.top) s << ' ' << name << '=' << count;
        }
        return s.str();
    }
    std::int64_t late_for(std::string_view pipeline) const {
        return std::ranges::count_if(out, [&](const output& o) {
            return o.what == output::is::late &&
                   std::ranges::find(o.pipelines, pipeline) != o.pipelines.end();
        });
    }

    std::vector<output> out;

 private:
    std::unique_ptr<engine> fresh() const {
        return std::make_unique<engine>(all_, topic_, bounds_);
    }
    const definitions& all_;
    const topic_definition& topic_;
    engine_bounds bounds_;
    std::unique_ptr<engine> made_;
    std::int64_t offset_ = 0;
};

std::string order(std::int64_t ms, std::string id, std::string user, std::string total,
                  int items = 1, std::string type = "order.created") {
    return R"({"id":"e","order_id":")" + id + R"(","user_id":")" + user + R"(","total_amount":)" +
           total + R"(,"currency":"EUR","status":"awaiting_payment","items_count":)" +
           std::to_string(items) + R"(,"event_type":")" + type + R"(","occurred_at":")" +
           rfc3339({ms * 1'000}) + R"("})";
}

using rows = std::vector<std::string>;
constexpr auto views = activities::topic::raw_events;

TEST(definitions_test, the_documented_windows_are_a_minute_with_ten_seconds_of_disorder) {
    const auto& all = definitions::built_in();
    for (const auto* name : {"product_viewers", "orders_by_minute", "payments_overall",
                             "payments_by_status", "payments_by_user"}) {
        const auto* of = all.find(name);
        ASSERT_TRUE(of) << name;
        EXPECT_EQ(of->is->window.kind, window_kind::tumbling) << name;
        EXPECT_EQ(of->is->window.size_ms, 60'000) << name;
        EXPECT_EQ(of->is->out_of_orderness_ms, 10'000) << name;
        EXPECT_EQ(of->is->allowed_lateness_ms, 0) << name;
    }
    EXPECT_EQ(all.find("product_viewers")->is->results.topic, "ecom-analytics-results");
    EXPECT_EQ(all.find("orders_by_minute")->is->results.topic, "analytics-results");
    EXPECT_EQ(all.grid_ms(), 60'000);
}

TEST(definitions_test, a_window_that_is_wrong_is_named) {
    std::ifstream file("analytics/pipelines.json");
    const std::string good(std::istreambuf_iterator<char>(file), {});
    ASSERT_TRUE(definitions::read(good)) << definitions::read(good).error().detail;
    const auto after = [&](std::string what, std::string by) {
        auto text = good;
        text.replace(text.find(what), what.size(), by);
        const auto made = definitions::read(text);
        return made ? "taken" : made.error().detail;
    };
    EXPECT_EQ(after(R"("size_ms": 60000)", R"("size_ms": 0)"),
              "pipeline product_viewers: a window has at least a second");
    EXPECT_EQ(after(R"("step_ms": 300000)", R"("step_ms": 7000)"),
              "pipeline top_products: size_ms must be a multiple of step_ms");
    EXPECT_EQ(
        after(R"("of": "total_revenue")", R"("of": "turnover")"),
        "pipeline orders_by_minute: average_order_value names aggregates that stand before it");
    EXPECT_EQ(after(R"({"topic": "orders", "words": ["order.created"]})", R"({"topic": "sales"})"),
              "pipeline orders_by_minute: topic sales is not described");
}

// The built-in file with another word in it.
result<std::unique_ptr<const definitions>> changed(std::string what, std::string by) {
    std::ifstream file("analytics/pipelines.json");
    std::string text(std::istreambuf_iterator<char>(file), {});
    text.replace(text.find(what), what.size(), by);
    return definitions::read(text);
}
const std::string viewers = R"("kind": "distinct", "field": "user"})";
const std::string viewers_by_hll = R"("kind": "distinct", "field": "user", "distinct": "hll"})";

TEST(definitions_test, distinct_is_exact_or_hll_and_nothing_else) {
    EXPECT_EQ(definitions::built_in().find("product_viewers")->sets, 1);
    const auto made = changed(viewers, viewers_by_hll);
    ASSERT_TRUE(made) << made.error().detail;
    const auto& of = *(*made)->find("product_viewers");
    EXPECT_EQ(of.sets, 0);
    EXPECT_EQ(of.sketches, 1);
    EXPECT_NE(of.signature, definitions::built_in().find("product_viewers")->signature)
        << "a state of the other kind would be read";
    EXPECT_EQ(changed(viewers, R"("kind": "distinct", "field": "user", "distinct": "hyperlog"})")
                  .error()
                  .detail,
              "pipelines[0].aggregates[0].distinct: is not one of the known words");
    EXPECT_EQ(
        changed(R"("name": "order_count", "kind": "count")",
                R"("name": "order_count", "kind": "count", "distinct": "hll")")
            .error()
            .detail,
        "pipeline orders_by_minute: order_count counts nothing distinct: `distinct` goes with "
        "that kind only");
}

TEST(definitions_test, a_pipeline_that_does_not_run_is_known_and_makes_nothing) {
    const auto made = definitions::built_in_of(std::vector<std::string>{"product_viewers"});
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_TRUE((*made)->find("product_viewers")->runs);
    ASSERT_TRUE((*made)->find("viewers_by_minute"));
    EXPECT_FALSE((*made)->find("viewers_by_minute")->runs);
    stream in(views, **made), all(views);
    for (auto* each : {&in, &all}) {
        each->view(1'000, "ann", "p");
        each->mark(10 * minute);
        EXPECT_EQ(each->rows("product_viewers"), rows{"0 p 1"});
    }
    EXPECT_EQ(in.out.size(), 1U);
    EXPECT_EQ(all.rows("viewers_by_minute"), rows{"0  1"});
    // A state of all of them is taken by one that runs one, and the other way.
    EXPECT_TRUE(in.in().restore(all.in().save()));
    EXPECT_TRUE(all.in().restore(in.in().save()));
}

TEST(definitions_test, a_pipeline_that_is_none_is_named_with_those_that_are) {
    const auto made = definitions::built_in_of(std::vector<std::string>{"funnel", "funel"});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "unknown_pipeline");
    EXPECT_TRUE(made.error().detail.starts_with(
        "there is no pipeline `funel`; there are: product_viewers, orders_by_minute, "))
        << made.error().detail;
}

TEST(definitions_test, topics_are_the_services_own) {
    const auto& all = definitions::built_in();
    for (const auto name : {views, orders::topic::orders, payments::topic::succeeded,
                            payments::topic::failed, payments::topic::refunded})
        EXPECT_TRUE(all.find_topic(name)) << name;
}

TEST(engine_test, viewers_are_counted_once_a_product_and_minute) {
    stream s(views);
    s.mark(0);
    s.view(1'000, "ann", "p1");
    s.view(2'000, "bob", "p1");
    s.view(59'999, "ann", "p1");
    s.view(59'999, "ann", "p2");
    s.view(60'000, "ann", "p1");
    EXPECT_EQ(s.rows("product_viewers"), rows{});
    s.mark(69'999);
    EXPECT_EQ(s.rows("product_viewers"), rows{}) << "ten seconds for those who come late";
    s.mark(70'000);
    EXPECT_EQ(s.rows("product_viewers"), (rows{"0 p1 2", "0 p2 1"}));
    s.mark(130'000);
    EXPECT_EQ(s.rows("product_viewers"), (rows{"0 p1 2", "0 p2 1", "60000 p1 1"}));
}

// P1 alone, its viewers counted by HyperLogLog.
std::unique_ptr<const definitions> viewers_estimated() {
    auto made = definitions::read(R"({"version": 1, "topics": [{"name": "ecom-raw-events",
        "time": "timestamp", "user": "user_id", "product": "product_id", "word": "event_type"}],
        "pipelines": [{"name": "product_viewers", "says": "",
        "inputs": [{"topic": "ecom-raw-events"}],
        "key": [{"name": "product_id", "field": "product"}],
        "window": {"kind": "tumbling", "size_ms": 60000},
        "out_of_orderness_ms": 10000, "allowed_lateness_ms": 0, "aggregates": [{"name":
        "unique_user_count", "kind": "distinct", "field": "user", "distinct": "hll"}],
        "results": {}}]})");
    return made ? *std::move(made) : nullptr;
}

TEST(engine_test, a_million_viewers_by_hll_are_a_bounded_state_that_goes_on_after_a_restart) {
    const auto all = viewers_estimated();
    ASSERT_TRUE(all);
    stream s(views, *all), whole(views, *all);
    for (auto* each : {&s, &whole}) each->mark(0);
    for (int i = 0; i < 1'000'000; ++i) {
        const auto one = R"({"user_id":"u)" + std::to_string(i) +
                         R"(","product_id":"p1","event_type":"X","timestamp":1000})";
        s.give(one);
        whole.give(one);
        if (i == 299) {
            EXPECT_EQ(
                s.in().open_rows(*all->find("product_viewers"), nullptr).at(0).values.at(0).number,
                300)
                << "few are counted exactly";
        }
        if (i == 299 || i == 1'000) s.restart();
    }
    EXPECT_LE(s.in().save().size(), hyperloglog::most_bytes + 200);
    EXPECT_TRUE(s.in().save() == whole.in().save()) << "a restart changed the sketch";
    s.mark(70'000);
    const auto made = s.rows("product_viewers");
    ASSERT_EQ(made.size(), 1U);
    EXPECT_NEAR(std::stod(made.front().substr(made.front().rfind(' '))), 1e6,
                3 * hyperloglog::standard_error * 1e6);
}

TEST(engine_test, a_state_whose_sketch_cannot_be_is_refused) {
    const auto all = viewers_estimated();
    ASSERT_TRUE(all);
    stream s(views, *all);
    for (int i = 0; i < 600; ++i) s.view(1'000, "u" + std::to_string(i), "p1");
    auto bytes = s.in().save();
    const auto zeros = bytes.find(std::string(32, '\0'));
    ASSERT_NE(zeros, std::string::npos) << "600 members leave most registers empty";
    bytes[zeros + 16] = 60;
    stream fresh(views, *all);
    const auto read = fresh.in().restore(bytes);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().detail, "the saved windows of ecom-raw-events cannot be read");
}

TEST(engine_test, what_comes_after_its_window_is_late_and_changes_nothing) {
    stream s(views);
    s.view(1'000, "ann", "p1");
    s.mark(70'000);
    s.view(2'000, "bob", "p1");
    s.view(61'000, "bob", "p1");
    s.mark(200'000);
    EXPECT_EQ(s.rows("product_viewers"), (rows{"0 p1 1", "60000 p1 1"}));
    EXPECT_EQ(s.late_for("product_viewers"), 1);
    EXPECT_EQ(s.late_for("funnel"), 0) << "the hour is still open";
    EXPECT_EQ(s.in().counts().late, 1);
}

TEST(engine_test, an_event_of_the_far_future_closes_nobodys_window) {
    stream s(views);
    s.mark(0);
    s.view(10'000, "ann", "p1");
    s.view(4'000'000'000'000, "eve", "p1");
    s.view(20'000, "bob", "p1");
    s.mark(70'000);
    EXPECT_EQ(s.rows("product_viewers"), rows{"0 p1 2"});
    EXPECT_EQ(s.in().counts().late, 0);
    EXPECT_EQ(s.in().open_rows(*definitions::built_in().find("product_viewers"), nullptr).size(),
              1U);
}

TEST(engine_test, strangers_cannot_open_windows_without_end) {
    stream s(views, definitions::built_in(), {.open_panes = 3});
    s.mark(0);
    for (int i = 0; i < 10; ++i) s.view(i * minute, "ann", "p1");
    EXPECT_EQ(s.late_for("product_viewers"), 7);
    s.mark(3 * minute + 10'000);
    EXPECT_EQ(s.rows("product_viewers").size(), 3U);
}

TEST(engine_test, a_mark_that_goes_back_is_passed_over) {
    stream s(views);
    s.mark(70'000);
    s.mark(10);
    EXPECT_EQ(s.in().mark_ms(), 70'000);
}

TEST(engine_test, orders_are_summed_to_the_cent_and_once) {
    stream s(orders::topic::orders);
    s.give(order(5'000, "o1", "ann", "10.10", 3));
    s.give(order(6'000, "o2", "ann", "0.05"));
    s.give(order(7'000, "o3", "bob", "1e1"));  // not a decimal number
    s.give(order(5'000, "o1", "ann", "10.10", 3));
    s.give(order(8'000, "o2", "ann", "0.05", 1, "order.paid"));
    s.mark(70'000);
    EXPECT_EQ(s.rows("orders_by_minute"), rows{"0 EUR 2 1015 4 1 508"});
    EXPECT_EQ(s.in().counts().bad, 1);
    s.mark(24 * 60 * minute + 10'000);
    EXPECT_EQ(s.rows("orders_by_day"), rows{"0 EUR 2 1015 4 1 508"});
}

TEST(engine_test, captured_is_what_came_less_what_went_back) {
    stream in(payments::topic::succeeded), back(payments::topic::refunded);
    const auto paid = [](std::string amount, std::string more = "") {
        return R"({"orderId":"o","paymentId":"p","userId":"u","attempt":1,"amount":)" + amount +
               R"(,"currency":"EUR")" + more + "}";
    };
    in.give(paid("20.00"), "a", 1'000);
    in.give(paid("20.00"), "a", 1'000);
    in.give(paid("5.50"), "b", 2'000);
    back.give(paid("3.00", R"(,"succeeded":true)"), "c", 3'000);
    back.give(paid("9.00", R"(,"succeeded":false)"), "d", 3'000);
    std::map<std::pair<std::int64_t, std::int64_t>, cell_table> both;
    const auto& of = *definitions::built_in().find("captured_by_minute");
    in.in().add_open(of, both);
    back.in().add_open(of, both);
    ASSERT_EQ(both.size(), 1U);
    EXPECT_EQ(stream::text(rows_of(of, 0, minute, both.begin()->second).at(0)),
              "0 EUR 2 2550 300 2250");
    back.mark(70'000);
    EXPECT_EQ(back.rows("payments_by_status"), (rows{"0 refund_failed\x1f"
                                                     "EUR 1 900",
                                                     "0 refunded\x1f"
                                                     "EUR 1 300"}));
}

TEST(engine_test, a_sliding_window_is_the_sum_of_its_panes) {
    stream s(views);
    const auto five = 5 * minute;
    s.mark(0);
    s.view(60 * minute, "ann", "p1");
    s.view(60 * minute + five, "ann", "p2");
    s.view(60 * minute + five, "bob", "p2");
    s.mark(70 * minute + 10'000);
    EXPECT_EQ(s.rows("top_products"), (rows{"300000  p1=1", "600000  p2=2 p1=1"}));
    s.restart();
    s.view(60 * minute, "cid", "p1");  // only in the windows that are still open
    s.mark(200 * minute);
    const auto all = s.rows("top_products");
    EXPECT_EQ(all.size(), 13U);
    EXPECT_EQ(all[2], "900000  p1=2 p2=2");
    EXPECT_EQ(all.back(), "3900000  p2=2");
}

TEST(engine_test, sessions_of_a_key_grow_together) {
    stream s(views);
    const auto half = 30 * minute;
    s.mark(0);
    s.view(0, "ann", "p1");
    s.view(2 * half - 2, "ann", "p1");
    s.view(half - 1, "bob", "p1");  // the bridge
    s.view(4 * half, "ann", "p1");
    s.restart();
    s.mark(3 * half - 2 + 10'000);
    EXPECT_EQ(s.rows("product_interest"), rows{"0 p1 3 2"});
    s.mark(6 * half);
    EXPECT_EQ(s.rows("product_interest").size(), 2U);
}

TEST(engine_test, payloads_that_cannot_be_read_are_put_out_with_their_cause) {
    stream s(views);
    const std::string rest =
        R"("event_type":"X","timestamp":"2026-01-01T00:00:00Z","metadata":{}})";
    for (const auto* text : {"", "no", "[1]", "{", R"({"user_id":"a"})"}) s.give(text);
    s.give(R"({"user_id":7,"product_id":"p",)" + rest);
    s.give(R"({"user_id":"a","user_id":"b","product_id":"p",)" + rest);
    s.give(R"({"user_id":"a","product_id":")" + std::string(300, 'x') + "\"," + rest);
    s.give(R"({"user_id":"a","product_id":"p","event_type":"X","timestamp":"yesterday"})");
    s.give(R"({"user_id":"a","product_id":"p",)" + rest + " x");
    s.give(R"({"user_id":"a","product_id":"p",)" + rest);  // an unknown word is fine
    std::vector<std::string> codes;
    for (const auto& each : s.out) codes.push_back(each.why.code);
    EXPECT_EQ(codes,
              (rows{"payload_ill_formed", "payload_ill_formed", "payload_ill_formed",
                    "payload_ill_formed", "field_missing", "field_ill_formed", "field_ill_formed",
                    "field_ill_formed", "time_ill_formed", "payload_ill_formed"}));
    EXPECT_EQ(s.in().counts().bad, 10);
    EXPECT_EQ(s.in().counts().events, 11);
    EXPECT_EQ(s.out[4].why.detail, "product_id: is required");
}

TEST(engine_test, a_mebibyte_of_metadata_is_read_past) {
    stream s(views);
    s.give(
        R"({"user_id":"a","product_id":"p","event_type":"X","timestamp":1000,"metadata":{"x":")" +
        std::string(1 << 20, 'y') + R"("}})");
    s.mark(70'000);
    EXPECT_EQ(s.rows("product_viewers"), rows{"0 p 1"});
}

TEST(engine_test, a_state_that_is_cut_or_of_another_topic_is_refused) {
    stream s(views);
    for (int i = 0; i < 50; ++i) s.view(i * 700, "u" + std::to_string(i % 7), "p1");
    const auto bytes = s.in().save();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        stream fresh(views);
        EXPECT_FALSE(fresh.in().restore(bytes.substr(0, size))) << size;
    }
    stream other(orders::topic::orders);
    EXPECT_FALSE(other.in().restore(bytes));
}

// The plain answer: every window by hand, over all events that were not late.
std::set<std::string> by_hand(const std::vector<std::tuple<std::int64_t, int, int>>& records,
                              std::int64_t& late) {
    std::map<std::pair<std::int64_t, std::string>, std::set<int>> all;
    std::int64_t mark = -1;
    std::vector<std::string> out;
    for (const auto& [ms, user, product] : records) {
        if (user < 0) {
            mark = std::max(mark, ms);
            continue;
        }
        const auto start = ms / minute * minute;
        if (mark >= 0 && start + minute + 10'000 <= mark) ++late;
        else all[{start, "p" + std::to_string(product)}].insert(user);
    }
    std::set<std::string> made;
    for (const auto& [key, users] : all)
        if (key.first + minute + 10'000 <= mark)
            made.insert(std::to_string(key.first) + ' ' + key.second + ' ' +
                        std::to_string(users.size()));
    return made;
}

TEST(engine_test, any_stream_gives_what_a_batch_gives_wherever_it_is_cut) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 chance(seed);
        const auto below = [&](int n) {
            return static_cast<int>(chance() % static_cast<unsigned>(n));
        };
        std::vector<std::tuple<std::int64_t, int, int>> records;
        std::int64_t now = 1'000'000;
        for (int i = 0; i < 400; ++i) {
            now += below(3'000);
            if (below(20) == 0) records.emplace_back(now, -1, 0);
            else
                records.emplace_back(now - (below(10) == 0 ? below(150'000) : below(9'000)),
                                     below(9), below(5));
            if (below(15) == 0 && !records.empty())
                records.push_back(
                    records[static_cast<std::size_t>(below(static_cast<int>(records.size())))]);
        }
        std::int64_t late = 0;
        const auto expected = by_hand(records, late);
        stream s(views);
        for (const auto& [ms, user, product] : records) {
            if (user < 0) s.mark(ms);
            else s.view(ms, "u" + std::to_string(user), "p" + std::to_string(product));
            if (below(40) == 0) s.restart();
        }
        const auto made = s.rows("product_viewers");
        EXPECT_EQ(std::set(made.begin(), made.end()), expected) << "seed " << seed;
        EXPECT_EQ(made.size(), expected.size()) << "seed " << seed << ": a window came twice";
        EXPECT_EQ(s.late_for("product_viewers"), late) << "seed " << seed;
    }
}

// Sessions by hand: an event less than half an hour from one of them is of it.
std::set<std::string> sessions_by_hand(
    const std::vector<std::tuple<std::int64_t, int, int>>& records) {
    std::map<int, std::vector<std::pair<std::int64_t, int>>> by_product;
    for (const auto& [ms, user, product] : records) by_product[product].emplace_back(ms, user);
    std::set<std::string> made;
    for (auto& [product, all] : by_product) {
        std::ranges::sort(all);
        for (std::size_t i = 0; i < all.size();) {
            std::set<int> users;
            const auto first = i;
            do users.insert(all[i].second);
            while (++i < all.size() && all[i].first < all[i - 1].first + 30 * minute);
            made.insert(std::to_string(all[first].first) + " p" + std::to_string(product) + ' ' +
                        std::to_string(i - first) + ' ' + std::to_string(users.size()));
        }
    }
    return made;
}

TEST(engine_test, sessions_of_any_stream_are_what_a_batch_gives_wherever_it_is_cut) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 chance(seed);
        const auto below = [&](int n) {
            return static_cast<int>(chance() % static_cast<unsigned>(n));
        };
        std::vector<std::tuple<std::int64_t, int, int>> records;
        stream s(views);
        // In any order over ten hours: sessions begin apart, and grow together later.
        for (int i = 0; i < 300; ++i) {
            records.emplace_back(1'000 * below(36'000), below(40),
                                 below(1 + static_cast<int>(seed) % 9));
            const auto& [ms, user, product] = records.back();
            s.view(ms, "u" + std::to_string(user), "p" + std::to_string(product));
            if (below(60) == 0) s.restart();
        }
        s.mark(1'000 * minute);
        const auto made = s.rows("product_interest");
        EXPECT_EQ(std::set(made.begin(), made.end()), sessions_by_hand(records)) << "seed " << seed;
    }
}

}  // namespace
}  // namespace stoa::analytics
