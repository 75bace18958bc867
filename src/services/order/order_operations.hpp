#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/order/order_service.hpp"

namespace stoa::orders {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();
event_consumer events_of(order_service& implementation);

}  // namespace stoa::orders
