#include "services/analytics/plain_json.hpp"

namespace stoa::analytics {

const char* plain_json::special_far_after(const char* at, const char* end) {
#ifdef __SSE2__
    // Sixteen have been seen.
    for (at += 16; end - at >= 16; at += 16)
        if (const auto specials = specials_of_sixteen(at); specials != 0)
            return at + std::countr_zero(specials);
#endif
    for (; end - at >= 8; at += 8)
        if (const auto special = first_special(word_at(at)); special != 0)
            return at + std::countr_zero(special) / 8;
    // Behind the end as if there were zeros, which are control characters.
    std::uint64_t word = 0;
    std::memcpy(&word, at, static_cast<std::size_t>(end - at));
    return at + std::countr_zero(first_special(word)) / 8;
}

std::size_t plain_json::take_digits() {
    const char* const from = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return static_cast<std::size_t>(at_ - from);
}

bool plain_json::find_number_end() {
    (void)take('-');
    const char* const whole = at_;
    const auto digits = take_digits();
    if (digits == 0 || (digits > 1 && *whole == '0')) return false;
    if (take('.') && take_digits() == 0) return false;
    if (take('e') || take('E')) {
        if (!take('+')) (void)take('-');
        if (take_digits() == 0) return false;
    }
    return at_ != end_ && (*at_ == ',' || *at_ == '}' || *at_ == ']');
}

bool plain_json::skip_value(int deepest) {
    if (at_ == end_) return false;
    std::string_view passed;
    switch (*at_) {
        case '"':
            ++at_;
            return take_text(passed);
        case '{':
        case '[':
            return deepest > 0 && skip_members(*at_++ == '{' ? '}' : ']', deepest - 1);
        case 't':
            return take_all("true");
        case 'f':
            return take_all("false");
        case 'n':
            return take_all("null");
        default:
            return take_number(passed);
    }
}

bool plain_json::skip_members(char close, int deepest) {
    if (take(close)) return true;
    for (;;) {
        std::string_view name;
        if (close == '}') {
            if (!take('"') || !take_text(name) || !take(':')) return false;
            pass_blank();
        }
        if (!skip_value(deepest)) return false;
        if (take(close)) return true;
        if (!take(',')) return false;
        pass_blank();
    }
}

}  // namespace stoa::analytics
