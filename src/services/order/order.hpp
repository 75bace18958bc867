// The nouns of the order service. Prices and names are snapshots of the catalogue at the time of
// the order.
#pragma once

#include "base/described.hpp"

namespace stoa::orders {

inline constexpr std::size_t most_lines = 1'000;

enum class order_status : std::uint8_t {
    pending,
    awaiting_payment,
    payment_failed,
    cancelling,
    paid,
    shipped,
    delivered,
    cancelled,
    refunded,
};
BOOST_DESCRIBE_ENUM(order_status, pending, awaiting_payment, payment_failed, cancelling, paid,
                    shipped, delivered, cancelled, refunded)

enum class refund_state : std::uint8_t { none, pending, succeeded, failed };
BOOST_DESCRIBE_ENUM(refund_state, none, pending, succeeded, failed)

struct order_line {
    std::string product_id;
    std::string sku, name;
    std::int32_t quantity = 0;
    money price;       // of one
    money line_total;  // price × quantity
};
BOOST_DESCRIBE_STRUCT(order_line, (), (product_id, sku, name, quantity, price, line_total))

// One refund of an order; n counts from 1 and is part of the provider's key.
struct refund {
    std::int32_t n = 0;
    money amount;
    refund_state status = refund_state::pending;
    std::string reason;
    bool restock = false;
    timestamp requested_at;
};
BOOST_DESCRIBE_STRUCT(refund, (), (n, amount, status, reason, restock, requested_at))

struct order {
    std::string id;
    std::string order_id;  // the same id: documents show both names (R48, R49)
    std::string user_id;
    std::optional<std::string> placed_by;  // the guest who did, where the order moved to an account
    order_status status{};
    std::vector<order_line> items;
    money total_amount;
    currency_code currency;
    json_text shipping_address;            // the object or the one string that the client gave
    std::optional<std::string> reference;  // the client's own
    std::optional<std::string> reason;  // why it ended: out_of_stock, customer, payment_deadline …
    std::optional<std::string> payment_id;
    std::int32_t payment_attempt = 1;
    std::optional<timestamp> payment_due_at;  // paid by then, or cancelled
    money captured_amount, refunded_amount;
    refund_state refund_status{};
    std::vector<refund> refunds;
    timestamp created_at, updated_at;
    std::optional<timestamp> cancelled_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(order, (),
                      (id, order_id, user_id, placed_by, status, items, total_amount, currency,
                       shipping_address, reference, reason, payment_id, payment_attempt,
                       payment_due_at, captured_amount, refunded_amount, refund_status, refunds,
                       created_at, updated_at, cancelled_at, version))

}  // namespace stoa::orders
