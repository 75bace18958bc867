// Brings deliveries to a service's event rows by the rules of design §4: in order per key, retried
// in place while the error is transient, dead-lettered and the key parked when it is not.
#pragma once

#include "ports/clock.hpp"
#include "ports/event_handler.hpp"
#include "runtime/metrics.hpp"
#include "runtime/supervisor.hpp"
#include "runtime/trace.hpp"

namespace stoa {

struct consumer_settings {
    int batch = 64;  // events of a partition in flight; those of one key one after another
    // Waiting helps while an engine is away: when it is back, nothing is far behind.
    milliseconds first_wait{100}, longest_wait{2'000};
};

// Starts the group's loop on the supervisor. Thread rule: the supervisor's loop. With a tracer,
// each attempt is a span under the event's own, and what the handler publishes stands under that.
result<void> start_consumer(event_consumer what, event_log& log, clock& time, random_source& random,
                            metrics& measured, supervisor& on, lane share,
                            consumer_settings settings = {}, tracer* traces = nullptr);

}  // namespace stoa
