// What is seen of the way from the outbox to the log and on to a queue: events brought to the log,
// and how long the oldest waits for either.
#pragma once

#include "adapters/outbox/outbox.hpp"
#include "runtime/metrics.hpp"

#include <array>
#include <atomic>
#include <map>

namespace stoa {

// One a relay; several count into the same series. Thread rule: any thread.
class outbox_meter {
 public:
    outbox_meter(metrics& to, clock& time, const std::vector<std::string>& topics);

    // A batch that the log took, or did not.
    void brought(const std::vector<event>& batch, bool taken);
    // What a shard that is ours has to offer, at each look; nullopt where it is empty or another's.
    void oldest(int shard, std::optional<timestamp> of);
    // Age of the oldest event that waits, in seconds; 0 where none does.
    double oldest_seconds() const;

 private:
    struct counters {
        metric_counter taken, refused;
    };
    clock& time_;
    std::map<std::string, counters, std::less<>> by_topic_;
    // Microseconds; 0: none.
    std::array<std::atomic<std::int64_t>, outbox_shards_in_all> waits_since_{};
};

}  // namespace stoa
