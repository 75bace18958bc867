#include "services/payment/payment_operations.hpp"

namespace stoa::payments {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::create_payment>(post, "/api/v1/payments", "CreatePayment")
        .also_at("/payments")
        .answers(201)
        .allows(signed_in)
        .takes_idempotency_key()
        .says("Pays an order; the amount must be its total."),
    serve<&api::list_payments>(get, "/api/v1/payments", "ListPayments")
        .also_at("/payments")
        .allows(signed_in)
        .says("The attempts to pay an order."),
    serve<&api::get_payment>(get, "/api/v1/payments/{id}", "GetPayment")
        .also_at("/payments/{id}")
        .allows(signed_in)
        .says("One attempt to pay."),
    serve<&api::decide_review>(post, "/api/v1/payments/{id}/review", "DecideReview")
        .allows(operators)
        .says("Lets a payment that waits for a person go on, or refuses it."),
    serve<&api::receive_webhook>(post, "/api/v1/payments/webhooks/simulator", "ReceiveWebhook")
        .allows(operators)
        .says("The payment simulator has news of an order's payment. It only makes the shop ask "
              "again, so anybody of the staff may say so."),
};

constexpr event_handler events[] = {
    on_event<&payment_service::on_payment_requested>(
        orders::topic::payment_requested, orders::topic::payment_requested, naming::camel),
    on_event<&payment_service::on_close_requested>(orders::topic::close_requested,
                                                   orders::topic::close_requested, naming::camel),
    on_event<&payment_service::on_refund_requested>(orders::topic::refund_requested,
                                                    orders::topic::refund_requested, naming::camel),
};

}  // namespace

service operations_of(api& implementation) { return {"payments", table, &implementation}; }
service operations_elsewhere() { return {"payments", table, nullptr}; }
event_consumer events_of(payment_service& implementation) {
    return {"payment", events, &implementation};
}

}  // namespace stoa::payments
