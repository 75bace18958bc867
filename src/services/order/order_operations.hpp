#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/order/order_service.hpp"

namespace stoa::orders {

service operations_of(api& implementation);
event_consumer events_of(order_service& implementation);

}  // namespace stoa::orders
