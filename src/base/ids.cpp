#include "base/ids.hpp"

namespace stoa {

std::string uuid_v7(timestamp now, std::uint64_t random_high, std::uint64_t random_low) {
    const auto ms = static_cast<std::uint64_t>(now.micros / 1000);
    const std::uint64_t high = (ms << 16) | 0x7000 | (random_high & 0x0fff);
    const std::uint64_t low = (random_low & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000;
    std::string out(36, '-');
    std::size_t at = 0;
    for (int nibble = 31; nibble >= 0; --nibble) {
        if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
        const auto word = nibble >= 16 ? high >> ((nibble - 16) * 4) : low >> (nibble * 4);
        out[at++] = "0123456789abcdef"[word & 15];
    }
    return out;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

}  // namespace stoa
