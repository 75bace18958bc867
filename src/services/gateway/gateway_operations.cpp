#include "services/gateway/gateway_operations.hpp"

namespace stoa::gateway {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::get_order_details>(get, "/api/v1/orders/{id}/details", "GetOrderDetails")
        .allows(signed_in)
        .says("An order with its customer, products and payments in one answer."),
    serve<&api::get_shop>(get, "/api/v1/shop", "GetShop")
        .also_at("/shop")
        .allows(anyone)
        .says("What a storefront's first page needs to know."),
};

}  // namespace

service operations_of(api& implementation) { return {"gateway", table, &implementation}; }

}  // namespace stoa::gateway
