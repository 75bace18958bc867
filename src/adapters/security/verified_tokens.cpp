#include "adapters/security/verified_tokens.hpp"

#include "adapters/security/sodium.hpp"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace stoa {

verified_tokens::verified_tokens(std::size_t entries)
    : sets_(std::bit_ceil(std::max<std::size_t>(entries / ways, 1))), entries_(sets_ * ways) {
    static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16);
    start_sodium();
    randombytes_buf(key_.data(), key_.size());
}

token_fingerprint verified_tokens::fingerprint(std::string_view token) const {
    unsigned char out[crypto_shorthash_siphashx24_BYTES];
    crypto_shorthash_siphashx24(out, reinterpret_cast<const unsigned char*>(token.data()),
                                token.size(), key_.data());
    token_fingerprint f;
    std::memcpy(&f.high, out, 8);
    std::memcpy(&f.low, out + 8, 8);
    return f;
}

std::optional<token_claims> verified_tokens::find(token_fingerprint wanted) const {
    const auto set = set_of(wanted);
    const std::scoped_lock lock(lock_of(set));
    for (std::size_t i = set * ways; i < (set + 1) * ways; ++i)
        if (entries_[i].used && entries_[i].of == wanted) return entries_[i].claims;
    return {};
}

void verified_tokens::remember(token_fingerprint of, const token_claims& claims) {
    const auto set = set_of(of);
    const std::scoped_lock lock(lock_of(set));
    const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(set * ways);
    const auto last = first + static_cast<std::ptrdiff_t>(ways);
    auto place = std::find_if(first, last, [&](const entry& e) { return !e.used || e.of == of; });
    if (place == last)
        place = std::min_element(first, last, [](const entry& a, const entry& b) {
            return a.claims.expires_at < b.claims.expires_at;
        });
    *place = {of, claims, true};
}

void verified_tokens::forget(token_fingerprint of) {
    const auto set = set_of(of);
    const std::scoped_lock lock(lock_of(set));
    for (std::size_t i = set * ways; i < (set + 1) * ways; ++i)
        if (entries_[i].used && entries_[i].of == of) entries_[i] = {};
}

void verified_tokens::clear() {
    for (std::size_t set = 0; set < sets_; ++set) {
        const std::scoped_lock lock(lock_of(set));
        for (std::size_t i = set * ways; i < (set + 1) * ways; ++i) entries_[i] = {};
    }
}

std::size_t verified_tokens::size() const {
    std::size_t count = 0;
    for (std::size_t set = 0; set < sets_; ++set) {
        const std::scoped_lock lock(lock_of(set));
        for (std::size_t i = set * ways; i < (set + 1) * ways; ++i) count += entries_[i].used;
    }
    return count;
}

}  // namespace stoa
