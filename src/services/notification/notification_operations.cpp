#include "services/notification/notification_operations.hpp"

namespace stoa::notifications {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::list_notifications>(get, "/api/v1/notifications", "ListNotifications")
        .also_at("/notifications")
        .allows(operators)
        .says("What was sent to customers, newest first; by order or by status."),
    serve<&api::get_notification>(get, "/api/v1/notifications/{event_id}", "GetNotification")
        .allows(operators)
        .says("What was sent about one event."),
    serve<&api::resend>(post, "/api/v1/notifications/{event_id}/resend", "ResendNotification")
        .answers(202)
        .allows(operators)
        .says("Sends the messages of an event again."),
};

constexpr event_handler events[] = {
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.created"),
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.payment_failed"),
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.paid"),
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.cancelled"),
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.shipped"),
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.delivered"),
    on_event<&notification_service::on_order_event>(orders::topic::orders, "order.refunded"),
    on_event<&notification_service::on_password_reset>(users::topic::notifications,
                                                       "password.reset_requested"),
    on_event<&notification_service::on_email_verification>(users::topic::notifications,
                                                           "email.verification_requested"),
};

}  // namespace

service operations_of(api& implementation) { return {"notifications", table, &implementation}; }
service operations_elsewhere() { return {"notifications", table, nullptr}; }
event_consumer events_of(notification_service& implementation) {
    return {"notification", events, &implementation};
}

}  // namespace stoa::notifications
