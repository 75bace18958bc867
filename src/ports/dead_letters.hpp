// What could not be applied and still waits: what `stoa redrive` asks of an event log, beside the
// events. A key stays parked until its last dead letter was redriven or given up.
#pragma once

#include "ports/event_log.hpp"

namespace stoa {

struct dead_letter {
    delivery what;  // the event as it came, with the place where it came; `redriven` is set
    std::string code, detail;
    int attempts = 0;
    timestamp at;
};

struct parked_key {
    std::string topic, key;
    std::int64_t letters = 0;
};

// Thread rule: any loop.
class dead_letter_store {
 public:
    virtual ~dead_letter_store() = default;
    virtual task<result<std::vector<parked_key>>> parked_keys(std::string group) = 0;
    // A group's dead letters that still count; of one key where `key` is not empty. Those of a key
    // come by partition and offset: apply them in this order, each with its own id.
    virtual task<result<std::vector<dead_letter>>> dead_letters(std::string group,
                                                                std::string topic, std::string key,
                                                                int max) = 0;
    // Forgets a dead letter whose event was applied, or given up. With a key's last the key is
    // unparked. One that is not there is no error.
    virtual task<result<void>> redriven(delivery what) = 0;
};

}  // namespace stoa
