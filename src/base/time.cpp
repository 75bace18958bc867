#include "base/time.hpp"

#include <array>

namespace stoa {
namespace {

void put(char* at, unsigned value, int digits) {
    for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// A fixed number of digits; -1 when one is missing.
int take(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return -1;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool skip(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

// Fraction of a second in microseconds; digits past the sixth are dropped. -1 when ill-formed.
int take_fraction(std::string_view& text) {
    if (!skip(text, ".")) return 0;
    int value = 0, digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
        if (++digits <= 6) value = value * 10 + (text.front() - '0');
    if (digits == 0 || digits > 9) return -1;
    for (; digits < 6; ++digits) value *= 10;
    return value;
}

}  // namespace

void append_rfc3339(std::string& out, timestamp t) {
    using namespace std::chrono;
    const sys_time<microseconds> at{microseconds(t.micros)};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss<microseconds> clock(at - day);
    std::array<char, 27> text{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0', '0', ':',
                              '0', '0', ':', '0', '0', '.', '0', '0', '0', '0', '0', '0', 'Z'};
    put(&text[0], static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put(&text[5], static_cast<unsigned>(date.month()), 2);
    put(&text[8], static_cast<unsigned>(date.day()), 2);
    put(&text[11], static_cast<unsigned>(clock.hours().count()), 2);
    put(&text[14], static_cast<unsigned>(clock.minutes().count()), 2);
    put(&text[17], static_cast<unsigned>(clock.seconds().count()), 2);
    put(&text[20], static_cast<unsigned>(clock.subseconds().count()), 6);
    out.append(text.data(), text.size());
}

std::string rfc3339(timestamp t) {
    std::string out;
    append_rfc3339(out, t);
    return out;
}

std::optional<timestamp> read_rfc3339(std::string_view text) {
    using namespace std::chrono;
    const int y = take(text, 4);
    if (y < 0 || !skip(text, "-")) return {};
    const int m = take(text, 2);
    if (m < 0 || !skip(text, "-")) return {};
    const int d = take(text, 2);
    const year_month_day date(year(y), month(static_cast<unsigned>(m)),
                              day(static_cast<unsigned>(d)));
    if (d < 0 || !date.ok() || !skip(text, "Tt ")) return {};
    const int hour = take(text, 2);
    if (hour < 0 || hour > 23 || !skip(text, ":")) return {};
    const int minute = take(text, 2);
    if (minute < 0 || minute > 59 || !skip(text, ":")) return {};
    const int second = take(text, 2);
    if (second < 0 || second > 59) return {};
    const int fraction = take_fraction(text);
    if (fraction < 0) return {};
    std::int64_t offset_minutes = 0;
    if (!skip(text, "Zz")) {
        const bool west = text.starts_with('-');
        if (!skip(text, "+-")) return {};
        const int oh = take(text, 2);
        if (oh < 0 || oh > 23 || !skip(text, ":")) return {};
        const int om = take(text, 2);
        if (om < 0 || om > 59) return {};
        offset_minutes = (west ? -1 : 1) * (oh * 60 + om);
    }
    if (!text.empty()) return {};
    const std::int64_t days_s = sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
    const std::int64_t total_s = days_s + hour * 3600 + minute * 60 + second - offset_minutes * 60;
    // An offset can lead out of the years that have four digits; text order would no longer be time
    // order.
    constexpr std::int64_t year_0_s = -62'167'219'200, year_10000_s = 253'402'300'800;
    if (total_s < year_0_s || total_s >= year_10000_s) return {};
    return timestamp{total_s * 1'000'000 + fraction};
}

}  // namespace stoa
