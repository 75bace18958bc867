// The notification service's api from another process.
#pragma once

#include "ports/remote.hpp"
#include "services/notification/notification_api.hpp"

namespace stoa::notifications {

// Thread rule: a loop's own.
class remote_journal final : public journal {
 public:
    explicit remote_journal(remote_service& notifications) : notifications_(notifications) {}
    task<result<notification_list>> list_notifications(request_context context,
                                                       list_notifications_request wanted) override {
        co_return co_await notifications_.ask<notification_list>(
            "ListNotifications", std::move(context), std::move(wanted));
    }

 private:
    remote_service& notifications_;
};

}  // namespace stoa::notifications
