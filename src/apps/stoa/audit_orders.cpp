// Orders with everything that is known of each: the order, its hold, its payments and its events,
// read side by side in the order of the order's id.
#include "apps/stoa/audit_checks.hpp"
#include "base/ids.hpp"
#include "ports/event_marks.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_events.hpp"
#include "services/payment/payment_store.hpp"

#include <algorithm>
#include <array>

namespace stoa::audits {
namespace {

using orders::order_record;
using orders::order_status;

constexpr rule statuses_move_along_the_table{2, "statuses_move_along_the_table"};
constexpr rule lines_add_up{3, "lines_add_up_to_the_total"};
constexpr rule paid_is_captured{3, "paid_orders_are_captured_in_full"};
constexpr rule refunds_within_captures{3, "refunds_stay_within_captures"};
constexpr rule order_and_payment_agree{3, "order_and_payment_agree"};
constexpr rule one_capture_is_kept{3, "one_capture_is_kept"};
constexpr rule captures_have_orders{3, "captures_have_an_order"};
constexpr rule state_has_its_events{5, "state_has_its_events"};
constexpr rule orders_are_readable{5, "stored_orders_are_readable"};
constexpr rule versions_rise{5, "versions_rise_with_the_log"};
constexpr rule totals_match{5, "totals_match_the_orders"};
constexpr rule ends_in_time{8, "orders_end_in_time"};
constexpr rule holds_follow_orders{8, "holds_follow_their_orders"};
constexpr rule money_of_the_cancelled{8, "cancelled_orders_keep_no_money"};
constexpr rule refunds_are_settled{8, "refunds_are_asked_for"};

// Of the topics whose events are keyed by orders, in the order of `counted`.
enum what : std::size_t {
    created,
    payment_failed,
    paid,
    cancelled,
    shipped,
    delivered,
    refunded,
    payment_asked,
    refund_asked,
    captured,
    declined,
    closed,
    given_back,
    whats
};
constexpr std::array<std::string_view, whats> event_types{"order.created",
                                                          "order.payment_failed",
                                                          "order.paid",
                                                          "order.cancelled",
                                                          "order.shipped",
                                                          "order.delivered",
                                                          "order.refunded",
                                                          orders::topic::payment_requested,
                                                          orders::topic::refund_requested,
                                                          payments::topic::succeeded,
                                                          payments::topic::failed,
                                                          payments::topic::closed,
                                                          payments::topic::refunded};

// What may follow an event of an order; the table of statuses as its events tell it.
bool may_follow(std::size_t before, std::size_t after) {
    switch (before) {
        case whats:  // the first
            return after == created || after == cancelled;
        case created:
        case payment_failed:
            return after == payment_failed || after == paid || after == cancelled;
        case paid:
            return after == shipped || after == cancelled || after == refunded;
        case shipped:
            return after == delivered || after == refunded;
        case delivered:
        case cancelled:
            return after == refunded;
        case refunded:
            return after == refunded || after == shipped || after == delivered ||
                   after == cancelled;
        default:
            return false;
    }
}

struct held_line {
    std::string product_id;
    std::int64_t quantity = 0;
};

// Everything about one order id.
struct order_case {
    std::string id;
    std::optional<order_record> order;
    std::string hold = "none";
    std::vector<held_line> lines;

    bool open_attempt = false, head_closed = false;
    std::int64_t captured_minor = 0, captures = 0, declines = 0;
    std::int64_t refunded_minor = 0, refunds_succeeded = 0, refunds_refused = 0;
    std::int64_t refunds_pending = 0;
    std::vector<std::string> payment_ids;  // that captured

    std::array<std::int64_t, whats> events{};
    std::int64_t newest_version = 0;
    bool moving = false;
    bool late = false;  // it changed while the shop was read: nothing of it is judged
};

bool same_lines(const order_case& of) {
    std::map<std::string_view, std::int64_t> left;
    for (const auto& line : of.order->items) left[line.product_id] += line.quantity;
    for (const auto& line : of.lines) left[line.product_id] -= line.quantity;
    return std::ranges::all_of(left, [](const auto& each) { return each.second == 0; });
}

bool refusal(const std::optional<std::string>& reason) {
    return reason == "out_of_stock" || reason == "product_unavailable" || reason == "price_changed";
}

class judge {
 public:
    explicit judge(book& in) : in_(in) {}

