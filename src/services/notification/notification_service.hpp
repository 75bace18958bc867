// Notifications: an event becomes a record in the transaction that takes its receipt; a bounded
// worker sends what is recorded. A crash between sending and remembering sends again, under the
// same message id. Paid orders also get their invoice here.
#pragma once

#include "ports/blob.hpp"
#include "ports/clock.hpp"
#include "ports/notifier.hpp"
#include "runtime/metrics.hpp"
#include "runtime/supervisor.hpp"
#include "services/notification/notification_api.hpp"
#include "services/notification/notification_sender.hpp"
#include "services/notification/notification_text.hpp"
#include "services/order/order_api.hpp"
#include "services/order/order_events.hpp"
#include "services/user/user_api.hpp"
#include "services/user/user_events.hpp"

#include <set>

namespace stoa::notifications {

inline constexpr std::string_view documents_bucket = "order-documents";
inline std::string invoice_key(std::string_view order_id) {
    return std::string(order_id) + ".txt";  // flat: a folder for each would cost more than the file
}

struct notification_settings {
    std::string shop_name = "Stoa";
    std::string reset_url;   // the token is appended; empty: mails show the token alone
    std::string verify_url;  // likewise
    sender_settings sending{};
    int in_flight = 16;  // messages on their way at once, an instance
};

struct get_notification_request {
    std::string event_id;
};
BOOST_DESCRIBE_STRUCT(get_notification_request, (), (event_id))

// The public operations, all for operators.
class api : public journal {
 public:
    // Of all channels of the event.
    virtual task<result<notification_list>> get_notification(request_context,
                                                             get_notification_request) = 0;
    virtual task<result<notification_list>> resend(request_context, get_notification_request) = 0;
};

// Thread rule: one instance a loop. Background work runs on the supervisor, which is stopped before
// this dies.
class notification_service final : public api, address_book {
 public:
    struct needs {
        key_value& items;
        users::directory& users;
        orders::book& orders;
        notifier& outside;
        blob_store& documents;
        clock& time;
        random_source& random;
        supervisor& background;
        metrics& measured;
    };
    notification_service(needs ports, notification_settings settings);

    task<result<notification_list>> list_notifications(request_context,
                                                       list_notifications_request) override;
    task<result<notification_list>> get_notification(request_context,
                                                     get_notification_request) override;
    task<result<notification_list>> resend(request_context, get_notification_request) override;

    // Consumers only record; the outside may be slow.
    task<result<void>> on_order_event(delivery, orders::order_event);
    task<result<void>> on_password_reset(delivery, users::password_reset_requested);
    task<result<void>> on_email_verification(delivery, users::email_verification_requested);

    // The document of a paid order, for whoever may see the order.
    task<result<std::string>> invoice(request_context context, std::string order_id);

    // Takes up what is due: retries, and messages of processes that are gone. Returns how many.
    task<result<int>> sweep(lane share);
    // Sends one message if it is due; the worker's body, also called by tests.
    task<result<void>> deliver(std::string event_id, std::string channel);

 private:
    task<result<void>> record_secret(delivery what, std::string user_id, std::string to, text said,
                                     timestamp not_after);
    task<result<void>> record(delivery what, notification_record fresh);
    task<result<std::optional<std::string>>> address_of(notification_record& of) override;
    static notification shown(const notification_record& of);
    bool wake(std::string event_id, std::string channel);
    task<> deliver_in_background(std::string event_id, std::string channel);
    void send_in_background(notification_record claimed);
    task<> send_claimed(notification_record claimed);
    void end_background(const std::string& event_id, const std::string& channel, const error* why);
    bool reserve(const std::string& event_id, const std::string& channel);
    void release(const std::string& event_id, const std::string& channel);

    needs ports_;
    notification_store store_;
    notification_sender sender_;
    notification_settings settings_;
    std::set<std::string> sending_;  // events that a background task of this instance works on
};

}  // namespace stoa::notifications

template <>
inline constexpr auto stoa::rules_of<stoa::notifications::get_notification_request> =
    std::to_array<stoa::rule>({stoa::range("event_id", 1, 64)});
