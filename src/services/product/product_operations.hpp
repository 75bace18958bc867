#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/product/product_service.hpp"

namespace stoa::products {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();
event_consumer events_of(product_service& implementation);

}  // namespace stoa::products
