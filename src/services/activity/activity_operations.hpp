#pragma once

#include "ports/operation.hpp"
#include "services/activity/activity_service.hpp"

namespace stoa::activities {

service operations_of(api& implementation);

}  // namespace stoa::activities
