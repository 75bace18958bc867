#include "adapters/security/base64url.hpp"

#include <sodium.h>

namespace stoa {
namespace {
constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

std::string base64url(std::string_view bytes) {
    std::string out(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), variant);
    out.pop_back();  // the terminating zero
    return out;
}

std::optional<std::string> read_base64url(std::string_view text) {
    std::string out(text.size() / 4 * 3 + 3, '\0');
    std::size_t size = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                          text.size(), nullptr, &size, nullptr, variant) != 0)
        return {};
    out.resize(size);
    // Decoders differ in what they overlook; that there is one text only is settled here.
    if (base64url(out) != text) return {};
    return out;
}

}  // namespace stoa
