// Orders: the saga's first three steps, what payment events mean for an order, and every way an
// order ends. Rules are design §5's; docs/life-of-an-order.md follows one order through this file.
#pragma once

#include "ports/clock.hpp"
#include "ports/idempotency.hpp"
#include "runtime/metrics.hpp"
#include "services/order/order_api.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_api.hpp"
#include "services/payment/payment_events.hpp"
#include "services/product/product_api.hpp"
#include "services/user/user_api.hpp"

namespace stoa::orders {

struct order_settings {
    seconds pending_for{120};         // a pending order that nobody retries is cancelled after it
    seconds payment_for{900};         // from awaiting_payment to the deadline
    milliseconds cancel_wait{2'000};  // PUT cancel answers 202 after it
    currency_code shop_currency;
};

struct cancel_order_request {
    std::string id;
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(cancel_order_request, (), (id, reason))

struct set_status_request {
    std::string id;
    std::string status;
    std::optional<std::string> payment_id;  // with `paid`: the capture that is checked
};
BOOST_DESCRIBE_STRUCT(set_status_request, (), (id, status, payment_id))

struct move_order_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(move_order_request, (), (id))

struct refund_order_request {
    std::string id;
    std::optional<money> amount;            // absent: all that is left
    std::optional<currency_code> currency;  // of the amount, where it is not the shop's
    std::optional<std::string> reason;
    std::optional<bool> restock;  // after shipping: the units are back on the shelf
};
BOOST_DESCRIBE_STRUCT(refund_order_request, (), (id, amount, currency, reason, restock))

// The public operations, beyond what other services ask.
class api : public book {
 public:
    virtual task<result<order>> cancel_order(request_context, cancel_order_request) = 0;
    virtual task<result<order>> set_status(request_context, set_status_request) = 0;
    virtual task<result<order>> ship_order(request_context, move_order_request) = 0;
    virtual task<result<order>> deliver_order(request_context, move_order_request) = 0;
    virtual task<result<order>> refund_order(request_context, refund_order_request) = 0;
};

// Thread rule: one instance a loop; mutable state is in the ports.
class order_service final : public api {
 public:
    struct needs {
        key_value& items;
        users::directory& users;
        products::stock_keeper& products;
        payments::till* payments =
            nullptr;  // set by wiring once it exists: the two know each other
        clock& time;
        random_source& random;
        idempotency_keys& keys;
        metrics& measured;
    };
    order_service(needs ports, order_settings settings);
    void use(payments::till& payments) { ports_.payments = &payments; }

    task<result<order>> create_order(request_context, create_order_request) override;
    task<result<order>> get_order(request_context, get_order_request) override;
    task<result<order_list>> list_orders(request_context, list_orders_request) override;
    task<result<order>> begin_attempt(request_context, begin_attempt_request) override;
    task<result<order>> cancel_order(request_context, cancel_order_request) override;
    task<result<order>> set_status(request_context, set_status_request) override;
    task<result<order>> ship_order(request_context, move_order_request) override;
    task<result<order>> deliver_order(request_context, move_order_request) override;
    task<result<order>> refund_order(request_context, refund_order_request) override;

    task<result<void>> on_payment_succeeded(delivery, payments::payment_succeeded);
    task<result<void>> on_payment_failed(delivery, payments::payment_failed);
    task<result<void>> on_payment_closed(delivery, payments::payment_closed);
    task<result<void>> on_payment_refunded(delivery, payments::payment_refunded);

    // One round over the shards that are this instance's share: overdue orders go on their way to
    // an end. Returns how many it moved.
    task<result<int>> sweep(lane share);

    // order_adoption.cpp: orders that a guest placed become an account's, at most a hundred a call.
    // Repeated, or twice at once, it moves what is left. Nothing moves from a record that is no
    // guest's. Errors: conflict address_not_verified, for an account that has not shown that it
    // reads its mail, or is none any more.
    task<result<users::adopted>> adopt(std::string guest_id, std::string user_id);

    // How many orders are in each status, by the statuses' order: for metrics.
    task<result<std::vector<std::int64_t>>> count_by_status();

 private:
    // A change of one order: given the order as it stands, edits it, adds events and what else the
    // transaction needs. False: nothing to do (the receipt alone is stored).
    using edit = std::function<result<bool>(order_record& now, write_set& in)>;
    // Reads, edits and writes until no other change comes between. not_found where there is no such
    // order.
    task<result<order_record>> change(std::string id, edit how,
                                      std::optional<delivery> receipt = {});

    task<result<order_list>> list_stuck(order_store::filter what, int limit);

    // order_placement.cpp: POST /orders, steps 1 to 3.
    task<result<order>> place(request_context context, create_order_request wanted);
    task<result<order_record>> price(request_context context, create_order_request wanted);
    task<result<order>> resume(request_context context, idempotency_record from);
    task<result<order>> hold_and_settle(request_context context, order_record pending);
    task<result<order>> settle(request_context context, order_record pending,
                               products::hold_outcome outcome);
    task<result<order>> answer_of_winner(request_context context, std::string id);
    result<void> check_user(const request_context& context,
                            const create_order_request& wanted) const;

    task<result<std::optional<users::user>>> known_user(std::string id);

    // order_ending.cpp
    result<bool> end_unpaid(order_record& now, write_set& in, std::string_view reason);
    void cancel_paid(order_record& now, write_set& in, std::string_view reason);
    void owe_refund(order_record& now, write_set& in, money amount, std::string_view payment_id,
                    std::string_view reason, bool restock);
    result<bool> request_refund(order_record& now, write_set& in,
                                const refund_order_request& wanted);
    task<result<order>> await_end(request_context context, order_record cancelling);
    task<result<order>> require_visible(request_context context, std::string id);
    task<result<void>> verify_capture(request_context context, const order& of,
                                      std::optional<std::string> payment_id);
    result<bool> expire_pending(order_record& now, write_set& in);

    void become(order_record& now, order_status to) const;
    event order_event_of(const order_record& now, std::string_view type) const;
    event event_of(const order_record& now, std::string_view topic, std::string payload) const;
    event payment_request_of(const order_record& now) const;

    needs ports_;
    order_store store_;
    order_settings settings_;
    metric_counter created_;
    metric_histogram latency_;
};

}  // namespace stoa::orders

template <>
inline constexpr auto stoa::rules_of<stoa::orders::refund_order_request> =
    std::to_array<stoa::rule>({stoa::range("amount", 1, 100'000'000'000),
                               stoa::range("reason", 1, 500), stoa::refused("status"),
                               stoa::refused("refunded_amount"), stoa::refused("captured_amount")});
template <>
inline constexpr auto stoa::rules_of<stoa::orders::cancel_order_request> =
    std::to_array<stoa::rule>({stoa::range("reason", 1, 500)});
