#include "services/order/order_operations.hpp"

namespace stoa::orders {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::create_order>(post, "/api/v1/orders", "CreateOrder")
        .also_at("/orders")
        .answers(201)
        .allows(signed_in)
        .takes_idempotency_key()
        .says("Places an order at the catalogue's prices and holds its units."),
    serve<&api::list_orders>(get, "/api/v1/orders", "ListOrders")
        .also_at("/orders")
        .allows(signed_in)
        .says("Your orders, newest first; an operator sees all. `stuck=true`, for operators: those "
              "that should have moved on by themselves a minute ago and have not, longest waiting "
              "first."),
    serve<&api::get_order>(get, "/api/v1/orders/{id}", "GetOrder")
        .also_at("/orders/{id}")
        .allows(signed_in)
        .says("One order."),
    serve<&api::cancel_order>(put, "/api/v1/orders/{id}/cancel", "CancelOrder")
        .also_at("/orders/{id}/cancel")
        .allows(signed_in)
        .says("Ends an order that has not shipped; what was paid is refunded."),
    serve<&api::set_status>(put, "/api/v1/orders/{id}/status", "SetOrderStatus")
        .also_at("/orders/{id}/status")
        .allows(operators)
        .says("Moves an order along its states; `paid` only for the payment service."),
    serve<&api::ship_order>(post, "/api/v1/orders/{id}/ship", "ShipOrder")
        .allows(operators)
        .says("A paid order has left the house."),
    serve<&api::deliver_order>(post, "/api/v1/orders/{id}/deliver", "DeliverOrder")
        .allows(operators)
        .says("A shipped order has arrived."),
    serve<&api::refund_order>(post, "/api/v1/orders/{id}/refund", "RefundOrder")
        .allows(operators)
        .takes_idempotency_key()
        .says("Gives back a part or all of what was captured."),
};

constexpr event_handler events[] = {
    on_event<&order_service::on_payment_succeeded>(payments::topic::succeeded,
                                                   payments::topic::succeeded, naming::camel),
    on_event<&order_service::on_payment_failed>(payments::topic::failed, payments::topic::failed,
                                                naming::camel),
    on_event<&order_service::on_payment_closed>(payments::topic::closed, payments::topic::closed,
                                                naming::camel),
    on_event<&order_service::on_payment_refunded>(payments::topic::refunded,
                                                  payments::topic::refunded, naming::camel),
};

}  // namespace

service operations_of(api& implementation) { return {"orders", table, &implementation}; }
service operations_elsewhere() { return {"orders", table, nullptr}; }
event_consumer events_of(order_service& implementation) {
    return {"order", events, &implementation};
}

}  // namespace stoa::orders
