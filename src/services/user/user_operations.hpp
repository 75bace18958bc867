#pragma once

#include "services/user/user_service.hpp"
#include "ports/operation.hpp"

namespace stoa::users {

// The rows with the object they call.
service operations_of(api& users);

}  // namespace stoa::users
