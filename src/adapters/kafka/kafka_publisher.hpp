// Appending to a cluster's topics. Whoever follows none of them needs no more: a function in AWS
// Lambda, which has no store for dead letters either.
#pragma once

#include "adapters/kafka/kafka_cluster.hpp"
#include "adapters/kafka/kafka_contact.hpp"
#include "adapters/kafka/kafka_producer.hpp"
#include "ports/event_publisher.hpp"

namespace stoa {

// Thread rule: opened and destroyed by one thread, after the loops' coroutines that append; append
// from any loop.
class kafka_publisher final : public event_publisher {
 public:
    explicit kafka_publisher(kafka_options options);

    // Fails for settings that cannot be right, and for what somebody has to mend (credentials,
    // certificates, an advertised listener that does not answer, topics that are missing or too
    // small). Where no broker answers within `first_contact` it is open, ready() says why it is
    // not, and appends are `unavailable` until one does. Once.
    result<void> open();
    result<void> ready() const { return contact_.state(); }

    task<result<void>> append(std::vector<event> events) override;

    // Of an event log that stands on it.
    const kafka_options& options() const { return options_; }
    kafka_cluster& cluster() { return cluster_; }
    kafka_producer& producer() { return producer_; }
    kafka_contact& contact() { return contact_; }
    result<int> partitions_of(const std::string& topic) const;

 private:
    const kafka_options options_;
    kafka_cluster cluster_;
    kafka_producer producer_;
    kafka_contact contact_;
};

// Of a topic that the options do not name, and of a partition that it has not.
error unknown_kafka_topic(const std::string& topic);

}  // namespace stoa
