// One consumer's share of its topics' partitions.
#pragma once

#include "adapters/sqlite/log_state.hpp"
#include "ports/event_log.hpp"

#include <mutex>

namespace stoa {

class sqlite_event_log;

// Thread rule: next() and done() on one loop; wake() from the writer's thread. No timer runs: a
// commit that publishes to one of its topics posts to the waiting loop.
class sqlite_subscription final : public subscription, private log_waiter {
 public:
    sqlite_subscription(sqlite_event_log& log, std::string group, std::vector<log_consumer*> mine);
    ~sqlite_subscription() override;

    task<result<delivery_batch>> next(int max) override;
    task<result<void>> done(std::string topic, int partition, std::int64_t next_offset) override;

 private:
    struct share {
        log_consumer* who;
        bool handed_out = false;
    };
    struct sleeper;
    result<delivery_batch> take(int max);
    bool something() const;
    void wake() override;

    sqlite_event_log& log_;
    std::string group_;
    std::vector<share> shares_;
    std::vector<log_topic*> topics_;
    std::size_t turn_ = 0;  // partitions take turns
    std::shared_ptr<sleeper> sleeper_;
};

}  // namespace stoa
