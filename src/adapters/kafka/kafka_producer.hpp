// One idempotent producer a process: acks=all, in order within a partition through retries, and
// without gaps: where a record cannot be delivered, those behind it fail too.
#pragma once

#include "adapters/kafka/kafka_record.hpp"
#include "runtime/task.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>

namespace stoa {

// Thread rule: send() from any loop, completions come back on it. A thread of its own hears the
// brokers' answers; the destructor fails what is under way.
class kafka_producer {
 public:
    kafka_producer(const kafka_options& options, kafka_troubles& troubles);
    ~kafka_producer();
    kafka_producer(const kafka_producer&) = delete;
    kafka_producer& operator=(const kafka_producer&) = delete;

    result<void> open();

    // Topics that exist and will be written to: librdkafka finds out about a topic's partitions
    // when it is first heard of, which takes the first event a second.
    void know(std::vector<std::string> topics);

    // Returns with the records' offsets once all were acknowledged. Errors: too_large (nothing was
    // sent); `unavailable` and `timeout`: some may be there, and sending all again keeps their
    // order. Not cancelled by the caller.
    task<result<std::vector<std::int64_t>>> send(std::vector<kafka_record> records);

 private:
    struct batch;
    struct slot {
        batch* of;
        std::size_t index;
    };
    result<kafka_handle> make();
    void begin(std::shared_ptr<batch> one);
    void delivered(const rd_kafka_message_t& message);
    void poll();
    void hear_of_topics();  // under the lock
    bool too_old();
    void replace(const char* why);

    const kafka_options& options_;
    kafka_troubles& troubles_;
    kafka_callbacks callbacks_;
    std::atomic<int> in_flight_{0};
    // Senders hold it, so that the handle is not replaced under them.
    std::mutex mutex_;
    kafka_handle handle_;
    std::vector<std::string> topics_;
    std::vector<topic_handle> known_;  // of handle_, and gone before it
    // Batches by when they began.
    std::deque<std::pair<std::chrono::steady_clock::time_point, std::weak_ptr<batch>>> under_way_;
    std::atomic<bool> stopping_{false};
    std::jthread thread_;
};

}  // namespace stoa
