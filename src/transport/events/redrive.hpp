// Dead letters once more: listed, applied in the order of their keys, or given up.
#pragma once

#include "base/described.hpp"
#include "ports/dead_letters.hpp"
#include "ports/event_handler.hpp"

namespace stoa {

// Of all letters those that every given member fits. With an id: that letter, and those of its key
// before it, without which it may not be applied.
struct redrive_request {
    std::optional<std::string> group, topic, key, id;
    bool dry_run = false;  // only tell
    bool give_up = false;  // forget instead of applying; needs a key or an id
};
BOOST_DESCRIBE_STRUCT(redrive_request, (), (group, topic, key, id, dry_run, give_up))

enum class letter_outcome : std::uint8_t {
    waiting,   // a dry run
    applied,   // and its key free again, after the last one
    failed,    // it stays, with the new cause
    behind,    // not tried: one of its key before it failed
    given_up,  // forgotten
};
BOOST_DESCRIBE_ENUM(letter_outcome, waiting, applied, failed, behind, given_up)

struct redriven_letter {
    std::string group, topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string key, id, type;
    std::string code, detail;  // why it is (or still is) a dead letter
    std::int32_t attempts = 0;
    timestamp at;
    letter_outcome outcome{};
};
BOOST_DESCRIBE_STRUCT(redriven_letter, (),
                      (group, topic, partition, offset, key, id, type, code, detail, attempts, at,
                       outcome))

struct redrive_report {
    std::vector<redriven_letter> letters;
    bool more = false;  // the bound of one run was reached: run it again
};
BOOST_DESCRIBE_STRUCT(redrive_report, (), (letters, more))

inline constexpr int redrive_at_once = 1'000;  // letters of one run

struct redrive_needs {
    event_log& log;
    dead_letter_store& letters;
    std::vector<event_consumer> groups;
};

// Applying twice changes nothing: each letter keeps its event's id, by which its receipt is known.
// Meanwhile the group may run; what it reads of a key is parked behind until the key's last letter
// is gone. Thread rule: the loop of the groups' services. Errors: `invalid` unknown_group,
// redrive_too_wide (giving up without saying what), and those of the stores.
task<result<redrive_report>> redrive(redrive_needs with, redrive_request wanted);

}  // namespace stoa
