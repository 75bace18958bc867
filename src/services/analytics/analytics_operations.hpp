#pragma once

#include "ports/operation.hpp"
#include "services/analytics/analytics_service.hpp"

namespace stoa::analytics {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();

}  // namespace stoa::analytics
