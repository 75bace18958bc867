#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/cart/cart_service.hpp"

namespace stoa::carts {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();
event_consumer events_of(cart_service& implementation);

}  // namespace stoa::carts
