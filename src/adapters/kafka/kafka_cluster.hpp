// Questions to the brokers that belong to no group: what topics there are, where they begin and
// end, one partition from an offset; and making topics.
#pragma once

#include "adapters/kafka/kafka_record.hpp"

#include <map>

namespace stoa {

// A topic of the shop as it should be and, once the brokers were heard, as it is.
struct kafka_topic {
    std::string name;  // ours
    int wanted = 0;
    hours keep{0};
    bool dead_letters = false;
    int partitions = 0;
};

// Thread rule: open() first; everything else blocks (at most kafka_options::ask_within a question)
// and may be called from any thread, but read() from one at a time.
class kafka_cluster {
 public:
    explicit kafka_cluster(const kafka_options& options);
    kafka_cluster(const kafka_cluster&) = delete;
    kafka_cluster& operator=(const kafka_cluster&) = delete;

    result<void> open();

    // One look: are the brokers there, do they let us in, do they answer where they say they are,
    // have all topics of the options enough partitions. Codes: kafka_unreachable (waiting may
    // help); kafka_authentication, kafka_certificate, kafka_advertised_listener, topic_missing,
    // topic_partitions (somebody has to do something).
    result<void> look(milliseconds within);

    // Makes the topics that are missing, each with its dead letters; the names of those made.
    // `conflict`, code topic_partitions where one stands with fewer partitions than it should have.
    result<std::vector<std::string>> make_topics();

    // The topics as last seen. Nothing before the first look() that heard of it.
    std::optional<int> partitions(std::string_view topic) const;
    bool declared(std::string_view topic) const { return topics_.contains(topic); }
    std::string broker_name(std::string_view topic) const {
        return options_.prefix + std::string(topic);
    }

    std::vector<std::string> broker_names() const;  // of all, dead letters too

    result<topic_position> position(const std::string& topic, int partition);
    result<std::vector<delivery>> read(const std::string& topic, int partition, std::int64_t from,
                                       int max);
    // What a group has committed; partitions without a commit are absent.
    result<std::map<std::pair<std::string, int>, std::int64_t>> committed(
        const std::string& group, const std::vector<std::string>& topics);

    kafka_troubles& troubles() { return troubles_; }

 private:
    struct seen_topic {
        int partitions = 0;
    };
    result<std::map<std::string, seen_topic>> ask_metadata(milliseconds within,
                                                           std::vector<host_port>* brokers);
    result<void> compare(const std::map<std::string, seen_topic>& seen);
    result<void> create(const std::vector<const kafka_topic*>& missing);
    error unheard() const;

    const kafka_options& options_;
    kafka_troubles troubles_;
    kafka_callbacks callbacks_;
    kafka_handle handle_;
    mutable std::mutex mutex_;  // of kafka_topic::partitions
    std::map<std::string, kafka_topic, std::less<>> topics_;
};

// Whether somebody takes a connection there. Blocks at most so long (and for the name's look-up).
bool takes_connections(const host_port& where, milliseconds within);

}  // namespace stoa
