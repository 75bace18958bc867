// Eight characters at once in one register (SWAR): what payloads are read with, the same on every
// machine that has the lowest byte first.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace stoa::analytics {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::uint64_t every_byte = 0x0101'0101'0101'0101;
inline constexpr std::uint64_t top_bits = every_byte * 0x80;

inline std::uint64_t word_at(const char* at) {
    std::uint64_t out;
    std::memcpy(&out, at, sizeof out);
    return out;
}

// A bit in the lowest byte that is no plain character of a JSON text: a quote, a backslash, a
// control character or one that is not ASCII; 0: all eight are plain. Bits above the lowest mean
// nothing: the subtractions carry.
inline std::uint64_t first_special(std::uint64_t word) {
    const auto quote = word ^ every_byte * '"', backslash = word ^ every_byte * '\\';
    const auto control = (word - every_byte * 0x20) & ~word;
    return (control | ((quote - every_byte) & ~quote) | ((backslash - every_byte) & ~backslash) |
            word) &
           top_bits;
}

#ifdef __SSE2__
// The same of sixteen: a bit for each special character, the first one lowest.
inline unsigned specials_of_sixteen(const char* at) {
    const auto text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto quote = _mm_cmpeq_epi8(text, _mm_set1_epi8('"'));
    const auto backslash = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'));
    // As signed numbers, control characters and those that are not ASCII are below a blank.
    const auto below = _mm_cmplt_epi8(text, _mm_set1_epi8(' '));
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quote, backslash))));
}
#endif

// Eight characters that are digits where `form` has 0, and the form's own elsewhere.
[[gnu::always_inline]] inline bool has_form(const char* at, const char (&form)[9]) {
    const auto wanted = word_at(form);
    const auto differs = word_at(at) ^ wanted;
    // The bytes of the form that are zeros: in them nothing is left after this, in others a bit.
    const auto others = wanted ^ every_byte * '0';
    const auto above_nine = (differs | (differs + every_byte * (0x80 - 10))) & top_bits;
    const auto fixed = ((others | (others + every_byte * 0x7f)) & top_bits) / 0x80 * 0xff;
    return above_nine == 0 && (differs & fixed) == 0;
}

}  // namespace stoa::analytics
