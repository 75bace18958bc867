// A log of its own beside a store with an outbox: reading it first brings everything that lies in
// the outbox.
#pragma once

#include "adapters/outbox/relay.hpp"

namespace stoa::testing {

class relayed_log final : public event_log {
 public:
    relayed_log(event_log& real, relay& bringer) : real_(real), bringer_(bringer) {}
    task<result<void>> append(std::vector<event> events) override {
        return real_.append(std::move(events));
    }
    result<std::unique_ptr<subscription>> subscribe(std::string group,
                                                    std::vector<std::string> topics,
                                                    lane share) override {
        return real_.subscribe(std::move(group), std::move(topics), share);
    }
    task<result<std::vector<delivery>>> read(std::string topic, int partition, std::int64_t from,
                                             int max) override {
        for (int shard = 0; shard < outbox_shards; ++shard)
            STOA_CO_TRY_VOID(co_await bringer_.work_on(shard));
        co_return co_await real_.read(std::move(topic), partition, from, max);
    }
    task<result<std::vector<topic_position>>> positions(std::string topic) override {
        return real_.positions(std::move(topic));
    }
    task<result<std::vector<group_lag>>> lags() override { return real_.lags(); }
    task<result<void>> park(delivery what, error cause, int attempts) override {
        return real_.park(std::move(what), std::move(cause), attempts);
    }
    task<result<bool>> is_parked(std::string group, std::string topic, std::string key) override {
        return real_.is_parked(std::move(group), std::move(topic), std::move(key));
    }

 private:
    event_log& real_;
    relay& bringer_;
};

}  // namespace stoa::testing
