// Rounds that look for what is due, every so often, for as long as the process runs.
#pragma once

#include "ports/clock.hpp"
#include "runtime/supervisor.hpp"

#include <functional>

namespace stoa {

// A round that moved something is followed by the next at once, up to a bound. A jump of the wall
// clock by more than a minute is logged and holds the sweeper for one interval: a clock set forward
// must not end every order.
void start_sweeper(supervisor& on, clock& time, std::string name, milliseconds interval,
                   std::function<task<result<int>>()> round);

}  // namespace stoa
