// Brings the outbox to the log, one shard at a time, under a lease (design §4). At least once: what
// was appended and not yet erased is appended again by whoever comes next, under its own event id.
//
// There is no cursor: the shard is read from its beginning by strong reads of the table, so an item
// that commits late is not passed over. The events of an aggregate are appended in version order.
#pragma once

#include "adapters/outbox/outbox_meter.hpp"
#include "ports/event_log.hpp"
#include "ports/queue.hpp"
#include "runtime/supervisor.hpp"

#include <array>
#include <optional>

namespace stoa {

// owner and epoch; `beats` moves while the owner lives.
inline constexpr kv_table leases_table{.name = "ecommerce-leases", .hash = "name"};

// Where events of one topic go besides the log, for receivers that do not read it.
struct queue_destination {
    message_queue* queues = nullptr;  // outlives the relay
    std::string queue;                // its name or address
    std::string topic;
};

struct relay_settings {
    milliseconds round{20}, longest_round{1'000};  // between looks at a shard, longer while empty
    milliseconds lease_for{5'000};  // a lease that stands unchanged for so long is taken over
    int batch = 90;                 // events appended and erased together
    outbox_meter* meter = nullptr;  // outlives the relay
    // What the log has taken goes on to a shard of its own, and waits there until the queue has it:
    // a queue that is away holds nothing else up. At least once, in no order.
    std::optional<queue_destination> also{};
};

// One a process. Thread rule: its loop's; start() once.
class relay {
 public:
    relay(key_value& items, event_log& log, clock& time, random_source& random, std::string owner,
          relay_settings settings = {});

    // Works on every shard whose lease it gets, until the supervisor stops it.
    void start(supervisor& on);
    enum class found : std::uint8_t { not_ours, nothing, events };
    // One look at a shard, which brings all that is there. For start() and tests.
    task<result<found>> work_on(int shard);
    int shards() const { return settings_.also ? outbox_shards_in_all : outbox_shards; }

 private:
    // What was last seen of a shard's lease, and when by our own monotonic clock.
    struct sighting {
        std::string owner;
        std::int64_t beats = -1;
        instant since;
    };
    task<> run(int shard);
    task<result<bool>> hold_lease(int shard);
    task<result<int>> bring_batch(int shard);
    task<result<void>> append(std::vector<event> events);
    task<result<void>> queue_up(std::vector<event> events);
    static bool is_of_queue(int shard) { return shard >= outbox_shards; }
    // An event that goes on to the queue is two writes of the transaction.
    int batch() const { return settings_.also ? settings_.batch / 2 : settings_.batch; }
    void see_oldest(int shard, const std::vector<event>& waiting) const;

    key_value& items_;
    event_log& log_;
    clock& time_;
    random_source& random_;
    std::string owner_;
    relay_settings settings_;
    std::array<sighting, outbox_shards_in_all> seen_;
};

}  // namespace stoa
