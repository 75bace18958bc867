// JSON as programs write it: ASCII, no escapes, at most one blank behind a comma or a colon. A
// cursor that takes what it is asked for, or says no; whoever hears no reads with simdjson, which
// knows the rest. What is taken here is well-formed JSON, and the same to simdjson.
#pragma once

#include "services/analytics/swar.hpp"

#include <string_view>

namespace stoa::analytics {

class plain_json {
 public:
    // Needs eight bytes at the least; nothing is read behind them.
    explicit plain_json(std::string_view text)
        : at_(text.data()), end_(text.data() + text.size()) {}

    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    void pass_blank() { (void)take(' '); }
    bool at_end() const { return at_ == end_; }
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
    // A text behind its opening quote, with the closing one.
    [[gnu::always_inline]] bool take_text(std::string_view& out) {
        const char* const from = at_;
#ifdef __SSE2__
        while (left() >= 16) {
            const auto specials = specials_of_sixteen(at_);
            if (specials != 0) {
                at_ += std::countr_zero(specials);
                return close_text(from, out);
            }
            at_ += 16;
        }
#endif
        for (;;) {
            const auto special = first_special(word());
            if (special == 0) {
                at_ += 8;
                continue;
            }
            at_ += std::countr_zero(special) / 8;
            return close_text(from, out);
        }
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
    // Behind the end: zeros, which are control characters.
    std::uint64_t word() const {
        if (left() >= 8) return word_at(at_);
        return left() == 0 ? 0 : word_at(end_ - 8) >> (8 * (8 - left()));
    }
    bool close_text(const char* from, std::string_view& out) {
        if (at_ >= end_ || *at_ != '"') return false;
        out = {from, static_cast<std::size_t>(at_ - from)};
        ++at_;
        return true;
    }
    static bool equal(const char* a, const char* b, std::size_t size) {
        if (size < 8) return std::memcmp(a, b, size) == 0;
        for (const char* const last = a + size - 8; a < last; a += 8, b += 8, size -= 8)
            if (word_at(a) != word_at(b)) return false;
        // The last eight, of which some have been seen.
        return word_at(a + size - 8) == word_at(b + size - 8);
    }
    std::size_t take_digits();
    bool find_number_end();
    bool skip_members(char close, int deepest);

    const char* at_;
    const char* end_;
};

}  // namespace stoa::analytics
