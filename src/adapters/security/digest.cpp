#include "adapters/security/digest.hpp"

#include <sodium.h>

#include <array>

namespace stoa {

struct sha256_digest::state {
    crypto_hash_sha256_state of;
};

sha256_digest::sha256_digest() : state_(std::make_unique<state>()) {
    crypto_hash_sha256_init(&state_->of);
}
sha256_digest::~sha256_digest() = default;

void sha256_digest::add(std::string_view bytes) {
    crypto_hash_sha256_update(&state_->of, reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size());
}

std::string sha256_digest::bytes() {
    std::array<unsigned char, crypto_hash_sha256_BYTES> raw{};
    crypto_hash_sha256_final(&state_->of, raw.data());
    return {raw.begin(), raw.end()};
}

std::string sha256_digest::hex() {
    std::string out;
    for (const char each : bytes()) {
        const auto byte = static_cast<unsigned char>(each);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

}  // namespace stoa
