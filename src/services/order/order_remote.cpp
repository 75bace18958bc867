#include "services/order/order_remote.hpp"

namespace stoa::orders {
namespace {

constexpr operation table[] = {
    serve<&order_rpcs::begin_attempt>(verb::post, "", "BeginAttempt")
        .allows(who::services)
        .says("A new attempt to pay follows the failed one."),
    serve<&order_rpcs::adopt_orders>(verb::post, "", "AdoptOrders")
        .allows(who::services)
        .says("A guest's orders become an account's."),
};

}  // namespace

service rpcs_of(order_rpcs& implementation) { return {"orders", table, &implementation}; }

task<result<order>> order_rpcs::begin_attempt(request_context context,
                                              begin_attempt_request wanted) {
    co_return co_await orders_.begin_attempt(std::move(context), std::move(wanted));
}

task<result<adopted_orders>> order_rpcs::adopt_orders(request_context,
                                                      adopt_orders_request wanted) {
    STOA_CO_TRY(const auto done,
                co_await orders_.adopt(std::move(wanted.guest_id), std::move(wanted.user_id)));
    co_return adopted_orders{done.moved, done.complete};
}

task<result<order>> remote_book::create_order(request_context context,
                                              create_order_request wanted) {
    co_return co_await orders_.ask<order>("CreateOrder", std::move(context), std::move(wanted));
}

task<result<order>> remote_book::get_order(request_context context, get_order_request wanted) {
    co_return co_await orders_.ask<order>("GetOrder", std::move(context), std::move(wanted));
}

task<result<order_list>> remote_book::list_orders(request_context context,
                                                  list_orders_request wanted) {
    co_return co_await orders_.ask<order_list>("ListOrders", std::move(context), std::move(wanted));
}

task<result<order>> remote_book::begin_attempt(request_context context,
                                               begin_attempt_request wanted) {
    co_return co_await orders_.ask<order>("BeginAttempt", std::move(context), std::move(wanted));
}

task<result<users::adopted>> remote_book::adopt(std::string guest_id, std::string user_id) {
    request_context context;
    context.caller = {.is = role::service};
    STOA_CO_TRY(const auto done,
                co_await orders_.ask<adopted_orders>(
                    "AdoptOrders", std::move(context),
                    adopt_orders_request{std::move(guest_id), std::move(user_id)}));
    co_return users::adopted{done.moved, done.complete};
}

}  // namespace stoa::orders
