// Request targets: percent-decoding and splitting.
#pragma once

#include "transport/http/message.hpp"

namespace stoa::http {

// Fills path and query from target. False: ill-formed escapes, control characters, invalid UTF-8 or
// a fragment.
bool split_target(request& of);
bool percent_decode(std::string_view text, bool plus_is_space, std::string& out);
bool valid_utf8(std::string_view text);
void append_percent_encoded(std::string& out, std::string_view text);

}  // namespace stoa::http
