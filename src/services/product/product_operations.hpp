#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/product/product_service.hpp"

namespace stoa::products {

service operations_of(api& implementation);
event_consumer events_of(product_service& implementation);

}  // namespace stoa::products
