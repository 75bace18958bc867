// What sending to a queue must be allowed, by IAM's names. The shop neither makes nor reads its
// queue: Terraform and a function do.
#pragma once

#include <string_view>

namespace stoa {

inline constexpr std::string_view sqs_send_actions[] = {"sqs:SendMessage"};

}  // namespace stoa
