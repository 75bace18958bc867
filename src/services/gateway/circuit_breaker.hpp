// Stops asking a part that keeps failing, so that its callers fail at once instead of waiting
// (R257).
#pragma once

#include "ports/clock.hpp"

#include <deque>
#include <type_traits>

namespace stoa::gateway {

struct breaker_settings {
    int failures = 5;  // this many within the window open it
    milliseconds window{10'000};
    milliseconds open_for{2'000};  // then one call at a time probes
};

// Thread rule: one loop's. closed -> open after `failures` in a window; open -> half open when its
// time is over; half open -> closed by a probe that succeeds, open again by one that fails.
class circuit_breaker {
 public:
    enum class state : std::uint8_t { closed, open, half_open };

    circuit_breaker(clock& time, breaker_settings settings) : time_(time), settings_(settings) {}

    // A call that was let through. Without a verdict (its task was cancelled) it counts as neither,
    // and a probe's place is free again.
    class pass {
     public:
        explicit pass(circuit_breaker& of, bool probe) : of_(&of), probe_(probe) {}
        pass(pass&& from) noexcept : of_(std::exchange(from.of_, nullptr)), probe_(from.probe_) {}
        pass(const pass&) = delete;
        pass& operator=(const pass&) = delete;
        ~pass() {
            if (of_ && probe_) of_->probing_ = false;
        }
        void succeeded() { std::exchange(of_, nullptr)->record(probe_, true); }
        void failed() { std::exchange(of_, nullptr)->record(probe_, false); }

     private:
        circuit_breaker* of_;
        bool probe_;
    };
    // Nothing: do not call.
    std::optional<pass> admit();
    state now() const;

 private:
    void record(bool probe, bool success);

    clock& time_;
    breaker_settings settings_;
    std::deque<instant> failures_;  // within the window, oldest first; at most `failures`
    std::optional<instant> opened_;
    bool probing_ = false;
};

// The part did not work, as opposed to: it said no.
inline bool broken(errc kind) {
    return kind == errc::unavailable || kind == errc::timeout || kind == errc::internal ||
           kind == errc::storage_full;
}

// `call` returns a task<result<T>>; it is not called while the breaker is open.
template <class Call>
std::invoke_result_t<Call&> guarded(circuit_breaker& by, Call call) {
    auto pass = by.admit();
    if (!pass)
        co_return fail(errc::unavailable, "circuit_open", "this part has failed too often lately");
    auto answer = co_await call();
    if (!answer && broken(answer.error().kind)) pass->failed();
    else pass->succeeded();
    co_return answer;
}

}  // namespace stoa::gateway
