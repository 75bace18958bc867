// The event log's tables and what the engine knows of them by heart: offsets, groups, who waits.
//
// A position is `id << 40 | offset` with the id of the partition (or of a group's share of it), so
// that an event is a row of a plain B-tree with an integer key, appended at the end of its
// partition's range.
#pragma once

#include "adapters/sqlite/sqlite_connection.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace stoa {

inline constexpr int offset_bits = 40;
inline constexpr std::int64_t position_of(std::int64_t id, std::int64_t offset) {
    return (id << offset_bits) | offset;
}
inline constexpr std::int64_t offset_in(std::int64_t position) {
    return position & ((std::int64_t{1} << offset_bits) - 1);
}

struct log_topic;

struct log_partition {
    std::int64_t id = 0;
    int number = 0;
    log_topic* topic = nullptr;
    std::int64_t next = 0;               // writer's thread: with what the running batch appended
    std::atomic<std::int64_t> end{0};    // durable
    std::int64_t first_next = 0;         // writer's thread: with what the running batch trimmed
    std::atomic<std::int64_t> first{0};  // durable
};

// Woken, from any thread, when a topic has durable events that were not there when it began to
// wait.
class log_waiter {
 public:
    virtual ~log_waiter() = default;
    virtual void wake() = 0;
};

struct log_topic {
    std::string name;
    hours keep{0};
    log_topic* dead_letters = nullptr;  // absent for a dead-letter topic itself
    std::vector<std::unique_ptr<log_partition>> partitions;
    std::vector<log_waiter*> waiting;  // under log_state's mutex
    bool touched = false;              // writer's thread
};

// One group's share of one partition.
struct log_consumer {
    std::int64_t id = 0;
    std::string group;
    log_partition* partition = nullptr;
    std::int64_t stored = 0;                 // writer's thread: 1 once the row exists
    std::int64_t next = 0;                   // writer's thread: with the running batch
    std::atomic<std::int64_t> committed{0};  // durable: everything below is done
};

// Thread rule: topics are fixed once opened and may be looked up from any thread; members marked so
// belong to the writer's thread.
class log_state {
 public:
    // Declares topics (each with its `.dlq`), makes what is missing, reads offsets. `conflict` with
    // code topic_changed where a topic stands with another number of partitions.
    result<void> open(sqlite_connection& db, const std::vector<topic_spec>& topics);

    log_topic* find(std::string_view topic);
    log_partition* find(std::string_view topic, int partition);
    log_consumer& consumer(const std::string& group, log_partition& of);
    std::vector<log_consumer*> consumers();
    std::vector<log_topic*> topics();

    // Writer's thread. What a job changed is forgotten back to a mark, or made known after the
    // commit.
    std::size_t mark() const { return changed_.size(); }
    void undo_to(std::size_t mark);
    void committed();

    void publish(sqlite_connection& db, const event& what, timestamp accepted_at);
    std::int64_t append(sqlite_connection& db, log_partition& to, const event& what,
                        timestamp accepted_at);
    bool receive(sqlite_connection& db, const delivery& what);
    void withdraw(sqlite_connection& db,
                  const delivery& what);  // in the transaction that received it
    void done(sqlite_connection& db, log_consumer& who, std::int64_t next_offset);
    void store(sqlite_connection& db, log_consumer& who);
    void trimmed(log_partition& of, std::int64_t first);
    void change(std::int64_t& what, std::int64_t to);
    void set_clock_micros(std::int64_t now) { accepted_at_ = {now}; }
    timestamp accepted_at() const { return accepted_at_; }

    std::int64_t parked_keys = 0;  // writer's thread
    std::atomic<std::int64_t> parked_keys_committed{0};

    // A waiter is woken once: it is off the lists afterwards.
    void wait(log_waiter& who, const std::vector<log_topic*>& for_topics);
    void forget(log_waiter& who);

 private:
    struct undo {
        std::int64_t* what;
        std::int64_t was;
    };
    void declare(sqlite_connection& db, const std::string& name, int partitions, hours keep);
    void load_consumers(sqlite_connection& db);
    void add_partition(log_topic& to, std::int64_t id, int number, std::int64_t first,
                       std::int64_t next);
    void wake(log_topic& topic);

    std::map<std::string, std::unique_ptr<log_topic>, std::less<>> topics_;
    std::map<std::int64_t, log_partition*> by_id_;

    mutable std::mutex mutex_;  // groups_, next_consumer_id_, waiting
    std::map<std::string, std::map<std::int64_t, std::unique_ptr<log_consumer>>, std::less<>>
        groups_;
    std::int64_t next_consumer_id_ = 1;

    std::vector<undo> changed_;
    std::vector<log_partition*> appended_;
    std::vector<log_consumer*> advanced_;
    std::vector<log_partition*> trimmed_;
    bool any_redriven_ = false;
    timestamp accepted_at_;
};

}  // namespace stoa
