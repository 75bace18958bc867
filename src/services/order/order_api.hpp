// What other services may ask of orders, besides the public operations.
#pragma once

#include "base/context.hpp"
#include "runtime/task.hpp"
#include "services/order/order.hpp"

namespace stoa::orders {

struct new_order_line {
    std::string product_id;
    std::int32_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(new_order_line, (), (product_id, quantity))

struct create_order_request {
    std::optional<std::string> user_id;  // the caller's own, or an operator's choice
    std::vector<new_order_line> items;
    json_text shipping_address;  // {street, city, state?, zip?, country} or one string
    std::optional<std::string> payment_method;
    std::optional<std::string> reference;
    // Of the cart that is ordered: told back to it with the order's events. Nothing of the order's.
    std::optional<std::string> cart_note;
};
BOOST_DESCRIBE_STRUCT(create_order_request, (),
                      (user_id, items, shipping_address, payment_method, reference, cart_note))

struct get_order_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(get_order_request, (), (id))

struct list_orders_request {
    std::optional<std::string> user_id;
    std::optional<std::string> status;  // pending means pending or awaiting_payment
    std::optional<std::int32_t> skip, limit;
    std::optional<std::string> cursor;
    std::optional<bool> stuck;  // true: those that should have moved on by themselves, no pages
};
BOOST_DESCRIBE_STRUCT(list_orders_request, (), (user_id, status, skip, limit, cursor, stuck))

struct order_list {
    std::vector<order> orders;
    std::int64_t total = 0;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(order_list, (), (orders, total, next_cursor))

// Asked by payment when a new attempt follows failed attempt `after`. Idempotent by `after`.
struct begin_attempt_request {
    std::string order_id;
    std::int32_t after = 0;
};
BOOST_DESCRIBE_STRUCT(begin_attempt_request, (), (order_id, after))

class book {
 public:
    virtual ~book() = default;
    virtual task<result<order>> create_order(request_context, create_order_request) = 0;
    virtual task<result<order>> get_order(request_context, get_order_request) = 0;
    virtual task<result<order_list>> list_orders(request_context, list_orders_request) = 0;
    virtual task<result<order>> begin_attempt(request_context, begin_attempt_request) = 0;
};

}  // namespace stoa::orders

template <>
inline constexpr auto stoa::rules_of<stoa::orders::new_order_line> = std::to_array<stoa::rule>(
    {stoa::range("product_id", 1, 64), stoa::range("quantity", 1, 1'000'000),
     stoa::refused("price"), stoa::refused("line_total"), stoa::refused("total"),
     stoa::refused("name"), stoa::refused("sku")});
template <>
inline constexpr auto stoa::rules_of<stoa::orders::create_order_request> =
    std::to_array<stoa::rule>(
        {stoa::range("items", 1, stoa::orders::most_lines),
         stoa::range("shipping_address", 3, 4'096), stoa::range("reference", 1, 64),
         stoa::range("payment_method", 1, 64), stoa::range("cart_note", 1, 20'000),
         stoa::refused("status"), stoa::refused("total_amount"), stoa::refused("total"),
         stoa::refused("id"), stoa::refused("order_id"), stoa::refused("currency"),
         stoa::refused("created_at")});
template <>
inline constexpr auto stoa::rules_of<stoa::orders::list_orders_request> = std::to_array<stoa::rule>(
    {stoa::range("skip", 0, 10'000), stoa::range("limit", 1, 100), stoa::range("cursor", 1, 256)});
