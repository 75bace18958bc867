// Who may call: the policy of an operation's row, the same for every transport.
#pragma once

#include "base/context.hpp"
#include "ports/operation.hpp"

namespace stoa {

// What is asked for, as far as a policy looks at it.
struct wanted_access {
    who caller = who::nobody_yet;
    std::string_view of;  // what a scoped key must name: products
    bool reads = false;   // products:read is enough
};

// Errors: unauthenticated authentication_required, forbidden not_permitted.
result<void> check_access(const principal& who_calls, const wanted_access& to);

}  // namespace stoa
