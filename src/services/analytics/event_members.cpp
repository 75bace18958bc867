#include "services/analytics/event_members.hpp"

#include "services/analytics/swar.hpp"

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

std::int64_t event_time_reader::read_plain(std::string_view text) const {
    if (text.size() != plain_size || day_ms_ < 0 ||
        std::memcmp(text.data(), day_, sizeof day_) != 0 || text[10] != 'T')
        return -1;
    const auto clock = digits_in_place(text.data() + 11, "00:00:00");
    const auto decimals = digits_in_place(text.data() + 19, ".000000Z");
    if (!clock || !decimals) return -1;
    const auto two = [&](int at) { return clock->at(at) * 10 + clock->at(at + 1); };
    const int hour = two(0), minute = two(3), second = two(6);
    if (hour > 23 || minute > 59 || second > 59) return -1;
    return day_ms_ + ((hour * 60 + minute) * 60 + second) * 1'000 + decimals->at(1) * 100 +
           decimals->at(2) * 10 + decimals->at(3);
}

}  // namespace stoa::analytics
