// Events of the order service. Payloads are JSON as the requirements show them (R69–R74).
#pragma once

#include "services/order/order.hpp"

#include <string_view>

namespace stoa::orders {

namespace topic {
inline constexpr std::string_view orders = "orders";
inline constexpr std::string_view payment_requested = "payment.requested";
inline constexpr std::string_view close_requested = "payment.close_requested";
inline constexpr std::string_view refund_requested = "refund.requested";
}  // namespace topic

// Topic `orders`; the type is order.created, .payment_failed, .paid, .cancelled, .shipped,
// .delivered, .refunded.
struct order_event {
    std::string id;  // of the event
    std::string order_id, user_id;
    std::optional<std::string>
        placed_by;  // the guest whose cart it came from, where it moved since
    money total_amount;
    currency_code currency;
    order_status status{};
    std::int32_t items_count = 0;  // units
    std::string event_type;
    timestamp created_at;  // of the order
    timestamp occurred_at;
    std::vector<order_line> items;
    std::optional<std::string> reason;
    std::optional<std::string> reference;
    bool restock =
        false;  // cancelled after payment, or refunded with return: units go back on the shelf
    std::optional<money> refunded_amount;  // order.refunded: of this refund
    std::int64_t version = 0;
    std::optional<std::string> cart_note;  // of the cart it was ordered from
};
BOOST_DESCRIBE_STRUCT(order_event, (),
                      (id, order_id, user_id, placed_by, total_amount, currency, status,
                       items_count, event_type, created_at, occurred_at, items, reason, reference,
                       restock, refunded_amount, version, cart_note))

// The next three are written in camelCase: orderId, userId.
struct requested_item {
    std::string product_id;
    std::int32_t quantity = 0;
    money price;
};
BOOST_DESCRIBE_STRUCT(requested_item, (), (product_id, quantity, price))

struct payment_requested {
    std::string order_id, user_id;
    std::vector<requested_item> items;
    money total;
    currency_code currency;
    std::int32_t attempt = 1;
    std::optional<std::string> method;
    timestamp due_at;
};
BOOST_DESCRIBE_STRUCT(payment_requested, (),
                      (order_id, user_id, items, total, currency, attempt, method, due_at))

struct close_requested {
    std::string order_id, user_id;
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(close_requested, (), (order_id, user_id, reason))

struct refund_requested {
    std::string order_id;
    std::int32_t n = 0;
    money amount;
    currency_code currency;
    std::string payment_id;
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(refund_requested, (), (order_id, n, amount, currency, payment_id, reason))

}  // namespace stoa::orders
