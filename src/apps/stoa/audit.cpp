#include "apps/stoa/audit.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"
#include "ports/idempotency.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_state.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_store.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace stoa {
namespace {

using orders::order_record;
using orders::order_status;

constexpr std::size_t most_findings = 1'000;
constexpr auto sweep_grace = minutes(1);

// What the events of an order's topic say of it.
struct told_order {
    std::int64_t version = 0;  // of the newest
    std::string type;
};

// What payments know of an order.
struct told_payment {
    std::int64_t captured_minor = 0, captures = 0, refunded_minor = 0;
    bool open_attempt = false;
    bool refund_pending = false;
};

struct subject_row {
    std::string subject, what;
};
BOOST_DESCRIBE_STRUCT(subject_row, (), (subject, what))

struct hold_place {
    std::string order_id, status;
};
BOOST_DESCRIBE_STRUCT(hold_place, (), (order_id, status))

class auditor {
 public:
    auditor(sqlite_snapshot& at, timestamp now) : at_(at), now_(now) {}

    task<result<audit_report>> run() {
        STOA_CO_TRY(const auto keys, at_.keys_in_flight());
        in_flight_.insert(keys.begin(), keys.end());
        report_.in_flight = std::ssize(in_flight_);
        STOA_CO_TRY_VOID(stock());
        STOA_CO_TRY_VOID(co_await read_events());
        STOA_CO_TRY_VOID(co_await read_payments());
        STOA_CO_TRY_VOID(
            co_await each_item(orders::orders_table, [this](const item& one) { order(one); }));
        STOA_CO_TRY_VOID(
            co_await each_item(idempotency_table, [this](const item& one) { key(one); }));
        judge_holds();
        judge_money();
        report_.clean = report_.findings.empty();
        co_return std::move(report_);
    }

 private:
    void found(int rule, std::string_view subject, std::string what) {
        if (report_.findings.size() < most_findings)
            report_.findings.push_back({rule, std::string(subject), std::move(what)});
    }
    bool moving(const std::string& key) const { return in_flight_.contains(key); }

    // Rule 1, wholly in SQL.
    result<void> stock() {
        return at_.read([this](transaction& t) {
            report_.products = t.number("SELECT count(*) FROM products").value_or(0);
            const auto ask = [&](const char* sql) {
                for (auto& row : t.query<subject_row>(sql)) found(1, row.subject, row.what);
            };
            ask("SELECT p.id AS subject, 'on_hand ' || p.on_hand || ' but the movements add up to "
                "' || "
                "coalesce(sum(m.delta), 0) AS what FROM products p LEFT JOIN stock_movements m ON "
                "m.product_id = p.id "
                "GROUP BY p.id HAVING p.on_hand <> coalesce(sum(m.delta), 0)");
            ask("SELECT p.id AS subject, 'reserved ' || p.reserved || ' but the held lines add up "
                "to ' || "
                "coalesce(h.held, 0) AS what FROM products p LEFT JOIN (SELECT l.product_id, "
                "sum(l.quantity) AS held "
                "FROM hold_lines l JOIN holds h ON h.order_id = l.order_id AND h.status = 'held' "
                "GROUP BY 1) h "
                "ON h.product_id = p.id WHERE p.reserved <> coalesce(h.held, 0)");
            ask("SELECT id AS subject, 'on_hand ' || on_hand || ', reserved ' || reserved AS what "
                "FROM products "
                "WHERE reserved < 0 OR reserved > on_hand");
            for (auto& row : t.query<hold_place>("SELECT order_id, status FROM holds"))
                holds_[std::move(row.order_id)] = std::move(row.status);
        });
    }

