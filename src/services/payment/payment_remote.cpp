#include "services/payment/payment_remote.hpp"

namespace stoa::payments {
namespace {

constexpr operation table[] = {
    serve<&till::create_payment>(verb::post, "", "ProcessPayment")
        .allows(who::signed_in)
        .takes_idempotency_key()
        .says("Pays an order; the amount must be its total."),
    serve<&till::get_payment>(verb::get, "", "GetPaymentStatus")
        .allows(who::signed_in)
        .says("One attempt to pay."),
};

}  // namespace

service rpcs_of(till& implementation) { return {"payments", table, &implementation}; }

task<result<payment>> remote_till::create_payment(request_context context,
                                                  create_payment_request wanted) {
    co_return co_await payments_.ask<payment>("ProcessPayment", std::move(context),
                                              std::move(wanted));
}

task<result<payment>> remote_till::get_payment(request_context context,
                                               get_payment_request wanted) {
    co_return co_await payments_.ask<payment>("GetPaymentStatus", std::move(context),
                                              std::move(wanted));
}

task<result<payment_list>> remote_till::list_payments(request_context context,
                                                      list_payments_request wanted) {
    co_return co_await payments_.ask<payment_list>("ListPayments", std::move(context),
                                                   std::move(wanted));
}

}  // namespace stoa::payments
