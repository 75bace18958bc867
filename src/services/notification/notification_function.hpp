// The function ecommerce-notification: what became of an order is told by e-mail and text message,
// once an event and channel, whichever way the event came: from Kafka, by SQS, by SNS. It records
// and sends as the notification service does (notification_sender.hpp), in the same table, so that
// operators see it there; the service has the customers' addresses and need not wait for a mail
// server, the function has what the event brings and answers when the message is out.
#pragma once

#include "ports/function.hpp"
#include "ports/queue.hpp"
#include "services/notification/notification_sender.hpp"
#include "services/order/order_events.hpp"

namespace stoa::notifications {

// Where the customer is reached, beside the members of the order event, where its producer says so.
struct order_contact {
    std::optional<std::string> email, phone;
};
BOOST_DESCRIBE_STRUCT(order_contact, (), (email, phone))

struct notification_function_settings {
    std::string shop_name = "Stoa";
    std::vector<std::string> channels{"email"};  // email, sms
    // A topic's subscribers are whoever they are: a message needs no address of its own.
    bool email_needs_address = true;
    sender_settings sending{.first_retry = seconds(0)};  // its host waits
    std::string dead_letters{};  // queue for what can never be told; empty: such a record fails
};

// Thread rule: one loop, one call at a time.
class notification_function final : public functions::function, address_book {
 public:
    struct needs {
        key_value& items;
        notifier& outside;
        message_queue& queues;
        clock& time;
        random_source& random;
        metrics& measured;
    };
    notification_function(needs ports, notification_function_settings settings);

    // What is no order event fails for good; of Kafka, whose records come again all together, it
    // goes to the dead letters instead, where there is a queue for them.
    task<result<functions::outcome>> handle(functions::trigger what,
                                            functions::invocation call) override;

 private:
    task<result<void>> tell(functions::message what);
    task<result<void>> tell_by(std::string channel, orders::order_event about,
                               std::optional<std::string> to);
    task<result<std::optional<notification_record>>> record(notification_record fresh);
    task<result<std::optional<std::string>>> address_of(notification_record& of) override;
    task<result<void>> bury(functions::message what, error why);

    needs ports_;
    notification_store store_;
    notification_sender sender_;
    notification_function_settings settings_;
    metric_counter buried_;
};

}  // namespace stoa::notifications
