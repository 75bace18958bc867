// RFC 4648 §5 without padding, as JOSE uses it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stoa {

std::string base64url(std::string_view bytes);
// Strict: one text for one value. Nothing for padding, blanks, other alphabets or non-zero trailing
// bits.
std::optional<std::string> read_base64url(std::string_view text);

}  // namespace stoa
