// One member of a consumer group: the process's only one. It owns librdkafka's consumer and the
// thread that polls it; the lanes of the process (kafka_subscription) take from it by partition.
//
// A partition's events wait here in order until its lane asks; with too many the partition is
// paused at the broker's side. One batch of a partition is in work at a time. `done` moves the
// group's offset in memory, which is committed at most a second later, before a partition is given
// up in order, and at the end. A partition that was taken away without order (the session had
// ended) is dropped and nothing of it committed: its next owner begins at the last commit, and the
// receipts tell what had been applied.
#pragma once

#include "adapters/kafka/kafka_record.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <thread>

namespace stoa {

// A lane's bell. Thread rule: rung from the hub's thread, under the hub's lock.
class kafka_bell {
 public:
    virtual ~kafka_bell() = default;
    virtual void ring() = 0;
};

// What a lane got: events of one partition, or a single record that is no event.
struct kafka_taken {
    std::string topic;
    int partition = 0;
    std::vector<delivery> events;
    std::optional<kafka_arrival> ill_formed;

    bool empty() const { return events.empty() && !ill_formed; }
};

// Thread rule: everything but construction from any thread. The destructor commits and leaves the
// group, which takes a few seconds at most.
class kafka_hub {
 public:
    // `may_begin` blocks until the brokers were seen and the topics are right, or the second is
    // asked to stop: it returns false then.
    kafka_hub(const kafka_options& options, kafka_troubles& troubles, std::string group,
              std::vector<std::string> topics, std::function<bool()> may_begin,
              std::function<void()> stop_waiting);
    ~kafka_hub();
    kafka_hub(const kafka_hub&) = delete;
    kafka_hub& operator=(const kafka_hub&) = delete;

    const std::string& group() const { return group_; }
    const std::vector<std::string>& topics() const { return topics_; }

    void add(kafka_bell& lane);
    void remove(kafka_bell& lane);
    kafka_taken take(lane share, int max);
    // Errors: offset_past_end. Of a partition that is not this process's any more: nothing to do.
    result<void> done(const std::string& topic, int partition, std::int64_t next_offset);

    // Moves with every assignment: what was remembered of partitions may be out of date.
    std::int64_t assignments() const { return assignments_.load(std::memory_order_acquire); }
    struct progress {
        std::string topic;
        int partition;
        std::int64_t next;  // -1: as the brokers know it
        bool leaving;       // given up when its batch in work is done
    };
    std::vector<progress> owned() const;

 private:
    struct share {
        std::deque<kafka_arrival> waiting;
        std::size_t waiting_bytes = 0;
        bool handed_out = false, leaving = false, paused = false;
        std::int64_t handed_end = -1;  // behind the batch in work
        std::int64_t fetched = -1;     // behind the last event that came in
        std::int64_t next = -1;        // done
        std::int64_t committed = -1;
        std::optional<std::int64_t> rewind_to;
    };
    using place = std::pair<std::string, int>;

    void run();
    result<kafka_handle> join();
    void poll_until_broken();
    void accept(std::vector<kafka_message> messages);
    void pause_and_resume();
    void rewind();
    void commit(bool wait, const std::vector<place>* only);
    void rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* which);
    void assigned(rd_kafka_topic_partition_list_t* which);
    void revoked(rd_kafka_topic_partition_list_t* which, bool lost);
    void committed(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t* which);
    void leave();
    bool stopping() const { return stopping_.load(std::memory_order_acquire); }
    place place_of(const rd_kafka_topic_partition_t& of) const;

    const kafka_options& options_;
    kafka_callbacks callbacks_;
    const std::string group_;
    const std::vector<std::string> topics_;
    std::function<bool()> may_begin_;
    std::function<void()> stop_waiting_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::int64_t> assignments_{0};

    mutable std::mutex mutex_;
    std::condition_variable settled_;  // a batch was done, or stopping
    std::map<place, share> shares_;
    std::vector<kafka_bell*> bells_;
    std::size_t turn_ = 0;

    // The hub's thread only.
    kafka_handle handle_;
    std::vector<kafka_message> polled_;  // and not yet accepted
    std::chrono::steady_clock::time_point last_commit_;
    std::jthread thread_;
};

}  // namespace stoa
