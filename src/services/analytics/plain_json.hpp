// JSON as programs write it: ASCII, no escapes, at most one blank behind a comma or a colon. A
// cursor that takes what it is asked for, or says no; whoever hears no reads with simdjson, which
// knows the rest. What is taken here is well-formed JSON, and the same to simdjson.
#pragma once

#include "services/analytics/swar.hpp"

#include <string_view>

namespace stoa::analytics {

// One to sixteen bytes to compare with.
struct few_bytes {
    alignas(16) char text[16] = {};
    std::uint8_t size = 0;
    std::uint16_t others = 0xffff;  // a bit for each byte of `text` that is none of them

    explicit few_bytes(std::string_view of = {})
        : size(static_cast<std::uint8_t>(of.size())),
          others(static_cast<std::uint16_t>(0xffffU << of.size())) {
        of.copy(text, sizeof text);
    }
};

class plain_json {
 public:
    // Needs `shortest` bytes at the least; nothing is read behind them.
    static constexpr std::size_t shortest = 16;
    explicit plain_json(std::string_view text)
        : at_(text.data()), end_(text.data() + text.size()) {}

    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    void pass_blank() { (void)take(' '); }
    bool at_end() const { return at_ == end_; }
    const char* at() const { return at_; }
    // What a text that has so many characters would be, behind its opening quote; whoever takes it
    // has seen that none of them is special.
    std::string_view text_of(std::size_t size) const {
        return left() > size && at_[size] == '"' ? std::string_view(at_, size) : std::string_view{};
    }
    void pass_text_of(std::size_t size) { at_ += size + 1; }

    // What stands here, if it is exactly this.
    [[gnu::always_inline]] bool take_all(std::string_view text) {
        const auto size = text.size();
        if (left() < size || !equal(at_, text.data(), size)) return false;
        at_ += size;
        return true;
    }
    // The same of a few bytes, compared at once.
    [[gnu::always_inline]] bool take_all(const few_bytes& what) {
#ifdef __SSE2__
        if (left() >= sizeof what.text) {
            const auto here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
            const auto there = _mm_load_si128(reinterpret_cast<const __m128i*>(what.text));
            const auto same = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(here, there)));
            at_ += what.size;
            return (same | what.others) == 0xffff;
        }
#endif
        return take_all(std::string_view(what.text, what.size));
    }
    // A text behind its opening quote, with the closing one.
    [[gnu::always_inline]] bool take_text(std::string_view& out) {
        const char* const from = at_;
        at_ = special_after(at_, end_);
        if (at_ == end_ || *at_ != '"') return false;
        out = {from, static_cast<std::size_t>(at_ - from)};
        ++at_;
        return true;
    }
    // A number as JSON has them, and nothing but what may follow one.
    [[gnu::always_inline]] bool take_number(std::string_view& out) {
        auto behind = *this;
        if (!behind.find_number_end()) return false;
        out = {at_, static_cast<std::size_t>(behind.at_ - at_)};
        at_ = behind.at_;
        return true;
    }
    // Any value that is not nested too deep.
    bool skip_value(int deepest = 8);

 private:
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    // The first character that is no plain one of a text, or the end. Of the last few bytes, those
    // before them are read too: there are sixteen.
    [[gnu::always_inline]] static const char* special_after(const char* at, const char* end) {
#ifdef __SSE2__
        const auto left = end - at;
        const auto specials =
            left >= 16 ? specials_of_sixteen(at) : specials_of_sixteen(end - 16) >> (16 - left);
        if (specials != 0) [[likely]]
            return at + std::countr_zero(specials);
        if (left < 16) return end;
#endif
        return special_far_after(at, end);
    }
    static const char* special_far_after(const char* at, const char* end);
    static bool equal(const char* a, const char* b, std::size_t size) {
        if (size < 8) return equal_short(a, b, size);
        for (const char* const last = a + size - 8; a < last; a += 8, b += 8, size -= 8)
            if (word_at(a) != word_at(b)) return false;
        // The last eight, of which some have been seen.
        return word_at(a + size - 8) == word_at(b + size - 8);
    }
    // Both ends, which overlap: no call for the few bytes that mostly stand behind the last value.
    static bool equal_short(const char* a, const char* b, std::size_t size) {
        if (size >= 4) {
            const auto four = [](const char* at) {
                std::uint32_t out;
                std::memcpy(&out, at, sizeof out);
                return out;
            };
            return four(a) == four(b) && four(a + size - 4) == four(b + size - 4);
        }
        return size == 0 ||
               (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
    }
    std::size_t take_digits();
    bool find_number_end();
    bool skip_members(char close, int deepest);

    const char* at_;
    const char* end_;
};

}  // namespace stoa::analytics
