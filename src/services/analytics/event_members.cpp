#include "services/analytics/event_members.hpp"

#include <charconv>
#include <cstring>

namespace stoa::analytics {

std::vector<event_member> members_of(const topic_definition& of) {
    using as = event_member::as;
    std::vector<event_member> out;
    const auto want = [&](const std::optional<std::string>& name, as what, field into) {
        if (name) out.push_back({*name, what, into});
    };
    want(of.user, as::text, field::user);
    want(of.product, as::text, field::product);
    want(of.order, as::text, field::order);
    want(of.word, as::text, field::word);
    want(of.currency, as::text, field::currency);
    want(of.time, as::time, {});
    want(of.amount, as::amount, {});
    want(of.quantity, as::quantity, {});
    want(of.word_unless, as::flag, {});
    return out;
}

bool read_whole(std::string_view digits, std::int64_t largest, std::int64_t& out) {
    const auto* const end = digits.data() + digits.size();
    const auto [at, problem] = std::from_chars(digits.data(), end, out);
    return problem == std::errc{} && at == end && out >= 0 && out <= largest;
}

std::int64_t event_time_reader::read(std::string_view text) {
    if (const auto ms = read_plain(text); ms >= 0) return ms;
    const auto time = read_rfc3339(text);
    if (!time || time->micros < 0) return -1;
    const auto ms = time->micros / 1'000;
    constexpr std::int64_t day_ms = 86'400'000;
    // Of another offset, the text's day is not the time's.
    if (text.ends_with('Z')) {
        std::memcpy(day_, text.data(), sizeof day_);
        day_ms_ = ms / day_ms * day_ms;
    }
    return ms;
}

std::int64_t event_time_reader::read_other_minute(std::string_view text) {
    if (day_ms_ < 0 || std::memcmp(text.data(), day_, sizeof day_) != 0 || text[10] != 'T')
        return -1;
    const char* const clock = text.data() + 11;
    const auto two = [clock](int at) { return (clock[at] - '0') * 10 + clock[at + 1] - '0'; };
    if (!has_clock(clock) || two(0) > 23) return -1;
    std::memcpy(minute_, text.data(), sizeof minute_);
    minute_ms_ = day_ms_ + (two(0) * 60 + two(3)) * std::int64_t{60'000};
    return minute_ms_ + in_minute(clock + 6);
}

}  // namespace stoa::analytics