    // Rule 5: the log's own order, and the newest event of each order.
    task<result<void>> read_events() {
        STOA_CO_TRY(const auto places,
                    co_await at_.log().positions(std::string(orders::topic::orders)));
        for (const auto& place : places) {
            for (auto from = place.first;;) {
                STOA_CO_TRY(const auto batch,
                            co_await at_.log().read(place.topic, place.partition, from, 1'000));
                if (batch.empty()) break;
                for (const auto& each : batch) {
                    if (each.offset != from)
                        found(5, each.message.key, "the log has a gap at " + std::to_string(from));
                    from = each.offset + 1;
                    ++report_.events;
                    auto& told = told_[each.message.key];
                    if (each.message.version <= told.version)
                        found(5, each.message.key,
                              "event " + each.message.type + " goes back in versions");
                    told = {each.message.version, each.message.type};
                }
            }
        }
        co_return result<void>{};
    }

    task<result<void>> read_payments() {
        return each_item(payments::payments_table, [this](const item& one) {
            const auto id = one.text("id");
            auto& told = paid_[std::string(one.text("order_id"))];
            if (id.starts_with("order:")) {
                ++report_.payments;
                const auto state = read_word<payments::head_state>(one.text("state"));
                told.open_attempt = state == payments::head_state::submitted ||
                                    state == payments::head_state::unknown ||
                                    state == payments::head_state::review ||
                                    (state == payments::head_state::open && one.find("method"));
            } else if (id.starts_with("refund:")) {
                if (one.text("state") == "succeeded") told.refunded_minor += one.integer("amount");
                told.refund_pending |= one.text("state") == "pending";
            } else if (one.text("status") == "succeeded") {
                ++told.captures;
                told.captured_minor += one.integer("amount");
            }
        });
    }

    template <class See>
    task<result<void>> each_item(const kv_table& table, See see) {
        std::optional<item> after;
        do {
            STOA_CO_TRY(auto page, co_await at_.items().scan(table, std::move(after), 1'000));
            for (const auto& one : page.items) see(one);
            after = std::move(page.next);
        } while (after);
        co_return result<void>{};
    }

    // Rules 3, 5 and 8 as far as one order tells.
    void order(const item& stored) {
        ++report_.orders;
        auto read = from_item<order_record>(stored);
        if (!read) return found(5, stored.text("id"), "cannot be read: " + read.error().detail);
        const auto& one = *read;
        std::int64_t lines_minor = 0, refunds_minor = 0;
        for (const auto& line : one.items) lines_minor += line.line_total.minor;
        for (const auto& each : one.refunds)
            if (each.status != orders::refund_state::failed) refunds_minor += each.amount.minor;
        if (lines_minor != one.total_amount.minor)
            found(3, one.id, "the lines do not add up to the total");
        if (refunds_minor > one.captured_amount.minor)
            found(3, one.id, "more is refunded than was captured");
        const bool kept = one.status == order_status::paid || one.status == order_status::shipped ||
                          one.status == order_status::delivered;
        if (kept && one.captured_amount.minor != one.total_amount.minor)
            found(
                3, one.id,
                "is " + std::string(word_of(one.status)) + " but captured differs from the total");
        event_matches(one);
        const auto payment = paid_.find(one.id);
        const auto captured_minor = payment == paid_.end() ? 0 : payment->second.captured_minor;
        seen_.insert(one.id);
        if (moving(one.id)) return;
        if (captured_minor != one.captured_amount.minor)
            found(3, one.id,
                  "the order knows of " + std::to_string(one.captured_amount.minor) +
                      " captured, payments of " + std::to_string(captured_minor));
        if (payment != paid_.end() && payment->second.captures > 1 && refunds_minor == 0)
            found(3, one.id, "was captured twice and nothing is refunded");
        if (one.status == order_status::cancelled && refunds_minor != one.captured_amount.minor)
            found(8, one.id, "is cancelled with money that is neither refunded nor owed");
        const bool busy = payment != paid_.end() && payment->second.open_attempt;
        if (one.due_at && *one.due_at + sweep_grace < now_ && !busy)
            found(8, one.id, "is " + std::string(word_of(one.status)) + " past its deadline");
        hold_matches(one, busy);
    }

    // State and event are one write: the newest event names the state.
    void event_matches(const order_record& one) {
        const auto told = told_.find(one.id);
        if (told == told_.end()) {
            const bool silent =
                one.status == order_status::pending || one.reason == "out_of_stock" ||
                one.reason == "product_unavailable" || one.reason == "price_changed";
            if (!silent)
                found(5, one.id,
                      "is " + std::string(word_of(one.status)) + " but no event says so");
            return;
        }
        const auto& type = told->second.type;
        const auto is = [&](std::string_view wanted) { return type == wanted; };
        bool fits = false;
        switch (one.status) {
            case order_status::pending:
                break;
            case order_status::awaiting_payment:
                fits = is("order.created") || is("order.payment_failed");
                break;
            case order_status::payment_failed:
                fits = is("order.payment_failed");
                break;
            case order_status::cancelling:
                fits = is("order.created") || is("order.payment_failed");
                break;
            case order_status::paid:
                fits = is("order.paid") || is("order.refunded");
                break;
            case order_status::shipped:
                fits = is("order.shipped") || is("order.refunded");
                break;
            case order_status::delivered:
                fits = is("order.delivered") || is("order.refunded");
                break;
            case order_status::cancelled:
                fits = is("order.cancelled") || is("order.refunded");
                break;
            case order_status::refunded:
                fits = is("order.refunded");
                break;
        }
        if (!fits)
            found(5, one.id,
                  "is " + std::string(word_of(one.status)) + " but its newest event is " + type);
        if (told->second.version > one.version)
            found(5, one.id, "an event is newer than the order");
    }

    void hold_matches(const order_record& one, bool busy) {
        const auto hold = holds_.find(one.id);
        const auto status =
            hold == holds_.end() ? std::string_view("none") : std::string_view(hold->second);
        const bool open = one.status == order_status::awaiting_payment ||
                          one.status == order_status::payment_failed ||
                          one.status == order_status::cancelling;
        const bool sold = one.status == order_status::paid || one.status == order_status::shipped ||
                          one.status == order_status::delivered;
        if (open && status != "held" && !busy)
            found(8, one.id, "waits for payment but its hold is " + std::string(status));
        if (sold && status != "committed")
            found(8, one.id, "is sold but its hold is " + std::string(status));
        if (one.status == order_status::cancelled && (status == "held" || status == "committed"))
            found(8, one.id, "is cancelled but its hold is " + std::string(status));
    }

    // Rule 4: a key that is done names an answer; rule 5 covers its order.
    void key(const item& one) {
        if (one.text("state") == "done" && one.integer("status") == 0)
            found(4, one.text("scope_key"), "is done without an answer");
    }

    void judge_holds() {
        for (const auto& [order_id, status] : holds_)
            if (status == "held" && is_uuid(order_id) && !seen_.contains(order_id) &&
                !moving(order_id))
                found(8, order_id, "holds units of an order that does not exist");
    }

    // Every capture has an order.
    void judge_money() {
        for (const auto& [order_id, told] : paid_) {
            if (told.captured_minor > 0 && !seen_.contains(order_id))
                found(3, order_id, "was captured but there is no such order");
            if (told.refunded_minor > told.captured_minor)
                found(3, order_id, "payments gave back more than they captured");
        }
    }

    sqlite_snapshot& at_;
    timestamp now_;
    audit_report report_;
    std::unordered_set<std::string> in_flight_, seen_;
    std::unordered_map<std::string, std::string> holds_;
    std::unordered_map<std::string, told_order> told_;
    std::unordered_map<std::string, told_payment> paid_;
};

}  // namespace

task<result<audit_report>> audit(sqlite_shop& store, timestamp now) {
    STOA_CO_TRY(const auto moment, store.snapshot());
    auditor one(*moment, now);
    co_return co_await one.run();
}

}  // namespace stoa
