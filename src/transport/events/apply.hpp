// One event to one handler: found by topic and type, its payload read, the member called.
#pragma once

#include "ports/event_handler.hpp"

namespace stoa {

// Null: the group passes this event over.
const event_handler* handler_of(const event_consumer& group, const event& what);

// `invalid` payload_ill_formed, `internal` handler_threw, and what the handler says. Throws only
// the supervisor's cancellation: the event then stays undone.
task<result<void>> apply_event(const event_handler& row, void* service, delivery what);

// Waiting may help; anything else will fail the same way for ever.
bool is_transient(errc kind);

}  // namespace stoa
