// The consumer groups that a shop's log knows. A group that read a topic once keeps its events from
// retention for ever, in case it comes back; one that does not come back has to be dropped by hand.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"

#include <optional>

namespace stoa {

struct group_share {
    std::string topic;
    std::int64_t lag = 0;                   // events that it has not done
    std::optional<timestamp> last_done;     // when the newest event that it did was accepted
    std::optional<timestamp> behind_since;  // when the oldest that it did not do was; lag > 0
};

struct log_group {
    std::string name;
    std::vector<group_share> topics;  // by name
    std::int64_t dead_letters = 0;
};

// By name. Reads the file beside whatever process has the shop open. `internal` where there is no
// database.
result<std::vector<log_group>> read_log_groups(const std::string& directory);

// Forgets the group: its offsets, receipts and dead letters (the events stay in `<topic>.dlq`).
// `not_found` where there is none. The open shop knows its groups by heart and goes on waiting for
// this one until it is opened again.
task<result<void>> drop_log_group(sqlite_shop& of, std::string name);

}  // namespace stoa
