#pragma once

#include "ports/operation.hpp"
#include "services/gateway/gateway_service.hpp"

namespace stoa::gateway {

service operations_of(api& implementation);

}  // namespace stoa::gateway
