// librdkafka's handles with an owner, and what went wrong on them in words.
#pragma once

#include "adapters/kafka/kafka_options.hpp"

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace stoa {

template <auto Destroy>
struct destroyed_by {
    template <class T>
    void operator()(T* what) const {
        Destroy(what);
    }
};
// Destroying a consumer by this does not close it: whoever closes it in order does that before.
struct handle_deleter {
    void operator()(rd_kafka_t* what) const {
        rd_kafka_destroy_flags(what, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
};
using kafka_handle = std::unique_ptr<rd_kafka_t, handle_deleter>;
using kafka_queue = std::unique_ptr<rd_kafka_queue_t, destroyed_by<rd_kafka_queue_destroy>>;
using kafka_event = std::unique_ptr<rd_kafka_event_t, destroyed_by<rd_kafka_event_destroy>>;
using topic_handle = std::unique_ptr<rd_kafka_topic_t, destroyed_by<rd_kafka_topic_destroy>>;
using kafka_message = std::unique_ptr<rd_kafka_message_t, destroyed_by<rd_kafka_message_destroy>>;
using kafka_partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                         destroyed_by<rd_kafka_topic_partition_list_destroy>>;

inline kafka_partitions new_partitions(int size) {
    return kafka_partitions(rd_kafka_topic_partition_list_new(size));
}

// The last thing that kept a handle from its brokers. Thread rule: any thread.
class kafka_troubles {
 public:
    enum class about : std::uint8_t { none, network, authentication, certificate };
    explicit kafka_troubles(const kafka_options& options) : options_(options) {}

    void note(rd_kafka_resp_err_t code, const char* reason);
    void note_certificate(std::string broker, std::string reason);
    void clear();
    about kind() const;
    // What it is and which setting mends it. `unavailable`, code kafka_unreachable,
    // kafka_authentication or kafka_certificate; the first also where nothing was noted.
    error told(std::string what_failed) const;
    const kafka_options& options() const { return options_; }

 private:
    const kafka_options& options_;
    mutable std::mutex mutex_;
    about kind_ = about::none;
    std::string reason_;
};

// What a handle calls back with. Outlives the handle.
struct kafka_callbacks {
    kafka_troubles& troubles;
    // Producers: each message as it was delivered or not, on the thread that polls.
    std::function<void(const rd_kafka_message_t&)> delivered{};
    // Consumers: on the thread that polls.
    std::function<void(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*)> rebalance{};
    std::function<void(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*)> committed{};
    // Consumers: from asking to join until the group's new assignment. An offset that is committed
    // in between waits behind the question on the broker's connection, comes with the generation
    // that has passed, and librdkafka takes the refusal for the loss of every partition.
    std::atomic<bool> joining{false};
};

using kafka_properties = std::vector<std::pair<std::string, std::string>>;
// `invalid` where librdkafka refuses a property (a CA file that is no certificate, …).
result<kafka_handle> open_handle(rd_kafka_type_t type, const kafka_properties& properties,
                                 kafka_callbacks& callbacks);

// Whether SCRAM works with brokers since Kafka 4.0: with librdkafka 2.6.1 it does.
bool does_scram_with_kafka_4();

// An answer that says no, as ours: transient kinds where trying again may help.
error told(rd_kafka_resp_err_t code, std::string what_failed);

}  // namespace stoa