    void look(const order_case& of) {
        if (of.moving) ++in_.report.in_flight;
        if (of.late) {
            if (of.order) counted_[static_cast<std::size_t>(of.order->status)] += 1;
            return;
        }
        payments_alone(of);
        if (!of.order) return without_order(of);
        counted_[static_cast<std::size_t>(of.order->status)] += 1;
        money(of);
        events(of);
        if (of.moving) return;
        agreement(of);
        ends(of);
        hold(of);
    }

    // The counters from which lists take their totals.
    void totals() {
        auto counters = in_.at.shop.items(orders::counters_table);
        std::array<std::int64_t, std::tuple_size_v<decltype(counted_)>> told{};
        while (const auto one = counters.next()) {
            const auto name = one->text("name");
            if (!name.starts_with("orders:") || name.starts_with("orders:user:")) continue;
            for (std::size_t i = 0; i < told.size(); ++i)
                told[i] += one->integer(type_of<order_status>.words[i]);
        }
        std::int64_t all = 0;
        for (const auto n : counted_) all += n;
        // With how many there are of all: of a shop that is served, the same words twice are about
        // the same orders.
        for (std::size_t i = 0; i < told.size(); ++i)
            if (told[i] != counted_[i])
                in_.found(totals_match, type_of<order_status>.words[i],
                          "the counters say " + std::to_string(told[i]) + " orders, there are " +
                              std::to_string(counted_[i]) + " of " + std::to_string(all));
    }

 private:
    void found(const rule& broken, const order_case& of, std::string text) {
        in_.found(broken, of.id, std::move(text));
    }
    static std::string is(const order_case& of) {
        return "is " + std::string(word_of(of.order->status));
    }

    // Payment's state and its events are one write too.
    void payments_alone(const order_case& of) {
        const auto same = [&](what type, std::int64_t wanted, std::string_view of_what) {
            if (of.events[type] != wanted)
                found(state_has_its_events, of,
                      std::to_string(wanted) + ' ' + std::string(of_what) + ", but " +
                          std::to_string(of.events[type]) + ' ' + std::string(event_types[type]));
        };
        same(captured, of.captures, "captures");
        same(declined, of.declines, "declined attempts");
        same(given_back, of.refunds_succeeded + of.refunds_refused, "settled refunds");
        same(closed, of.head_closed, "closed payments");
        if (of.refunded_minor > of.captured_minor)
            found(refunds_within_captures, of, "payments gave back more than they captured");
    }

    void without_order(const order_case& of) {
        if (of.captured_minor > 0)
            found(captures_have_orders, of, "was captured, but there is no such order");
        const bool told = std::ranges::any_of(of.events, [](auto n) { return n > 0; });
        if (told) found(state_has_its_events, of, "events tell of an order that does not exist");
        // Tombstones and refusals outlive nothing; units do. Holds without an order's id are
        // reservations by hand (R46).
        if ((of.hold == "held" || of.hold == "committed") && is_uuid(of.id) && !of.moving)
            found(holds_follow_orders, of, of.hold + " units of an order that does not exist");
    }

    void money(const order_case& of) {
        const auto& one = *of.order;
        std::int64_t lines_minor = 0, asked_minor = 0, settled_minor = 0;
        for (const auto& line : one.items) lines_minor += line.line_total.minor;
        for (const auto& each : one.refunds) {
            if (each.status != orders::refund_state::failed) asked_minor += each.amount.minor;
            if (each.status == orders::refund_state::succeeded) settled_minor += each.amount.minor;
        }
        if (lines_minor != one.total_amount.minor)
            found(lines_add_up, of,
                  "the lines come to " + std::to_string(lines_minor) + ", the total is " +
                      std::to_string(one.total_amount.minor));
        if (asked_minor > one.captured_amount.minor)
            found(refunds_within_captures, of, "more is refunded than was captured");
        if (settled_minor != one.refunded_amount.minor)
            found(refunds_within_captures, of,
                  "refunded_amount is " + std::to_string(one.refunded_amount.minor) +
                      ", its refunds come to " + std::to_string(settled_minor));
        const bool kept = one.status == order_status::paid || one.status == order_status::shipped ||
                          one.status == order_status::delivered ||
                          one.status == order_status::refunded;
        const auto given_back_minor = one.captured_amount.minor - one.total_amount.minor;
        // A second capture is recorded and owed back.
        if (kept && (given_back_minor < 0 || (given_back_minor > 0 && asked_minor == 0)))
            found(paid_is_captured, of, is(of) + ", but captured differs from the total");
    }

