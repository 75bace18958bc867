// The event_log port on Kafka, 3.5 or later. Records carry an event's id, type, version,
// schema_version, occurred_at and traceparent as headers and its payload as value; the partition is
// partition_of(key).
//
// Kafka is another system than the stores: publish by the outbox and its relay, and receive by
// receipts kept longer than the topics (adapters/outbox). An append that fails may have left some
// of its events there; appended again they come again, in order, under the same ids.
#pragma once

#include "adapters/kafka/kafka_hub.hpp"
#include "adapters/kafka/kafka_parking.hpp"
#include "adapters/kafka/kafka_publisher.hpp"
#include "ports/clock.hpp"
#include "ports/dead_letters.hpp"
#include "ports/key_value.hpp"
#include "runtime/blocking_pool.hpp"

namespace stoa {

// Whether the cluster is reached and let in, its addresses answer, and every topic is there: what
// it is in a line, or the first thing to mend. Blocks; for `stoa doctor`.
result<std::string> probe_kafka(const kafka_options& options);
// Makes the topics that are missing, each with its dead letters; the names of those made. Blocks;
// for `stoa migrate`. Never done by serving: a topic that appears by itself has the wrong number of
// partitions.
result<std::vector<std::string>> make_kafka_topics(const kafka_options& options);

// Thread rule: opened and closed by the main thread; the ports from any loop. Declare it after the
// loops and the key_value, before the services; destroy subscriptions before it.
class kafka_event_log final : public event_log, public dead_letter_store {
 public:
    // `items` has parked_table. Fails for settings that cannot be right, and for what somebody has
    // to mend (credentials, certificates, an advertised listener that does not answer, topics that
    // are missing or too small). Where no broker answers it opens, ready() says why it is not, and
    // appends and readers are `unavailable` until one does.
    static result<std::unique_ptr<kafka_event_log>> open(kafka_options options, key_value& items,
                                                         clock& time);
    ~kafka_event_log() override;

    // For readiness: nothing, or what is awaited. At once.
    result<void> ready() const { return publisher_.ready(); }

    task<result<void>> append(std::vector<event> events) override {
        return publisher_.append(std::move(events));
    }
    // Every lane of a process shares one member of the group, so all name the same topics.
    // Subscriptions die before the log and before the loop that waits on them.
    result<std::unique_ptr<subscription>> subscribe(std::string group,
                                                    std::vector<std::string> topics,
                                                    lane share) override;
    // What is no event by its headers comes with as much as could be read.
    task<result<std::vector<delivery>>> read(std::string topic, int partition, std::int64_t from,
                                             int max) override;
    task<result<std::vector<topic_position>>> positions(std::string topic) override;
    // Of the groups that this process is in, over all their partitions.
    task<result<std::vector<group_lag>>> lags() override;
    // For metrics, at once: as lags() last saw it. Older than 5 s, it is asked for again.
    std::vector<group_lag> lags_now();
    // Of a group that this process is in: the partitions that it has, or is about to give up.
    std::vector<kafka_hub::progress> held(const std::string& group);

    task<result<void>> park(delivery what, error cause, int attempts) override;
    task<result<bool>> is_parked(std::string group, std::string topic, std::string key) override;

    task<result<std::vector<parked_key>>> parked_keys(std::string group) override;
    task<result<std::vector<dead_letter>>> dead_letters(std::string group, std::string topic,
                                                        std::string key, int max) override;
    task<result<void>> redriven(delivery what) override;

 private:
    friend class kafka_subscription;
    kafka_event_log(kafka_options options, key_value& items, clock& time);
    result<std::shared_ptr<kafka_hub>> hub_of(const std::string& group,
                                              const std::vector<std::string>& topics);
    task<result<void>> bury(delivery what, kafka_record record, error cause, int attempts);
    task<result<void>> park_ill_formed(delivery what, kafka_record as_it_came, std::string wrong);
    result<std::vector<group_lag>> ask_lags();
    void keep_lags(std::vector<group_lag> now);

    kafka_publisher publisher_;
    const kafka_options& options_;
    kafka_cluster& cluster_;
    clock& time_;
    kafka_parking parking_;

    std::mutex mutex_;  // all below
    std::map<std::string, std::weak_ptr<kafka_hub>, std::less<>> hubs_;
    std::vector<group_lag> last_lags_;
    instant lags_asked_{-1};
    bool lags_asking_ = false;

    blocking_pool questions_{"kafka's questions", 1, 256};  // last: its jobs use all of the above
};

}  // namespace stoa
