#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/notification/notification_service.hpp"

namespace stoa::notifications {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();
event_consumer events_of(notification_service& implementation);

}  // namespace stoa::notifications
