// Points in time. All times are UTC and travel as RFC 3339 text with six digits of a second, so
// that text order is time order (index keys rely on it).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stoa {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Wall-clock time by its owner's clock: for dates and due times, never for measuring.
struct timestamp {
    std::int64_t micros = 0;  // since 1970-01-01T00:00:00Z

    friend auto operator<=>(const timestamp&, const timestamp&) = default;
    friend timestamp operator+(timestamp t, microseconds d) { return {t.micros + d.count()}; }
    friend timestamp operator-(timestamp t, microseconds d) { return {t.micros - d.count()}; }
    friend microseconds operator-(timestamp a, timestamp b) {
        return microseconds(a.micros - b.micros);
    }
    std::int64_t unix_s() const { return micros / 1'000'000; }
};

// Time that only goes forward: for deadlines, leases and backoff. Not comparable between processes.
struct instant {
    std::int64_t nanos = 0;

    friend auto operator<=>(const instant&, const instant&) = default;
    friend instant operator+(instant t, std::chrono::nanoseconds d) {
        return {t.nanos + d.count()};
    }
    friend std::chrono::nanoseconds operator-(instant a, instant b) {
        return std::chrono::nanoseconds(a.nanos - b.nanos);
    }
};

// Writes 27 characters: 2026-11-21T12:00:00.000000Z. Years 0000 to 9999.
void append_rfc3339(std::string& out, timestamp t);
std::string rfc3339(timestamp t);

// Reads RFC 3339 date-times (T, t or a space; Z, z or an offset; up to nine digits of a second).
// Nothing for anything else, for days that do not exist and for leap seconds.
std::optional<timestamp> read_rfc3339(std::string_view text);

}  // namespace stoa
