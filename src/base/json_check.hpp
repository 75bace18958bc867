// Whether a text is JSON at all (RFC 8259). The On-Demand parser checks only what it visits, but
// members that a record does not know, and open members that are stored and sent on as text, must
// be well-formed too.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace stoa {

struct json_fault {
    std::size_t at = 0;  // bytes from the start
    std::string_view why;
};

// Nothing for one well-formed value with white space around it, nested at most 64 deep. Strings are
// checked for control characters, escapes and paired surrogates; that the bytes are UTF-8 is the
// parser's to check.
std::optional<json_fault> find_json_fault(std::string_view text);

}  // namespace stoa
