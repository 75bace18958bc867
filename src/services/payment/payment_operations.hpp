#pragma once

#include "ports/event_handler.hpp"
#include "ports/operation.hpp"
#include "services/payment/payment_service.hpp"

namespace stoa::payments {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();
event_consumer events_of(payment_service& implementation);

}  // namespace stoa::payments
