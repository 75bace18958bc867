// The form of a payload that was read: the bytes between its values. Programs write the same form
// again and again, so the next payload is mostly a few comparisons and the values between them.
//
// A payload that has the form is well-formed because the one before was: all brackets, commas and
// names are compared, and a value is taken only as far as plain JSON goes. Where an object or a
// list that nobody wants differs inside, it is passed over as one value.
#pragma once

#include "services/analytics/event_members.hpp"
#include "services/analytics/plain_json.hpp"

#include <vector>

namespace stoa::analytics {

class payload_form {
 public:
    // Takes the form of a payload that plain_event_reader has read, members and all. One that is
    // too long is not kept: nothing has the form then.
    void learn(std::string_view payload, const std::vector<event_member>& members);

    // False: it has another form, or a value is not what it must be; `out` is then anything.
    bool read(std::string_view payload, event_time_reader& times, event_values& out) const;

 private:
    // Bytes that stand there, and the value behind them.
    struct step {
        enum class value : std::uint8_t {
            none,         // more bytes
            member_text,  // its opening quote is of the bytes
            member_other,
            passed,        // a text, a number or a word, whichever stands there
            passed_inner,  // an object or a list, whose own steps follow
            inner_text,    // its opening quote is of the bytes
            inner_number,
            inner_end,  // nothing: the inner value is over
            end,        // nothing: the payload is over
        };
        few_bytes bytes;
        value is = value::end;
        std::uint8_t inner_steps = 0;
        event_member member{};
    };
    class learner;

    static bool pass_inner(plain_json& from, const step* at);

    std::vector<step> steps_;  // none: nothing has been learned
};

// The value of a member that is wanted. Inlined, so that the cursor stays in registers.
[[gnu::always_inline]] inline bool read_time(plain_json& from, event_time_reader& times,
                                             std::int64_t& out) {
    std::string_view text;
    if (!from.take('"')) return from.take_number(text) && read_whole(text, last_ms, out);
    constexpr auto plain_size = event_time_reader::plain_size;
    out = times.read_plain(from.text_of(plain_size));
    if (out >= 0) {
        from.pass_text_of(plain_size);
        return true;
    }
    return from.take_text(text) && (out = times.read(text)) >= 0;
}

[[gnu::always_inline]] inline bool read_value(plain_json& from, const event_member& of,
                                              event_time_reader& times, event_values& out) {
    std::string_view text;
    switch (of.what) {
        case event_member::as::text:
            if (!from.take('"') || !from.take_text(text) || text.empty() ||
                text.size() > longest_field)
                return false;
            out.texts[static_cast<std::size_t>(of.into)] = text;
            return true;
        case event_member::as::time:
            return read_time(from, times, out.time_ms);
        case event_member::as::amount:
            if (!from.take_number(text)) return false;
            out.amount_text = text;
            return true;
        case event_member::as::quantity:
            return from.take_number(text) && read_whole(text, largest_amount, out.quantity);
        case event_member::as::flag:
            out.flag = from.take_all("true");
            return out.flag || from.take_all("false");
    }
    return false;
}

}  // namespace stoa::analytics
