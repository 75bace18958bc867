// What both readers of payloads share: which members are wanted, what for, and what a value must
// be.
#pragma once

#include "services/analytics/pipeline.hpp"
#include "services/analytics/swar.hpp"

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

// A number of digits alone, from 0 to `largest`.
bool read_whole(std::string_view digits, std::int64_t largest, std::int64_t& out);

// Times as producers write them, of any number of decimals: the text of a day, and that of a minute
// in it, is read once. All else goes the general way.
class event_time_reader {
 public:
    // Milliseconds of 1970 to 9999, or -1.
    std::int64_t read(std::string_view text);
    // The same for 2026-01-31T23:59:59.123456Z, which is what our producers write, of the day that
    // was read last; -1 for all else.
    [[gnu::always_inline]] std::int64_t read_plain(std::string_view text) {
        if (text.size() != plain_size) return -1;
        if (minute_ms_ < 0 || word_at(text.data()) != word_at(minute_) ||
            word_at(text.data() + 8) != word_at(minute_ + 8))
            return read_other_minute(text);
        return has_clock(text.data() + 11) ? minute_ms_ + in_minute(text.data() + 17) : -1;
    }
    static constexpr std::size_t plain_size = 27;

 private:
    std::int64_t read_other_minute(std::string_view text);
    // 23:59:59.123456Z, but for 24 to 29 hours.
    [[gnu::always_inline]] static bool has_clock(const char* at) {
#ifdef __SSE2__
        alignas(16) static constexpr char lowest[] = {"00:00:00.000000Z"},
                                          above[16] = {2, 9, 0, 5, 9, 0, 5, 9,
                                                       0, 9, 9, 9, 9, 9, 9, 0};
        const auto at_once = [](const char* of) {
            return _mm_loadu_si128(reinterpret_cast<const __m128i*>(of));
        };
        const auto over = _mm_subs_epu8(_mm_sub_epi8(at_once(at), at_once(lowest)), at_once(above));
        return _mm_movemask_epi8(_mm_cmpeq_epi8(over, _mm_setzero_si128())) == 0xffff;
#else
        return has_form(at, "00:00:00") && has_form(at + 8, ".000000Z") && at[0] < '3' &&
               at[3] < '6' && at[6] < '6';
#endif
    }
    // Milliseconds of 59.123.
    [[gnu::always_inline]] static std::int64_t in_minute(const char* at) {
        const auto digit = [at](int i) { return at[i] - '0'; };
        return digit(0) * 10'000 + digit(1) * 1'000 + digit(3) * 100 + digit(4) * 10 + digit(5);
    }

    char day_[10] = {};
    char minute_[16] = {};  // of a day that was read
    std::int64_t day_ms_ = -1, minute_ms_ = -1;
};

}  // namespace stoa::analytics
