#pragma once

#include "ports/operation.hpp"
#include "services/user/user_service.hpp"

namespace stoa::users {

// The rows with the object they call.
service operations_of(api& users);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();

}  // namespace stoa::users
