// The order's state machine (design §5) as data: the one place that says what may follow what.
#pragma once

#include "base/result.hpp"
#include "services/order/order.hpp"

#include <span>

namespace stoa::orders {

std::span<const order_status> successors(order_status from);
bool may_become(order_status from, order_status to);

// 409 with the allowed transitions.
error refused_transition(order_status from, std::string_view wanted);

}  // namespace stoa::orders
