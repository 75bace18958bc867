// The nouns of the notification service.
#pragma once

#include "base/described.hpp"

namespace stoa::notifications {

enum class notification_status : std::uint8_t {
    pending,  // to be sent; `due_at` says when it is tried next
    sent,     // the notifier took it
    skipped,  // there is nobody to send it to; `reason` says why
    failed,   // tried as often as is sensible; `last_error` says what came back
};
BOOST_DESCRIBE_ENUM(notification_status, pending, sent, skipped, failed)

// One message about one event over one channel.
struct notification {
    std::string event_id, channel;
    std::string event_type;
    std::optional<std::string> order_id;
    std::string user_id;
    std::optional<std::string> to;
    std::string subject;
    std::optional<std::string> body;  // not shown, and gone once sent, where it carries a secret
    notification_status status{};
    std::int32_t tries = 0;
    std::int32_t copy = 0;  // raised when an operator sends a message again that was sent
    std::optional<std::string> reason, last_error;
    timestamp created_at, updated_at;
    std::optional<timestamp> sent_at, due_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(notification, (),
                      (event_id, channel, event_type, order_id, user_id, to, subject, body, status,
                       tries, copy, reason, last_error, created_at, updated_at, sent_at, due_at,
                       version))

}  // namespace stoa::notifications
