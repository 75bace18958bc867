#include "transport/events/follower.hpp"

#include "runtime/log.hpp"

#include <map>

namespace stoa {
namespace {

constexpr int most_at_once = 500;

class follower {
 public:
    follower(std::string topic, event_log& log, follower_calls calls)
        : topic_(std::move(topic)), log_(log), calls_(std::move(calls)) {}

    // An error: where it stands is not known any more.
    task<result<void>> look() {
        STOA_CO_TRY(const auto now, co_await log_.positions(topic_));
        if (!stands_) {
            // First where the log ends, then all that stands: what comes in between is seen twice.
            for (const auto& each : now) next_[each.partition] = each.end;
            STOA_CO_TRY_VOID(co_await calls_.missed());
            stands_ = true;
            co_return result<void>{};
        }
        for (const auto& each : now) {
            auto& next = next_[each.partition];
            if (next < each.first || next > each.end)
                co_return fail(errc::unavailable, "events_missed");
            while (next < each.end) {
                STOA_CO_TRY(const auto batch,
                            co_await log_.read(topic_, each.partition, next, most_at_once));
                // What a broker keeps for itself has offsets, too.
                if (batch.empty()) {
                    next = each.end;
                    break;
                }
                for (const auto& one : batch) {
                    STOA_CO_TRY_VOID(co_await calls_.seen(one.message.key));
                    next = one.offset + 1;
                }
            }
        }
        co_return result<void>{};
    }
    void lose_place() { stands_ = false; }

 private:
    std::string topic_;
    event_log& log_;
    follower_calls calls_;
    bool stands_ = false;
    std::map<int, std::int64_t> next_;  // by partition
};

task<> follow(std::string topic, event_log& log, clock& time, follower_calls calls,
              milliseconds interval) {
    follower state(topic, log, std::move(calls));
    for (;;) {
        if (const auto looked = co_await state.look(); !looked) {
            log_warning("topic_not_followed", {{"topic", topic},
                                               {"code", looked.error().code},
                                               {"detail", looked.error().detail}});
            state.lose_place();
            co_await time.sleep(seconds(1));
        }
        co_await time.sleep(interval);
    }
}

}  // namespace

void start_follower(std::string topic, event_log& log, clock& time, supervisor& on,
                    follower_calls calls, milliseconds interval) {
    on.spawn("follow " + topic, [topic, &log, &time, calls = std::move(calls), interval] {
        return follow(topic, log, time, calls, interval);
    });
}

}  // namespace stoa