    void events(const order_case& of) {
        const auto& one = *of.order;
        const auto& n = of.events;
        const auto exactly = [&](what type, std::int64_t wanted) {
            if (n[type] != wanted)
                found(state_has_its_events, of,
                      is(of) + ", so " + std::string(event_types[type]) + " is due " +
                          std::to_string(wanted) + " times, and was written " +
                          std::to_string(n[type]) + " times");
        };
        const bool over = one.status == order_status::cancelled;
        const bool never_placed =
            one.status == order_status::pending || (over && refusal(one.reason));
        const bool expired = over && one.reason == "order_expired";
        exactly(created, !never_placed && !expired);
        exactly(payment_asked, !never_placed && !expired);
        exactly(cancelled, over && !never_placed);
        const bool sent = one.status == order_status::shipped ||
                          one.status == order_status::delivered ||
                          one.status == order_status::refunded;
        exactly(shipped, sent);
        if (one.status != order_status::refunded)
            exactly(delivered, one.status == order_status::delivered);
        if (sent || one.status == order_status::paid) exactly(paid, 1);
        else if (!over) exactly(paid, 0);
        if (one.status == order_status::payment_failed && n[payment_failed] == 0)
            exactly(payment_failed, 1);
        std::int64_t settled = 0;
        for (const auto& each : one.refunds)
            settled += each.status == orders::refund_state::succeeded;
        exactly(refunded, settled);
        exactly(refund_asked, std::ssize(one.refunds));
        if (of.newest_version > one.version)
            found(versions_rise, of, "an event is newer than the order");
    }

    // What the order knows of money is what payment does, once nothing is on its way.
    void agreement(const order_case& of) {
        const auto& one = *of.order;
        if (of.captured_minor != one.captured_amount.minor)
            found(order_and_payment_agree, of,
                  "the order knows of " + std::to_string(one.captured_amount.minor) +
                      " captured, payments of " + std::to_string(of.captured_minor));
        if (of.refunded_minor != one.refunded_amount.minor)
            found(order_and_payment_agree, of,
                  "the order knows of " + std::to_string(one.refunded_amount.minor) +
                      " given back, payments of " + std::to_string(of.refunded_minor));
        if (one.payment_id &&
            std::ranges::find(of.payment_ids, *one.payment_id) == of.payment_ids.end())
            found(order_and_payment_agree, of, "was paid by a payment that captured nothing");
        if (of.captures > 1 && one.refunds.empty())
            found(one_capture_is_kept, of, "was captured twice and nothing is refunded");
        const auto asked = of.refunds_pending + of.refunds_succeeded + of.refunds_refused;
        if (asked != std::ssize(one.refunds))
            found(refunds_are_settled, of,
                  std::to_string(one.refunds.size()) + " refunds are owed, payments know of " +
                      std::to_string(asked));
    }

    void ends(const order_case& of) {
        const auto& one = *of.order;
        std::int64_t owed_minor = 0;
        for (const auto& each : one.refunds) owed_minor += each.amount.minor;
        // A refused refund waits for a person: it is owed all the same.
        if (one.status == order_status::cancelled && owed_minor < one.captured_amount.minor)
            found(money_of_the_cancelled, of,
                  "is cancelled with money that is neither refunded nor owed");
        const bool waits = one.status == order_status::cancelling || one.due_at;
        const auto due = one.due_at.value_or(one.updated_at);
        if (waits && !of.open_attempt && in_.overdue(due))
            found(ends_in_time, of, is(of) + " past its deadline");
    }

    void hold(const order_case& of) {
        const auto status = of.order->status;
        const bool open = status == order_status::awaiting_payment ||
                          status == order_status::payment_failed ||
                          status == order_status::cancelling;
        const bool sold = status == order_status::paid || status == order_status::shipped ||
                          status == order_status::delivered || status == order_status::refunded;
        const bool came_back =
            of.hold == "returned" &&
            std::ranges::any_of(of.order->refunds, [](const auto& each) { return each.restock; });
        const bool over = status == order_status::cancelled;
        if (open && of.hold != "held")
            found(holds_follow_orders, of, "waits for payment, but its hold is " + of.hold);
        if (sold && of.hold != "committed" && !came_back)
            found(holds_follow_orders, of, "is sold, but its hold is " + of.hold);
        if (over && (of.hold == "held" || of.hold == "committed"))
            found(holds_follow_orders, of, "is cancelled, but its hold is " + of.hold);
        const bool counted = of.hold == "held" || of.hold == "committed" || of.hold == "returned";
        if (counted && !same_lines(of))
            found(holds_follow_orders, of, "other units are held than were ordered");
    }

