// Whether a service of AWS is away: while it is, callers are told at once instead of each waiting
// for as long as the first did.
#pragma once

#include "ports/clock.hpp"

#include <atomic>

namespace stoa::aws {

// Away: a few calls one after another reached nobody or were never answered, for a while. Then a
// call is let through now and then, whatever became of the one before, and the first that is
// answered ends the outage. Thread rule: any thread.
class outage {
 public:
    explicit outage(clock& time) : time_(time) {}

    void answered() {
        last_answer_.store(time_.ticks().nanos, std::memory_order_relaxed);
        if (failures_.load(std::memory_order_relaxed) > 0)
            failures_.store(0, std::memory_order_relaxed);
    }
    // A call that began before the last answer tells nothing new.
    void failed(instant began) {
        if (began.nanos < last_answer_.load(std::memory_order_relaxed)) return;
        const auto now = time_.ticks().nanos;
        if (failures_.fetch_add(1, std::memory_order_relaxed) == 0)
            since_.store(now, std::memory_order_relaxed);
    }
    bool lets_through() {
        if (failures_.load(std::memory_order_relaxed) < enough) return true;
        const auto now = time_.ticks();
        if (now - instant{since_.load(std::memory_order_relaxed)} < patience) return true;
        auto next = next_try_.load(std::memory_order_relaxed);
        return now.nanos >= next &&
               next_try_.compare_exchange_strong(next, (now + between_tries).nanos,
                                                 std::memory_order_relaxed);
    }

 private:
    static constexpr int enough = 3;
    static constexpr milliseconds patience{1'000}, between_tries{250};

    clock& time_;
    std::atomic<int> failures_{0};                                       // since the last answer
    std::atomic<std::int64_t> since_{0}, next_try_{0}, last_answer_{0};  // ticks
};

}  // namespace stoa::aws
