#include "simulation/rules.hpp"

#include <algorithm>

namespace stoa::simulation {
namespace {

using words = std::vector<std::string_view>;

// Design §5's table, written down a second time on purpose.
const std::map<std::string_view, words> may_follow{
    {"pending", {"awaiting_payment", "cancelled"}},
    {"awaiting_payment", {"paid", "payment_failed", "cancelling"}},
    {"payment_failed", {"awaiting_payment", "cancelling", "paid"}},
    {"cancelling", {"cancelled", "paid"}},
    {"paid", {"shipped", "cancelled"}},
    {"shipped", {"delivered", "refunded"}},
    {"delivered", {"refunded"}},
    {"cancelled", {}},
    {"refunded", {}},
};

bool one_of(std::string_view word, std::initializer_list<std::string_view> of) {
    return std::ranges::find(of, word) != of.end();
}

[[noreturn]] void broken(const std::string& rule, std::string_view where) {
    throw violation{rule + ": " + std::string(where)};
}

std::string number(std::int64_t n) { return std::to_string(n); }

}  // namespace

rules::rules(store& shared, town& of) : shared_(shared), town_(of) {
    shared_.on_item = [this](const kv_table& table, const item* before, const item* after) {
        if (&table == &orders::orders_table) order_changed(before, after);
        else if (&table == &payments::payments_table) payment_changed(before, after);
        else if (&table == &idempotency_table) key_changed(before, after);
        else if (&table == &leases_table) lease_changed(before, after);
    };
    shared_.on_rows = [this] { rows_changed(); };
    shared_.on_published = [this](const event& what) { published(what); };
    town_.books.on_capture = [this](const bank::intent& of_order) {
        const auto& id = of_order.shown.reference;
        if (town_.books.captures(id) > 1) broken("an order was captured twice", id);
        const auto order = shared_.get(orders::orders_table, key_of("id", id));
        if (!order) broken("a capture without an order", id);
        if (order->integer("total_amount") != of_order.shown.amount.minor)
            broken("captured another amount than the order's", id);
        if (one_of(order->text("status"), {"cancelled", "refunded"}))
            broken("captured for an order that was said to have ended", id);
        if (order->text("payment_due_at") < rfc3339(town_.wall()))
            town_.in.sometimes("a payment succeeded after the deadline");
        if (order->text("status") == "cancelling")
            town_.in.sometimes("a payment succeeded while its order was being cancelled");
    };
}

void rules::order_changed(const item* before, const item* after) {
    if (!after) broken("an order vanished", before->text("id"));
    const auto id = after->text("id");
    const auto to = after->text("status");
    town_.in.trace(std::string("order ") + std::string(to), stable_hash(id));
    const auto captured = after->integer("captured_amount");
    const auto refunded = after->integer("refunded_amount");
    if (refunded > captured) broken("refunded more than captured", id);
    if (one_of(to, {"paid", "shipped", "delivered", "refunded"}) &&
        captured < after->integer("total_amount"))
        broken("paid with less than the total", id);
    if (captured != 0 && captured != after->integer("total_amount"))
        broken("captured " + number(captured) + " of another total", id);
    if (!before) {
        if (to != "pending") broken("an order began as " + std::string(to), id);
        const auto [first, fresh] =
            order_of_key_.emplace(std::string(after->text("scope_key")), std::string(id));
        if (!fresh) broken("one key, two orders", id);
        return;
    }
    if (after->integer("version") != before->integer("version") + 1)
        broken("an order's version did not move by one", id);
    if (after->integer("total_amount") != before->integer("total_amount"))
        broken("an order's total changed", id);
    if (refunded < before->integer("refunded_amount"))
        broken("an order's refunded amount went down", id);
    const auto from = before->text("status");
    if (refunded > before->integer("refunded_amount")) ++owed_[{std::string(id), "order.refunded"}];
    if (from == to) return;
    const auto& allowed = may_follow.at(from);
    if (std::ranges::find(allowed, to) == allowed.end())
        broken("an order went from " + std::string(from) + " to " + std::string(to), id);
    std::string type = "order." + std::string(to);
    if (to == "cancelling") was_cancelling_.insert(std::string(id));
    if (to == "paid") was_paid_.insert(std::string(id));
    if (to == "awaiting_payment") type = from == "pending" ? "order.created" : "";
    if (to == "cancelling" || to == "refunded") type.clear();
    // A refusal has no event; an order that expired does: its hold may stand.
    if (to == "cancelled" && from == "pending" && after->text("reason") != "order_expired")
        type.clear();
    if (to == "cancelled" && from == "pending" && !type.empty())
        town_.in.sometimes("a pending order that nobody retried was cancelled");
    if (!type.empty()) ++owed_[{std::string(id), type}];
    if (from == "cancelling" && to == "cancelled" && captured > 0)
        town_.in.sometimes("a capture met a cancellation and was given back");
    if (to == "payment_failed") {
        // The attempt that the order waited for was declined, not an older one.
        const auto head =
            shared_.get(payments::payments_table, key_of("id", payments::head_id(std::string(id))));
        const bool same = head && head->integer("attempt") == after->integer("payment_attempt");
        if (!same || !one_of(head->text("state"), {"failed", "closed"}))
            broken("an older attempt's failure counted", id);
        town_.in.sometimes("a declined card left its order open");
    }
}

void rules::payment_changed(const item* before, const item* after) {
    if (!after) broken("a payment item vanished", before->text("id"));
    const auto id = after->text("id");
    if (before && after->integer("version") != before->integer("version") + 1)
        broken("a payment's version did not move by one", id);
    if (!before || !id.starts_with("order:")) return;
    const auto from = before->text("state"), to = after->text("state");
    if (from == to) return;
    if (from == "captured" || from == "closed")
        broken("a payment went from " + std::string(from) + " to " + std::string(to), id);
    if (to == "unknown") town_.in.sometimes("a payment's outcome was unknown");
    if (to == "captured" && after->find("close_requested"))
        if (const auto* asked = after->find("close_requested");
            asked->value == decltype(asked->value)(true))
            town_.in.sometimes("a capture came after its close was requested");
}

void rules::lease_changed(const item* before, const item* after) {
    if (before && after && before->text("owner") != after->text("owner"))
        town_.in.sometimes(town_.lives(before->text("owner"))
                               ? "a lease was taken while its holder slept"
                               : "a lease was taken from the dead");
}

// One key, one effect, the same bytes.
void rules::key_changed(const item* before, const item* after) {
    if (!before || !after) return;
    const auto key = after->text("scope_key");
    if (before->text("subject") != after->text("subject"))
        broken("a key changed what it stands for", key);
    if (before->text("state") == "done" && (after->text("body") != before->text("body") ||
                                            after->integer("status") != before->integer("status")))
        broken("a key's stored answer changed", key);
}

void rules::rows_changed() {
    static const char* const check =
        "SELECT p.id, p.on_hand, p.reserved,"
        " (SELECT COALESCE(SUM(m.delta), 0) FROM stock_movements m WHERE m.product_id = p.id),"
        " (SELECT COALESCE(SUM(l.quantity), 0) FROM hold_lines l JOIN holds h"
        "   ON h.order_id = l.order_id WHERE l.product_id = p.id AND h.status = 'held')"
        " FROM products p";
    sqlite_statement rows(shared_.rows(), check);
    while (rows.step()) {
        const auto on_hand = rows.integer(1), reserved = rows.integer(2);
        if (on_hand != rows.integer(3))
            broken("on hand is not the sum of the movements", rows.text(0));
        if (reserved != rows.integer(4))
            broken("reserved is not the sum of the holds", rows.text(0));
        if (reserved < 0 || reserved > on_hand) broken("oversold", rows.text(0));
        town_.in.trace("stock", static_cast<std::uint64_t>(on_hand * 1'000 + reserved));
        if (on_hand > 0 && on_hand == reserved) town_.in.sometimes("the last unit was held");
    }
}

void rules::published(const event& what) {
    if (what.topic != "orders") return;
    ++written_[{what.key, what.type}];
}

// --- at rest

std::optional<std::string> rules::at_rest(const people& who) {
    if (!shared_.dead_letters.empty()) {
        const auto& first = shared_.dead_letters.front();
        throw violation{"a dead letter: " + first.what.group + " " + first.what.message.type + " " +
                        first.cause.code + " " + first.cause.detail};
    }
    if (!shared_.all_consumed()) return "events wait for their consumers";
    if (auto wrong = orders_at_rest()) return wrong;
    if (auto wrong = holds_at_rest()) return wrong;
    if (auto wrong = keys_at_rest()) return wrong;
    if (auto wrong = events_at_rest()) return wrong;
    if (auto wrong = mails_at_rest()) return wrong;
    if (auto wrong = carts_at_rest(who)) return wrong;
    if (auto wrong = guests_at_rest(who)) return wrong;
    for (const auto& id : who.acknowledged())
        if (!shared_.get(orders::orders_table, key_of("id", id)))
            return "an acknowledged order is not there: " + id;
    return {};
}

std::optional<std::string> rules::orders_at_rest() {
    const auto all = shared_.scan(orders::orders_table, {}, 1'000'000);
    for (const auto& order : all.items)
        if (auto wrong = order_at_rest(order)) return wrong;
    return {};
}

std::optional<std::string> rules::order_at_rest(const item& order) {
    const std::string id(order.text("id"));
    const auto status = order.text("status");
    if (!one_of(status, {"paid", "shipped", "delivered", "cancelled", "refunded"}))
        return "an order rests as " + std::string(status) + ": " + id;
    if (order.text("refund_status") == "pending") return "a refund was not settled: " + id;
    if (order.text("refund_status") == "failed") return "a refund was refused: " + id;
    const auto kept = town_.books.kept_minor(id);
    const auto captured = order.integer("captured_amount");
    const auto refunded = order.integer("refunded_amount");
    if (kept != captured - refunded)
        return "the provider keeps " + number(kept) + ", the order says " +
               number(captured - refunded) + ": " + id;
    if (one_of(status, {"cancelled", "refunded"}) && kept != 0)
        return "money of an ended order was kept: " + id;
    if (was_cancelling_.contains(id) && status != "cancelled")
        return "an order whose end was asked for rests as " + std::string(status) + ": " + id;
    if (was_paid_.contains(id) && !town_.blobs.contains("order-documents/" + id + ".txt"))
        return "a paid order has no invoice: " + id;
    return hold_at_rest(order);
}

// The hold follows the order, unit by unit.
std::optional<std::string> rules::hold_at_rest(const item& order) {
    const std::string id(order.text("id"));
    const auto status = order.text("status");
    std::string held = "none";
    {
        sqlite_statement hold(shared_.rows(), "SELECT status FROM holds WHERE order_id = ?1", id);
        if (hold.step()) held = hold.text(0);
    }
    // What came back after shipping stands on the shelf again, where the operator said so.
    bool restocked = false;
    if (const auto* list = order.find("refunds"))
        for (const auto& each : std::get<attribute_list>(list->value))
            if (const auto* one = std::get_if<item>(&each.value))
                restocked |= one->find("restock") && *one->find("restock") == attribute(true);
    if (one_of(status, {"paid", "shipped", "delivered"}) && held != "committed" &&
        !(restocked && held == "returned"))
        return "a paid order's units are " + held + ": " + id;
    if (status == "cancelled" && !one_of(held, {"released", "returned", "refused", "none"}))
        return "a cancelled order's units are " + held + ": " + id;
    if (held == "none" || held == "refused") return {};
    std::map<std::string, std::int64_t> wanted, kept;
    for (const auto& each : std::get<attribute_list>(order.find("items")->value)) {
        const auto& line = std::get<item>(each.value);
        wanted[std::string(line.text("product_id"))] += line.integer("quantity");
    }
    sqlite_statement lines(shared_.rows(),
                           "SELECT product_id, quantity FROM hold_lines WHERE order_id = ?1", id);
    while (lines.step()) kept[std::string(lines.text(0))] += lines.integer(1);
    if (!kept.empty() && kept != wanted) return "other units were held than ordered: " + id;
    if (kept.empty() && held != "released") return "an order's hold has no units: " + id;
    return {};
}

// A key that made an order has its answer.
std::optional<std::string> rules::keys_at_rest() {
    const auto all = shared_.scan(idempotency_table, {}, 1'000'000);
    for (const auto& each : all.items) {
        const auto subject = each.text("subject");
        const bool of_order = each.text("state") != "done" &&
                              shared_.get(orders::orders_table, key_of("id", std::string(subject)));
        if (of_order) return "a key has no answer: " + std::string(each.text("scope_key"));
    }
    return {};
}

std::optional<std::string> rules::holds_at_rest() {
    static const char* const check = "SELECT order_id FROM holds WHERE status = 'held'";
    sqlite_statement rows(shared_.rows(), check);
    if (rows.step()) return "a hold outlives its order: " + std::string(rows.text(0));
    return {};
}

// State and event: each that was owed was written once, none more, and each was applied by whoever
// follows orders.
std::optional<std::string> rules::events_at_rest() {
    for (const auto& [what, n] : owed_)
        if (written_[what] != n)
            throw violation{what.second + " was owed " + number(n) + " times and written " +
                            number(written_[what]) + " times: " + what.first};
    for (const auto& [what, n] : written_)
        if (n != owed_[what])
            throw violation{what.second + " was written " + number(n) + " times and owed " +
                            number(owed_[what]) + " times: " + what.first};
    for (const auto& [topic, partitions] : shared_.log())
        for (const auto& partition : partitions)
            for (const auto& each : partition) {
                if (each.topic != "orders") continue;
                const auto must = [&](std::string_view group) {
                    return shared_.applied(group, each.id)
                               ? std::optional<std::string>{}
                               : std::string(group) + " passed over " + each.type + " " + each.key;
                };
                const bool stock = one_of(each.type, {"order.paid", "order.cancelled"});
                if (auto wrong = stock ? must("product") : std::nullopt) return wrong;
                const bool told = one_of(each.type, {"order.paid", "order.shipped"});
                if (auto wrong = told ? must("notification") : std::nullopt) return wrong;
                if (auto wrong = each.type == "order.paid" ? must("cart") : std::nullopt)
                    return wrong;
            }
    return {};
}

std::optional<std::string> rules::mails_at_rest() {
    const auto all = shared_.scan(notifications::notifications_table, {}, 1'000'000);
    std::set<std::string> ids;
    for (const auto& each : all.items)
        ids.insert(std::string(each.text("event_id")) + "." + std::string(each.text("channel")));
    for (const auto& [id, n] : town_.mails)
        if (!ids.contains(id)) return "a mail went out that no event asked for: " + id;
    for (const auto& each : all.items) {
        if (each.text("status") == "pending")
            return "a mail waits: " + std::string(each.text("event_id"));
        const auto id =
            std::string(each.text("event_id")) + "." + std::string(each.text("channel"));
        if (each.text("status") == "sent" && !town_.mails.contains(id))
            return "a mail that was never sent is marked as sent: " + id;
    }
    return {};
}

// A guest's orders and cart are the account's, all of them.
std::optional<std::string> rules::guests_at_rest(const people& who) {
    for (const auto& each : who.guests()) {
        // Else the guest is still one: its token works, and the next sign-in tries again.
        static const char* const merged = "SELECT id FROM users WHERE id = ?1 AND active = 0";
        if (sqlite_statement guest(shared_.rows(), merged, each.guest_id); !guest.step()) continue;
        town_.in.sometimes("a guest came home to an account");
        const auto all = shared_.scan(orders::orders_table, {}, 1'000'000);
        for (const auto& order : all.items) {
            if (order.text("user_id") == each.guest_id)
                return "an order stayed with its guest: " + std::string(order.text("id"));
            if (order.text("placed_by") == each.guest_id && order.text("user_id") != each.user_id)
                return "a guest's order went elsewhere: " + std::string(order.text("id"));
        }
    }
    return {};
}

std::optional<std::string> rules::carts_at_rest(const people& who) {
    const auto all = shared_.scan(carts::carts_table, {}, 1'000'000);
    for (const auto& each : all.items)
        if (who.deleted_products().contains(std::string(each.text("product_id"))))
            return "a cart holds a deleted product: " + std::string(each.text("user_id"));
    for (const auto& each : who.carts()) {
        if (who.deleted_products().contains(each.product_id)) continue;
        const auto line = shared_.get(
            carts::carts_table, key_of("user_id", each.user_id, "product_id", each.product_id));
        const auto left = line ? line->integer("quantity") : 0;
        const auto wanted = was_paid_.contains(each.order_id) ? each.if_paid : each.if_not;
        if (left != wanted)
            return "a cart holds " + number(left) + " units where " + number(wanted) +
                   " should be: " + each.user_id;
    }
    return {};
}

}  // namespace stoa::simulation