    book& in_;
    std::array<std::int64_t, type_of<order_status>.words.size()> counted_{};
};

// Each user's counters beside that user's orders, both by the user's id.
class user_totals {
 public:
    explicit user_totals(book& in)
        : in_(in),
          orders_(in.at.shop.items_by(orders::orders_table, "by_user")),
          counters_(in.at.shop.items(orders::counters_table)) {}

    void run() {
        next_order();
        next_counter();
        while (order_ || counter_) {
            const auto user =
                !counter_ || (order_ && order_user_ < counter_user_) ? order_user_ : counter_user_;
            numbers told{}, there{};
            if (counter_ && counter_user_ == user) {
                for (std::size_t i = 0; i < statuses; ++i)
                    told[i] = counter_->integer(type_of<order_status>.words[i]);
                told[statuses] = counter_->integer("all");
                next_counter();
            }
            for (; order_ && order_user_ == user; next_order()) count(*order_, user, there);
            compare(user, told, there);
        }
    }

 private:
    static constexpr std::size_t statuses = type_of<order_status>.words.size();
    using numbers = std::array<std::int64_t, statuses + 1>;  // the last: all

    void next_order() {
        order_ = orders_.next();
        order_user_ = order_ ? std::string(order_->text("user_id")) : "";
    }
    void next_counter() {
        static constexpr std::string_view prefix = "orders:user:";
        do counter_ = counters_.next();
        while (counter_ && !counter_->text("name").starts_with(prefix));
        counter_user_ = counter_ ? std::string(counter_->text("name").substr(prefix.size())) : "";
    }

    void count(const item& order, std::string_view user, numbers& there) {
        in_.advance();
        ++there[statuses];
        const auto stands_under = order.text("user_status");
        if (stands_under.empty()) return;  // last written before there was such an index
        const auto status = read_word<order_status>(order.text("status"));
        if (!status) return;  // a finding of its own
        ++there[static_cast<std::size_t>(*status)];
        if (stands_under != std::string(user) + '#' + std::string(order.text("status")))
            in_.found(totals_match, order.text("id"),
                      "is listed under " + std::string(stands_under) + ", and is " +
                          std::string(order.text("status")));
    }

    void compare(const std::string& user, const numbers& told, const numbers& there) {
        for (std::size_t i = 0; i < told.size(); ++i)
            if (told[i] != there[i])
                in_.found(totals_match, "orders:user:" + user,
                          "says " + std::to_string(told[i]) + " for " +
                              std::string(i < statuses ? type_of<order_status>.words[i] : "all") +
                              ", there are " + std::to_string(there[i]) + " of " +
                              std::to_string(there[statuses]));
    }

    book& in_;
    snapshot_items orders_, counters_;
    std::optional<item> order_, counter_;
    std::string order_user_, counter_user_;
};

// The streams, each with its next row in hand.
class side_by_side {
 public:
    side_by_side(book& in, judge& by)
        : in_(in),
          judge_(by),
          orders_(in.at.shop.items(orders::orders_table)),
          payments_(in.at.shop.items_by(payments::payments_table, "by_order")),
          holds_(in.at.shop.rows("SELECT order_id, status FROM holds ORDER BY order_id")),
          lines_(in.at.shop.rows("SELECT order_id, product_id, quantity FROM hold_lines "
                                 "ORDER BY order_id, product_id")),
          events_(in.at.shop.events_by_key({orders::topic::orders, orders::topic::payment_requested,
                                            orders::topic::close_requested,
                                            orders::topic::refund_requested,
                                            payments::topic::succeeded, payments::topic::failed,
                                            payments::topic::closed, payments::topic::refunded})) {}

    void run() {
        next_order();
        next_payment();
        next_hold();
        next_line();
        next_event();
        while (const auto* id = least()) {
            order_case one;
            one.id = *id;
            take_order(one);
            take_payments(one);
            take_hold(one);
            take_events(one);
            one.moving = one.moving || one.late || in_.parked(one.id);
            judge_.look(one);
        }
    }

