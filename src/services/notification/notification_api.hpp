#pragma once

#include "base/context.hpp"
#include "runtime/task.hpp"
#include "services/notification/notification.hpp"

namespace stoa::notifications {

struct list_notifications_request {
    std::optional<std::string> order_id;
    std::optional<std::string> status;
    std::optional<std::int32_t> limit;
    std::optional<std::string> cursor;
};
BOOST_DESCRIBE_STRUCT(list_notifications_request, (), (order_id, status, limit, cursor))

struct notification_list {
    std::vector<notification> notifications;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(notification_list, (), (notifications, next_cursor))

// What other services may ask of notifications.
class journal {
 public:
    virtual ~journal() = default;
    // Newest first. Bodies that carry a secret are never shown.
    virtual task<result<notification_list>> list_notifications(request_context,
                                                               list_notifications_request) = 0;
};

}  // namespace stoa::notifications

template <>
inline constexpr auto stoa::rules_of<stoa::notifications::list_notifications_request> =
    std::to_array<stoa::rule>({stoa::range("order_id", 1, 64), stoa::range("limit", 1, 100)});
