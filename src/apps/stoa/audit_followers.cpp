// Who follows orders: carts, mails, idempotency keys, and the payment provider's own books.
#include "apps/stoa/audit_checks.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "ports/event_marks.hpp"
#include "ports/idempotency.hpp"
#include "services/cart/cart_store.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_store.hpp"
#include "services/product/product_events.hpp"
#include "services/user/user_events.hpp"

#include <algorithm>
#include <array>

namespace stoa::audits {
namespace {

constexpr rule provider_agrees{3, "the_provider_agrees"};
constexpr rule key_has_one_answer{4, "a_key_has_one_answer"};
constexpr rule cart_without_deleted{9, "carts_hold_no_deleted_product"};
constexpr rule cart_without_paid{9, "carts_hold_nothing_that_was_paid"};
constexpr rule one_mail_an_event{11, "one_mail_an_event"};
constexpr rule mails_go_out{11, "mails_go_out"};

constexpr std::string_view email = "email";

// Events that somebody is told of. An order that expired before it was placed is no news.
bool told_by_mail(const snapshot_event& of) {
    static constexpr std::array<std::string_view, 9> types{"order.created",
                                                           "order.payment_failed",
                                                           "order.paid",
                                                           "order.cancelled",
                                                           "order.shipped",
                                                           "order.delivered",
                                                           "order.refunded",
                                                           "password.reset_requested",
                                                           "email.verification_requested"};
    return std::ranges::find(types, of.type) != types.end();
}

class mail_check {
 public:
    explicit mail_check(book& in)
        : in_(in),
          events_(in.at.shop.events_by_id({orders::topic::orders, users::topic::notifications})),
          mails_(in.at.shop.items(notifications::notifications_table)) {}

    // Events and mails side by side, both by the event's id.
    void run() {
        next_event();
        next_mail();
        while (event_ || mail_) {
            if (!mail_ || (event_ && event_->id < mail_id_)) {
                missing(*event_);
                next_event();
            } else if (!event_ || mail_id_ < event_->id) {
                in_.found(one_mail_an_event, mail_id_, "a mail about an event that nobody wrote");
                next_mail();
            } else {
                const auto id = mail_id_;
                bool by_mail = false;
                for (; mail_ && mail_id_ == id; next_mail()) by_mail |= look(*mail_);
                if (!by_mail) missing(*event_);
                next_event();
            }
        }
    }

 private:
    void next_event() {
        do event_ = events_.next();
        while (event_ && event_->type == repeat_type);
    }
    void next_mail() {
        mail_ = mails_.next();
        mail_id_ = mail_ ? std::string(mail_->text("event_id")) : "";
    }

    bool look(const item& mail) {
        in_.advance();
        ++in_.report.notifications;
        const auto status = mail.text("status");
        const auto due = read_rfc3339(mail.text("due_at"));
        if (status == "pending" && (!due || in_.overdue(*due)))
            in_.found(mails_go_out, mail_id_, "waits past its time");
        if (status == "sent" && mail.text("sent_at").empty())
            in_.found(mails_go_out, mail_id_, "is marked as sent, but never was");
        return mail.text("channel") == email;
    }

    void missing(const snapshot_event& of) {
        if (!told_by_mail(of) || in_.parked(of.key)) return;
        if (!in_.done_by("notification", of.topic, of.partition, of.offset)) return;
        if (of.type == "order.cancelled") {
            const auto order = in_.at.shop.get(orders::orders_table, key_of("id", of.key));
            if (order && order->text("reason") == "order_expired") return;
        }
        in_.found(one_mail_an_event, of.id, of.type + " of " + of.key + " has no mail");
    }

    book& in_;
    snapshot_events events_;
    snapshot_items mails_;
    std::optional<snapshot_event> event_;
    std::optional<item> mail_;
    std::string mail_id_;
};

class cart_check {
 public:
    explicit cart_check(book& in)
        : in_(in),
          deleted_(in.waiting_keys("cart", products::topic::deleted)),
          paid_(in.waiting_keys("cart", orders::topic::orders)) {}

    void run() {
        auto lines = in_.at.shop.items(carts::carts_table);
        while (const auto line = lines.next()) {
            in_.advance();
            if (line->integer("expires_at") <= in_.at.now.unix_s()) continue;
            const std::string owner(line->text("user_id"));
            in_.report.carts += owner != owner_;
            owner_ = owner;
            product_of(*line);
            paid_for(*line);
        }
    }

 private:
    void product_of(const item& line) {
        const std::string product(line.text("product_id"));
        if (deleted_.contains(product)) return;
        const auto row =
            in_.at.shop.rows("SELECT is_active FROM products WHERE id = ?1", {product});
        if (row->next() && row->row().integer(0) != 0) return;
        // Emptied by an index that may lag: the second pass is still to come.
        const auto stone =
            in_.at.shop.get(carts::guards_table, key_of("id", carts::tombstone_id(product)));
        const auto again = stone ? read_rfc3339(stone->text("due_at")) : std::nullopt;
        if (again && !in_.overdue(*again)) return;
        in_.found(cart_without_deleted, owner_,
                  "holds " + product + ", which is not sold any more");
    }

    // A line as it was put in, and an order of it since that was paid: nothing was taken out.
    void paid_for(const item& line) {
        if (line.integer("version") != 1) return;
        const auto product = line.text("product_id"), added = line.text("added_at");
        for (const auto& order : in_.at.shop.query(orders::orders_table, "by_user", owner_, added))
            if (took(order, product) && !paid_.contains(std::string(order.text("id"))))
                in_.found(cart_without_paid, owner_,
                          "holds " + std::string(product) + " as before order " +
                              std::string(order.text("id")) + " was paid");
    }
    static bool took(const item& order, std::string_view product) {
        static constexpr std::array<std::string_view, 3> paid{"paid", "shipped", "delivered"};
        if (std::ranges::find(paid, order.text("status")) == paid.end()) return false;
        const auto* lines = order.find("items");
        const auto* all = lines ? std::get_if<attribute_list>(&lines->value) : nullptr;
        return all && std::ranges::any_of(*all, [&](const attribute& each) {
                   const auto* one = std::get_if<item>(&each.value);
                   return one && one->text("product_id") == product;
               });
    }

