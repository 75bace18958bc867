#include "services/analytics/fingerprint.hpp"

#include "services/analytics/swar.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

namespace stoa::analytics {
namespace {

__extension__ using wide = unsigned __int128;

constexpr std::uint64_t first = 0x8f1bbcdcbfa53e0bULL, second = 0xd6e8feb86659fd93ULL,
                        third = 0xa0761d6478bd642fULL ^ 0x5a827999ULL,
                        fourth = 0xc2b2ae3d27d4eb4fULL;

// Both halves of the product, folded: every bit of the input moves every bit of the output.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// One to fifteen bytes as two words, with zeros behind them. No byte past them is read: short
// texts are read from both ends, and where the ends overlap they say the same.
std::pair<std::uint64_t, std::uint64_t> padded(const char* at, std::size_t size) {
    if (size >= 8)
        return {word_at(at), size == 8 ? 0 : word_at(at + size - 8) >> (8 * (16 - size))};
    if (size >= 4) {
        std::uint32_t front, back;
        std::memcpy(&front, at, sizeof front);
        std::memcpy(&back, at + size - 4, sizeof back);
        return {front | std::uint64_t{back} << (8 * (size - 4)), 0};
    }
    // One to three: the middle one is the first or the last as well.
    const auto one = [&](std::size_t i) {
        return std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    };
    return {one(0) | one(size / 2) | one(size - 1), 0};
}

}  // namespace

fingerprint fingerprint_of(std::string_view text) {
    std::uint64_t a = first ^ text.size(), b = second + text.size();
    const char* at = text.data();
    auto left = text.size();
    for (; left >= 16; left -= 16, at += 16) {
        const auto x = word_at(at), y = word_at(at + 8);
        a = fold(a ^ x, y ^ third);
        b = fold(b ^ y, x ^ fourth) + a;
    }
    if (left > 0) {
        const auto [x, y] = padded(at, left);
        a = fold(a ^ x, y ^ third);
        b = fold(b ^ y, x ^ fourth) + a;
    }
    fingerprint out{fold(a ^ fourth, b | 1), fold(b ^ third, a ^ first)};
    if ((out.high | out.low) == 0) out.low = 1;
    return out;
}

void fingerprint_set::reserve(std::size_t members) {
    constexpr std::size_t most = std::size_t{1} << 30;
    if (members == 0 || members > most / 2) return;  // more: as they come
    const auto wanted = static_cast<std::uint32_t>(std::bit_ceil((members * 4 + 2) / 3));
    if (wanted > capacity_) grow(std::max(wanted, 2U));
}

void fingerprint_set::grow(std::uint32_t capacity) {
    auto* const fresh = static_cast<fingerprint*>(
        memory_->allocate(capacity * sizeof(fingerprint), alignof(fingerprint)));
    std::uninitialized_value_construct_n(fresh, capacity);
    const auto before = std::exchange(capacity_, capacity);
    auto* const old = std::exchange(slots_, fresh);
    const auto mask = capacity_ - 1;
    for (std::uint32_t i = 0; i < before; ++i) {
        const auto one = old[i];
        if ((one.high | one.low) == 0) continue;
        // They differ: a free place is all that is looked for.
        auto at = static_cast<std::uint32_t>(one.low) & mask;
        while ((slots_[at].high | slots_[at].low) != 0) at = (at + 1) & mask;
        slots_[at] = one;
    }
    give_back(old, before);
}

}  // namespace stoa::analytics
