#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/notification/notification_service.hpp"

namespace stoa::notifications {

service operations_of(api& implementation);
event_consumer events_of(notification_service& implementation);

}  // namespace stoa::notifications