 private:
    const std::string* least() const {
        const std::string* out = nullptr;
        for (const auto* each : {&order_id_, &payment_of_, &hold_of_, &line_of_, &event_of_})
            if (!each->empty() && (!out || *each < *out)) out = each;
        return out;
    }

    void next_order() {
        order_ = orders_.next();
        order_id_ = order_ ? std::string(order_->text("id")) : "";
    }
    void next_payment() {
        payment_ = payments_.next();
        payment_of_ = payment_ ? std::string(payment_->text("order_id")) : "";
    }
    void next_hold() { hold_of_ = holds_->next() ? std::string(holds_->row().text(0)) : ""; }
    void next_line() { line_of_ = lines_->next() ? std::string(lines_->row().text(0)) : ""; }
    void next_event() {
        event_ = events_.next();
        event_of_ = event_ ? event_->key : "";
    }

    void take_order(order_case& one) {
        if (order_id_ != one.id) return;
        in_.advance();
        ++in_.report.orders;
        auto read = from_item<order_record>(*order_);
        if (read) one.order = *std::move(read);
        else in_.found(orders_are_readable, one.id, read.error().detail);
        next_order();
    }
    void take_payments(order_case& one) {
        for (; payment_of_ == one.id; next_payment()) add_payment(one, *payment_);
    }
    void add_payment(order_case& one, const item& of) {
        const auto id = of.text("id");
        if (id.starts_with("order:")) {
            ++in_.report.payments;
            const auto state = read_word<payments::head_state>(of.text("state"));
            using enum payments::head_state;
            one.head_closed = state == closed;
            one.open_attempt = state == submitted || state == unknown || state == review ||
                               (state == open && of.find("method"));
        } else if (id.starts_with("refund:")) {
            const auto state = of.text("state");
            one.refunds_pending += state == "pending";
            one.refunds_succeeded += state == "succeeded";
            one.refunds_refused += state == "refused";
            if (state == "succeeded") one.refunded_minor += of.integer("amount");
        } else if (of.text("status") == "succeeded") {
            ++one.captures;
            one.captured_minor += of.integer("amount");
            one.payment_ids.emplace_back(id);
        } else {
            one.declines += of.text("status") == "failed";
        }
    }

    void take_hold(order_case& one) {
        if (hold_of_ == one.id) {
            one.hold = holds_->row().text(1);
            next_hold();
        }
        for (; line_of_ == one.id; next_line())
            one.lines.push_back({std::string(lines_->row().text(1)), lines_->row().integer(2)});
    }

    void take_events(order_case& one) {
        auto before = static_cast<std::size_t>(whats);
        std::int64_t version = 0;
        std::string_view topic;
        for (; event_of_ == one.id; next_event()) {
            const auto& told = *event_;
            if (told.type == mark_type) continue;  // of no order, though its key is like one
            if (told.type == repeat_type) continue;
            ++in_.report.events;
            one.moving = one.moving || in_.in_flight(told.topic, told.partition, told.offset);
            one.late = one.late || in_.late(told.topic, told.partition, told.offset);
            const auto found = std::ranges::find(event_types, told.type);
            const auto type = static_cast<std::size_t>(found - event_types.begin());
            if (type < whats) ++one.events[type];
            if (topic != told.topic) version = 0;
            topic = told.topic;
            if (told.topic != orders::topic::orders) continue;
            if (told.version <= version)
                in_.found(versions_rise, one.id, "event " + told.type + " goes back in versions");
            version = told.version;
            one.newest_version = std::max(one.newest_version, version);
            if (type < whats && !may_follow(before, type))
                in_.found(statuses_move_along_the_table, one.id,
                          told.type + " came after " +
                              (before < whats ? std::string(event_types[before]) : "nothing"));
            before = type;
        }
    }

    book& in_;
    judge& judge_;
    snapshot_items orders_, payments_;
    std::unique_ptr<snapshot_rows> holds_, lines_;
    snapshot_events events_;
    std::optional<item> order_, payment_;
    std::optional<snapshot_event> event_;
    std::string order_id_, payment_of_, hold_of_, line_of_, event_of_;
};

}  // namespace

void check_orders(book& in) {
    in.step("orders", in.at.shop.count(orders::orders_table));
    judge by(in);
    side_by_side(in, by).run();
    by.totals();
    in.step("orders of users", in.at.shop.count(orders::orders_table));
    user_totals(in).run();
}

}  // namespace stoa::audits
