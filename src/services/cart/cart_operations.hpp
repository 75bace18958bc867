#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/cart/cart_service.hpp"

namespace stoa::carts {

service operations_of(api& implementation);
event_consumer events_of(cart_service& implementation);

}  // namespace stoa::carts
