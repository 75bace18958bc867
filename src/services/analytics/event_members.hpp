// What both readers of payloads share: which members are wanted, what for, and what a value must
// be.
#pragma once

#include "services/analytics/pipeline.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace stoa::analytics {

inline constexpr std::size_t longest_field = 256;  // bytes of an id or a word
// Ten million million in minor units: more is a mistake, and a thousand of them still add up.
inline constexpr std::int64_t largest_amount = 1'000'000'000'000'000;
// Milliseconds of 1970 to those of 9999.
inline constexpr std::int64_t last_ms = 253'402'300'799'999;

// A member of the payload that is wanted.
struct event_member {
    enum class as : std::uint8_t { text, time, amount, quantity, flag };
    std::string_view name;  // of the definition
    as what;
    field into{};
};
// At most 32: both readers keep a bit for each.
std::vector<event_member> members_of(const topic_definition& of);

// What they are in a payload. Views are into it or into who read it.
struct event_values {
    std::array<std::string_view, text_fields> texts{};
    std::string_view amount_text;  // its digits: the currency may stand behind it
    std::int64_t time_ms = -1;     // -1: it has none
    std::int64_t quantity = 0;
    bool flag = true;
};

// Times as producers write them, of any number of decimals: a day's text is read once. All else
// goes the general way.
class event_time_reader {
 public:
    // Milliseconds of 1970 to 9999, or -1.
    std::int64_t read(std::string_view text);
    // The same for 2026-01-31T23:59:59.123456Z, which is what our producers write, of the day that
    // was read last; -1 for all else.
    std::int64_t read_plain(std::string_view text) const;
    static constexpr std::size_t plain_size = 27;

 private:
    char day_[10] = {};
    std::int64_t day_ms_ = -1;
};

}  // namespace stoa::analytics
