// Topics that analytics reads and writes. What it reads is in the definitions.
#pragma once

#include <string_view>

namespace stoa::analytics::topic {

// P1: {product_id, window_start, window_end, unique_user_count}, the key its product (R78).
inline constexpr std::string_view product_results = "ecom-analytics-results";
// Rows of the others that name a topic, with `pipeline` (R75).
inline constexpr std::string_view results = "analytics-results";
// Events that came after their window had closed, under their own ids: {topic, partition, offset,
// pipelines, mark, event}.
inline constexpr std::string_view late = "ecom-analytics-late";

}  // namespace stoa::analytics::topic
