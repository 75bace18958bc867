// The order's state machine (design §5) as data: the one place that says what may follow what.
#pragma once

#include "base/result.hpp"
#include "services/order/order.hpp"

#include <chrono>
#include <span>

namespace stoa::orders {

std::span<const order_status> successors(order_status from);
bool may_become(order_status from, order_status to);

// An order that waits is moved on within moments of its deadline, and one that is being cancelled
// is cancelled. One that stands there this long after is stuck: the console shows it, the audit
// calls it broken. It is twice the longest sweep, and what a busy machine needs for it.
inline constexpr std::chrono::minutes stuck_after{1};

// 409 with the allowed transitions.
error refused_transition(order_status from, std::string_view wanted);

}  // namespace stoa::orders
