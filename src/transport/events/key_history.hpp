// What the log tells of one key. No engine has an index by key, so its partitions are searched by
// time: events stand about in the order of their times.
#pragma once

#include "ports/clock.hpp"
#include "ports/event_log.hpp"

namespace stoa {

struct history_wanted {
    std::string key;
    std::vector<std::string> topics;
    timestamp since, until;  // when its first and its last event happened, about
};

struct history_bounds {
    seconds slack{60};       // events may be so much out of order, or late in the log
    int most_read = 20'000;  // events of a topic read after `since`, and again around `until`
    int at_once = 256;       // in one question to the log
};

struct key_history {
    std::vector<delivery> events;  // by time, those of one time by id
    bool whole = true;  // false: the bounds were met, or the log keeps only what is younger
};

// Errors: the log's. Holds a loop for a chunk of events at a time.
task<result<key_history>> history_of_key(event_log& log, clock& time, history_wanted wanted,
                                         history_bounds bounds = {});

}  // namespace stoa
