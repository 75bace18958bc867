// Payloads in the form that our own producers write, read in one pass where they lie: nothing is
// copied. Members may stand in any order. The forms of the last few payloads are kept, and what
// comes is compared with them first (payload_form.hpp).
#pragma once

#include "services/analytics/payload_form.hpp"

#include <array>

namespace stoa::analytics {

class plain_event_reader {
 public:
    explicit plain_event_reader(const std::vector<event_member>& members);

    // False: not in this form, or wrong; `out` is then anything.
    bool read(std::string_view payload, event_values& out);

 private:
    bool read_known(std::string_view payload, event_values& out);
    bool read_unknown(std::string_view payload, event_values& out);

    // As many as there are kinds of producers of a topic, mostly one.
    static constexpr std::size_t most_forms = 4;

    std::vector<event_member> members_;
    std::uint32_t all_members_;  // a bit each
    std::array<payload_form, most_forms> forms_;
    std::size_t last_ = 0;  // the form that was met last
    std::size_t next_ = 0;  // the one that was learned longest ago
    event_time_reader times_;
};

}  // namespace stoa::analytics
