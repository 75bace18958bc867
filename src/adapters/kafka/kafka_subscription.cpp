#include "adapters/kafka/kafka_subscription.hpp"

#include "adapters/kafka/kafka_event_log.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace stoa {

// Where next() waits: a timer that never ends, for its cancellation. Shared with the posted ring,
// which may come after the subscription is gone.
struct kafka_subscription::sleeper {
    using steady = std::chrono::steady_clock;
    explicit sleeper(loop::executor_type on) : never(on) {}
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type> never;
    std::atomic<bool> rung{false};
};

kafka_subscription::kafka_subscription(kafka_event_log& log, std::shared_ptr<kafka_hub> hub,
                                       lane share)
    : log_(log), hub_(std::move(hub)), share_(share) {}

kafka_subscription::~kafka_subscription() { hub_->remove(*this); }

// Under the hub's lock: the loop stands as long as this subscription does. One post wakes for all
// rings before it runs.
void kafka_subscription::ring() {
    if (sleeper_->rung.exchange(true)) return;
    asio::post(sleeper_->never.get_executor(), [s = sleeper_] { s->never.cancel(); });
}

task<result<delivery_batch>> kafka_subscription::next(int max) {
    const auto here = co_await asio::this_coro::executor;
    if (!sleeper_) {
        sleeper_ = std::make_shared<sleeper>(here);
        hub_->add(*this);
    }
    for (;;) {
        sleeper_->rung = false;
        const auto assignments = hub_->assignments();
        if (assignments > 0)
            STOA_CO_TRY_VOID(co_await log_.parking_.know(hub_->group(), assignments));
        kafka_taken taken;
        if (unburied_) taken.ill_formed = std::exchange(unburied_, {});
        // An assignment since then is known before its events are handed out.
        else if (hub_->assignments() == assignments) taken = hub_->take(share_, std::max(1, max));
        else continue;
        if (taken.ill_formed) {
            const auto& one = *taken.ill_formed;
            auto buried = co_await log_.park_ill_formed(one.what, *one.as_it_came, one.wrong);
            if (!buried) {
                unburied_ = std::move(taken.ill_formed);
                co_return std::unexpected(std::move(buried).error());
            }
            STOA_CO_TRY_VOID(
                hub_->done(one.what.message.topic, one.what.partition, one.what.offset + 1));
            continue;
        }
        if (!taken.events.empty())
            co_return delivery_batch{std::move(taken.topic), taken.partition,
                                     std::move(taken.events)};
        sleeper_->never.expires_at(sleeper::steady::time_point::max());
        if (sleeper_->rung) continue;  // it came between the two looks
        boost::system::error_code woken;
        co_await sleeper_->never.async_wait(asio::redirect_error(use_task, woken));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
}

task<result<void>> kafka_subscription::done(std::string topic, int partition,
                                            std::int64_t next_offset) {
    const bool mine = std::ranges::find(hub_->topics(), topic) != hub_->topics().end() &&
                      partition % share_.of == share_.index;
    if (!mine)
        co_return fail(
            errc::invalid, "not_subscribed",
            "partition " + std::to_string(partition) + " of " + topic + " is not of this consumer");
    co_return hub_->done(topic, partition, next_offset);
}

}  // namespace stoa
