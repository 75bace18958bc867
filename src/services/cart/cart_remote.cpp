#include "services/cart/cart_remote.hpp"

namespace stoa::carts {
namespace {

constexpr operation table[] = {
    serve<&cart_rpcs::merge_carts>(verb::post, "", "MergeCarts")
        .allows(who::services)
        .says("A guest's lines go to the user's cart."),
};

}  // namespace

service rpcs_of(cart_rpcs& implementation) { return {"carts", table, &implementation}; }

task<result<merged>> cart_rpcs::merge_carts(request_context, merge_carts_request wanted) {
    STOA_CO_TRY_VOID(co_await carts_.merge(std::move(wanted.guest_id), std::move(wanted.user_id)));
    co_return merged{};
}

task<result<void>> remote_baskets::merge(std::string guest_id, std::string user_id) {
    request_context context;
    context.caller = {.is = role::service};
    STOA_CO_TRY_VOID(
        co_await carts_.ask<merged>("MergeCarts", std::move(context),
                                    merge_carts_request{std::move(guest_id), std::move(user_id)}));
    co_return result<void>{};
}

}  // namespace stoa::carts
