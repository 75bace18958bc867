// Follows a topic without a group, from its end: for what a process keeps in memory and another
// process may change.
#pragma once

#include "ports/clock.hpp"
#include "ports/event_log.hpp"
#include "runtime/supervisor.hpp"

#include <functional>

namespace stoa {

struct follower_calls {
    // An aggregate was changed, by this process or another.
    std::function<task<result<void>>(std::string key)> seen;
    // Events were missed: at the start, and wherever the log could not be read for a while.
    std::function<task<result<void>>()> missed;
};

// Looks every `interval`. Thread rule: the supervisor's loop.
void start_follower(std::string topic, event_log& log, clock& time, supervisor& on,
                    follower_calls calls, milliseconds interval = milliseconds(250));

}  // namespace stoa
