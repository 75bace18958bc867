#include "services/analytics/plain_json.hpp"

namespace stoa::analytics {

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
