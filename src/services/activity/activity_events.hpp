// Raw events: the payload is activities::viewer_event, the key its product_id. All have one type,
// since the word in the payload is open.
#pragma once

#include "services/activity/activity.hpp"

#include <string_view>

namespace stoa::activities::topic {

inline constexpr std::string_view raw_events = "ecom-raw-events";

}  // namespace stoa::activities::topic
