// Payloads in the form that our own producers write, read in one pass where they lie: nothing is
// copied or allocated. Members may stand in any order: the order of the payload before is guessed.
#pragma once

#include "services/analytics/event_members.hpp"
#include "services/analytics/plain_json.hpp"

namespace stoa::analytics {

class plain_event_reader {
 public:
    explicit plain_event_reader(const std::vector<event_member>& members);

    // False: not in this form, or wrong; `out` is then anything.
    bool read(std::string_view payload, event_values& out);

 private:
    static constexpr int unknown = -1;
    // Which member it is.
    int guess_next_time(std::size_t place, std::string_view name);
    bool read_value(plain_json& from, const event_member& of, event_values& out);
    bool read_time(plain_json& from, std::int64_t& out);
    int find(std::string_view name) const;

    struct guess {
        int member = unknown;
        std::string opening;  // what stands before its value: ,"name":
    };
    std::vector<event_member> members_;
    std::uint32_t all_members_;  // a bit each
    std::vector<guess> order_;   // of the payload before
    event_time_reader times_;
};

}  // namespace stoa::analytics
