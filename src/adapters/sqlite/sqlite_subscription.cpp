#include "adapters/sqlite/sqlite_subscription.hpp"

#include "adapters/sqlite/sqlite_event_log.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace stoa {

// Where next() waits: a timer that never ends, for its cancellation. Shared with the posted
// wake-up, which may come after the subscription is gone.
struct sqlite_subscription::sleeper {
    using steady = std::chrono::steady_clock;
    explicit sleeper(loop::executor_type on) : never(on) {}
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type> never;
};

sqlite_subscription::sqlite_subscription(sqlite_event_log& log, std::string group,
                                         std::vector<log_consumer*> mine)
    : log_(log), group_(std::move(group)) {
    for (auto* each : mine) {
        shares_.push_back({each});
        if (std::ranges::find(topics_, each->partition->topic) == topics_.end())
            topics_.push_back(each->partition->topic);
    }
}

sqlite_subscription::~sqlite_subscription() { log_.state_.forget(*this); }

// On the writer's thread, under the log's lock: the loop stands as long as this subscription does.
void sqlite_subscription::wake() {
    asio::post(sleeper_->never.get_executor(), [s = sleeper_] { s->never.cancel(); });
}

bool sqlite_subscription::something() const {
    return std::ranges::any_of(shares_, [](const share& s) {
        return !s.handed_out && s.who->partition->end.load(std::memory_order_acquire) >
                                    s.who->committed.load(std::memory_order_acquire);
    });
}

// An empty batch: nothing is there.
result<delivery_batch> sqlite_subscription::take(int max) {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
        auto& each = shares_[(turn_ + i) % shares_.size()];
        if (each.handed_out) continue;
        const auto& of = *each.who->partition;
        const auto from = each.who->committed.load(std::memory_order_acquire);
        STOA_TRY(auto events,
                 log_.read_now(of, group_, from, of.end.load(std::memory_order_acquire), max));
        if (events.empty()) continue;
        each.handed_out = true;
        turn_ = (turn_ + i + 1) % shares_.size();
        return delivery_batch{of.topic->name, of.number, std::move(events)};
    }
    return delivery_batch{};
}

task<result<delivery_batch>> sqlite_subscription::next(int max) {
    const auto here = co_await asio::this_coro::executor;
    if (!sleeper_) sleeper_ = std::make_shared<sleeper>(here);
    for (;;) {
        auto batch = take(std::max(1, max));
        if (!batch || !batch->events.empty()) co_return batch;
        sleeper_->never.expires_at(sleeper::steady::time_point::max());
        log_.state_.wait(*this, topics_);
        if (something()) continue;  // it came between the two looks
        boost::system::error_code woken;
        co_await sleeper_->never.async_wait(asio::redirect_error(use_task, woken));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
}

task<result<void>> sqlite_subscription::done(std::string topic, int partition,
                                             std::int64_t next_offset) {
    const auto mine = std::ranges::find_if(shares_, [&](const share& s) {
        return s.who->partition->topic->name == topic && s.who->partition->number == partition;
    });
    if (mine == shares_.end())
        co_return fail(
            errc::invalid, "not_subscribed",
            "partition " + std::to_string(partition) + " of " + topic + " is not of this consumer");
    auto* who = mine->who;
    auto work = [who, next_offset](transaction& t) -> result<void> {
        auto& own = static_cast<sqlite_transaction&>(t);
        own.log().done(own.db, *who, next_offset);
        return {};
    };
    auto kept = co_await log_.database_.commit(std::move(work));
    // Where it was not kept the same events come again, and the receipts tell.
    mine->handed_out = false;
    co_return kept;
}

}  // namespace stoa
