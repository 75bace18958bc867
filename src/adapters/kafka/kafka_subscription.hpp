// One lane's part of what its process's group member gets.
#pragma once

#include "adapters/kafka/kafka_hub.hpp"

namespace stoa {

class kafka_event_log;

// Thread rule: next() and done() on one loop; ring() from the hub's thread.
class kafka_subscription final : public subscription, private kafka_bell {
 public:
    kafka_subscription(kafka_event_log& log, std::shared_ptr<kafka_hub> hub, lane share);
    ~kafka_subscription() override;

    // Records that are no events go to the dead letters here, before what stands behind them.
    task<result<delivery_batch>> next(int max) override;
    task<result<void>> done(std::string topic, int partition, std::int64_t next_offset) override;

 private:
    struct sleeper;
    void ring() override;

    kafka_event_log& log_;
    std::shared_ptr<kafka_hub> hub_;
    lane share_;
    std::shared_ptr<sleeper> sleeper_;
    std::optional<kafka_arrival> unburied_;  // taken, and its parking has failed
};

}  // namespace stoa
