#include "base/utf8.hpp"

#include <simdjson.h>

namespace stoa {

std::string valid_utf8(std::string text) {
    if (simdjson::validate_utf8(text)) return text;
    std::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x80) out += c;
        else out += "\xEF\xBF\xBD";
    }
    return out;
}

}  // namespace stoa
