// The event log: topics of partitions of offsets. State changes publish through the transaction
// that makes them (sql: transaction::publish, key_value: write_set::publish); this port is for
// consumers and for raw events that have no other state.
#pragma once

#include "base/time.hpp"
#include "runtime/task.hpp"

#include <memory>
#include <string>
#include <vector>

namespace stoa {

struct event {
    std::string topic;
    std::string key;  // the aggregate's id: order is promised per key and topic
    std::string
        id;  // UUIDv7; the same event keeps its id through retries, dead letters and redrive
    std::string type;  // order.paid
    std::int64_t version =
        0;  // of the aggregate, or the attempt: consumers drop what is older than they know
    timestamp occurred_at;
    std::string traceparent;
    std::string payload;  // JSON
};

// One event on its way to one consumer. Handlers pass it to the transaction that applies it
// (transaction::receive, write_set::receive), which makes the effect happen once.
struct delivery {
    std::string group;
    int partition = 0;
    std::int64_t offset = 0;
    event message;
    bool redriven = false;  // from the dead letters: its offset was passed long ago
};

struct topic_spec {
    std::string_view name;
    int partitions = 4;
    hours keep{0};  // 0: for ever. Never less than the slowest group needs
};

// Which share of a group's partitions a consumer takes: partition p where p % of == index.
struct lane {
    int index = 0;
    int of = 1;
};

// A batch is of one partition, in offset order, at most `max` long.
struct delivery_batch {
    std::string topic;
    int partition = 0;
    std::vector<delivery> events;
};

class subscription {
 public:
    virtual ~subscription() = default;
    // Waits until there is something; honours cancellation. The next batch of a partition is handed
    // out only after `done` was called for the last one.
    virtual task<result<delivery_batch>> next(int max) = 0;
    // All events of the partition below `next_offset` are applied, dropped or dead-lettered.
    virtual task<result<void>> done(std::string topic, int partition, std::int64_t next_offset) = 0;
};

struct group_lag {
    std::string group, topic;
    std::int64_t events = 0;
};

struct topic_position {
    std::string topic;
    int partition = 0;
    std::int64_t first = 0, end = 0;  // offsets kept: [first, end)
};

// Thread rule: any loop; completions come back on the caller's loop.
class event_log {
 public:
    virtual ~event_log() = default;
    // Returns after the events are durable. Refused as a whole where one of them cannot be taken
    // (unknown_topic, event_too_large). `unavailable` and `timeout` of a log that is another system
    // may leave some of them there: appended again they come again, in order, under their ids.
    virtual task<result<void>> append(std::vector<event> events) = 0;
    // Business groups start at the earliest offset kept. Topics must have been declared.
    virtual result<std::unique_ptr<subscription>> subscribe(std::string group,
                                                            std::vector<std::string> topics,
                                                            lane share) = 0;
    // One partition from an offset, without a group: tails, caches, tools.
    virtual task<result<std::vector<delivery>>> read(std::string topic, int partition,
                                                     std::int64_t from, int max) = 0;
    virtual task<result<std::vector<topic_position>>> positions(std::string topic) = 0;
    virtual task<result<std::vector<group_lag>>> lags() = 0;

    // Dead letters and parking (design §4). The event goes to `<topic>.dlq` with its cause and the
    // key is parked; later events of a parked key are parked behind it, in offset order, by the
    // consumer loop.
    virtual task<result<void>> park(delivery what, error cause, int attempts) = 0;
    virtual task<result<bool>> is_parked(std::string group, std::string topic, std::string key) = 0;
};

// The partition of a key: the same on every engine.
int partition_of(std::string_view key, int partitions);

}  // namespace stoa