    book& in_;
    std::unordered_set<std::string> deleted_, paid_;
    std::string owner_;
};

class key_check {
 public:
    explicit key_check(book& in) : in_(in) {}

    void run() {
        auto keys = in_.at.shop.items(idempotency_table);
        while (const auto one = keys.next()) {
            in_.advance();
            ++in_.report.idempotency_keys;
            const auto subject = one->text("subject");
            if (one->text("state") == "done") done(*one);
            else if (is_uuid(subject)) open(*one, subject);
        }
    }

 private:
    void done(const item& key) {
        const auto name = key.text("scope_key");
        const auto status = key.integer("status");
        if (status < 200 || status > 499 || key.text("body").empty())
            return in_.found(key_has_one_answer, name, "is done, but has no answer to repeat");
        const auto subject = key.text("subject");
        const bool placed =
            status == 201 && is_uuid(subject) &&
            (name.find("|CreateOrder|") != name.npos || name.find("|Checkout|") != name.npos);
        if (!placed) return;
        const auto order = in_.at.shop.get(orders::orders_table, key_of("id", subject));
        if (!order)
            in_.found(key_has_one_answer, name,
                      "answers with order " + std::string(subject) + ", which does not exist");
        else if (key.text("body").find(subject) == std::string_view::npos)
            in_.found(key_has_one_answer, name, "answers with another order than its own");
    }
    // A key is completed in the write that settles its order.
    void open(const item& key, std::string_view subject) {
        const auto order = in_.at.shop.get(orders::orders_table, key_of("id", subject));
        if (!order || order->text("status") == "pending") return;
        in_.found(key_has_one_answer, key.text("scope_key"),
                  "has no answer, though order " + std::string(subject) + " is settled");
    }

    book& in_;
};

// What the simulated provider keeps, against the shop's payments. An intent that the shop has not
// heard of yet belongs to an attempt that is still open.
class provider_check {
 public:
    explicit provider_check(book& in) : in_(in) {}

    void run() {
        auto all = in_.at.provider->items(*in_.at.intents);
        while (const auto one = all.next()) {
            in_.advance();
            ++in_.report.intents;
            intent(*one);
        }
        auto payments = in_.at.shop.items(payments::payments_table);
        while (const auto one = payments.next())
            if (one->text("status") == "succeeded") capture(*one);
    }

 private:
    void intent(const item& stored) {
        const auto* inner = stored.find("intent");
        const auto* told = inner ? std::get_if<item>(&inner->value) : nullptr;
        if (!told || told->text("status") != "succeeded") return;
        const auto id = stored.text("id");
        const std::string order_id(told->text("reference"));
        const auto known = in_.at.shop.query(payments::payments_table, "by_order", order_id);
        bool open = false;
        std::int64_t refunded_minor = 0, pending_minor = 0;
        const item* attempt = nullptr;
        for (const auto& each : known) {
            const auto is = each.text("id");
            if (is.starts_with("order:")) {
                const auto state = each.text("state");
                open = state == "submitted" || state == "unknown";
            }
            if (each.text("transaction_id") == id) attempt = &each;
        }
        for (const auto& each : known) {
            const bool of_this = attempt && each.text("payment_id") == attempt->text("id") &&
                                 each.text("id").starts_with("refund:");
            if (of_this && each.text("state") == "succeeded")
                refunded_minor += each.integer("amount");
            if (of_this && each.text("state") == "pending") pending_minor += each.integer("amount");
        }
        const bool captured = attempt && attempt->text("status") == "succeeded";
        if (!captured && !open)
            return in_.found(provider_agrees, id,
                             "was captured for order " + order_id + ", and payments do not know");
        if (!captured) return;
        if (attempt->integer("amount") != told->integer("amount"))
            in_.found(provider_agrees, id,
                      "captured " + std::to_string(told->integer("amount")) +
                          ", payments know of " + std::to_string(attempt->integer("amount")));
        const auto given_back = stored.integer("refunded");
        if (given_back < refunded_minor || given_back > refunded_minor + pending_minor)
            in_.found(provider_agrees, id,
                      "gave back " + std::to_string(given_back) + ", payments know of " +
                          std::to_string(refunded_minor));
    }

    void capture(const item& payment) {
        const auto id = payment.text("transaction_id");
        const auto stored = in_.at.provider->get(*in_.at.intents, key_of("id", id));
        const auto* inner = stored ? stored->find("intent") : nullptr;
        const auto* told = inner ? std::get_if<item>(&inner->value) : nullptr;
        if (!told || told->text("status") != "succeeded")
            in_.found(provider_agrees, payment.text("id"),
                      "captured for order " + std::string(payment.text("order_id")) +
                          ", and the provider does not know");
    }

    book& in_;
};

}  // namespace

void check_keys(book& in) {
    in.step("idempotency keys", in.at.shop.count(idempotency_table));
    key_check(in).run();
}

void check_carts(book& in) {
    in.step("carts", in.at.shop.count(carts::carts_table));
    cart_check(in).run();
}

void check_mails(book& in) {
    in.step("mails", in.at.shop.count(notifications::notifications_table));
    mail_check(in).run();
}

void check_provider(book& in) {
    in.step("provider", in.at.shop.count(payments::payments_table));
    provider_check(in).run();
}

}  // namespace stoa::audits
