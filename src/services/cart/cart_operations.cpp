#include "services/cart/cart_operations.hpp"

namespace stoa::carts {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::get_cart>(get, "/api/v1/cart", "GetCart")
        .also_at("/cart")
        .allows(signed_in)
        .says("Your cart at today's prices, with what has changed since you saw it."),
    serve<&api::clear_cart>(erase, "/api/v1/cart", "ClearCart")
        .also_at("/cart")
        .answers(204)
        .allows(signed_in)
        .says("Empties your cart."),
    serve<&api::replace_cart>(put, "/api/v1/cart", "ReplaceCart")
        .also_at("/cart")
        .allows(signed_in)
        .says("Makes your cart exactly these lines."),
    serve<&api::add_line>(post, "/api/v1/cart/items", "AddCartItem")
        .also_at("/cart/items")
        .allows(signed_in)
        .takes_idempotency_key()
        .says("Adds units of a product to your cart."),
    serve<&api::set_quantity>(put, "/api/v1/cart/items/{product_id}", "SetCartItem")
        .also_at("/cart/items/{product_id}")
        .allows(signed_in)
        .says("Sets how many units of a product are in your cart; 0 removes it."),
    serve<&api::remove_line>(erase, "/api/v1/cart/items/{product_id}", "RemoveCartItem")
        .also_at("/cart/items/{product_id}")
        .answers(204)
        .allows(signed_in)
        .says("Takes a product out of your cart."),
    serve<&api::checkout>(post, "/api/v1/cart/checkout", "Checkout")
        .also_at("/cart/checkout")
        .answers(201)
        .allows(signed_in)
        .takes_idempotency_key()
        .says("Orders what is in your cart; the lines leave it when the order is paid."),
};

constexpr event_handler events[] = {
    on_event<&cart_service::on_order_created>(orders::topic::orders, "order.created"),
    on_event<&cart_service::on_order_paid>(orders::topic::orders, "order.paid"),
    on_event<&cart_service::on_product_deleted>(products::topic::deleted, products::topic::deleted,
                                                naming::camel),
    on_event<&cart_service::on_product_restored>(products::topic::deleted, products::restored_type,
                                                 naming::camel),
};

}  // namespace

service operations_of(api& implementation) { return {"carts", table, &implementation}; }
service operations_elsewhere() { return {"carts", table, nullptr}; }
event_consumer events_of(cart_service& implementation) { return {"cart", events, &implementation}; }

}  // namespace stoa::carts
