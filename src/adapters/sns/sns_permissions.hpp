// What the adapter's calls must be allowed, by IAM's names. `stoa doctor` asks GetTopicAttributes
// too, with the credentials of whoever runs it.
#pragma once

#include <string_view>

namespace stoa {

inline constexpr std::string_view sns_send_actions[] = {"sns:Publish"};

}  // namespace stoa
