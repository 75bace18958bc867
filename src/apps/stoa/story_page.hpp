// One order's whole story, for operators: what the log tells of it, and the spans of its traces
// that this process remembers.
#pragma once

#include "ports/clock.hpp"
#include "ports/event_log.hpp"
#include "runtime/trace.hpp"
#include "services/order/order_api.hpp"
#include "transport/http/router.hpp"

namespace stoa {

struct story_needs {
    orders::book* orders = nullptr;
    event_log* log = nullptr;
    clock* time = nullptr;
    const tracer* traces = nullptr;  // null: off
};

// GET /api/v1/orders/{id}/story. The needs may be empty where the route is only passed on.
http::route story_page(story_needs from);

}  // namespace stoa
