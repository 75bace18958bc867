// A whole log, to read from its first record to its last and to make anew at the same offsets: for
// audits, backups and moves. It is in no group and blocks.
#pragma once

#include "adapters/kafka/kafka_cluster.hpp"

#include <functional>

namespace stoa {

// An event as it is kept. Where `wrong` is not empty the record is no event by its headers, and
// `what` has as much as could be read.
struct kafka_kept {
    delivery what;
    timestamp accepted_at;  // the record's own time
    std::string wrong;
};

// Thread rule: one thread at a time.
class kafka_copy {
 public:
    // Looks at the cluster: kafka_cluster::look()'s errors.
    static result<std::unique_ptr<kafka_copy>> open(kafka_options options);
    ~kafka_copy();
    kafka_copy(const kafka_copy&) = delete;
    kafka_copy& operator=(const kafka_copy&) = delete;

    // For places and groups.
    kafka_cluster& cluster() { return cluster_; }

    // The partition's records from `from` (or the first that is kept) to below `until`, in order.
    // An error of the sink ends it.
    result<void> walk(const std::string& topic, int partition, std::int64_t from,
                      std::int64_t until, const std::function<result<void>(kafka_kept)>& sink);

    // Queues an event behind what its partition has; `accepted_at` becomes the record's own time.
    // Errors are told by the next call, too.
    result<void> put(const event& what, int partition, timestamp accepted_at);
    // Everything that was put is acknowledged.
    result<void> settle();
    // Records below `first` go.
    result<void> trim(const std::string& topic, int partition, std::int64_t first);
    // What a group that nobody is in has done.
    result<void> place(const std::string& group,
                       const std::map<std::pair<std::string, int>, std::int64_t>& next);

 private:
    explicit kafka_copy(kafka_options options);
    result<void> open_producer();

    const kafka_options options_;
    kafka_cluster cluster_;
    kafka_callbacks reading_, writing_;
    kafka_handle reader_, producer_;
    std::atomic<rd_kafka_resp_err_t> wrong_{RD_KAFKA_RESP_ERR_NO_ERROR};
};

}  // namespace stoa
