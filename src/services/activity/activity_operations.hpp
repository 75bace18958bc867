#pragma once

#include "ports/operation.hpp"
#include "services/activity/activity_service.hpp"

namespace stoa::activities {

service operations_of(api& implementation);
// The same without anybody to call: for who passes requests on.
service operations_elsewhere();

}  // namespace stoa::activities
