// Time and chance under a test's control.
#pragma once

#include "ports/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace stoa::testing {

// Stands still until moved; sleepers wake when it passes their time. Thread rule: any thread.
class manual_clock final : public clock {
 public:
    explicit manual_clock(timestamp start = {1'790'000'000'000'000}) : wall_(start.micros) {}

    timestamp now() override { return {wall_.load()}; }
    instant ticks() override { return {ticks_.load()}; }

    task<> sleep(milliseconds how_long) override {
        const auto here = co_await asio::this_coro::executor;
        auto waiting = std::make_shared<timer>(here, timer::time_point::max());
        {
            const std::scoped_lock lock(mutex_);
            const auto due = ticks_.load() + std::chrono::nanoseconds(how_long).count();
            if (due <= ticks_.load()) co_return;
            sleepers_.emplace(due, waiting);
        }
        boost::system::error_code woken;
        co_await waiting->async_wait(asio::redirect_error(use_task, woken));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }

    // Both clocks go forward; sleepers whose time has come are posted to their loops.
    void advance(std::chrono::nanoseconds by) {
        wall_ += by.count() / 1000;
        ticks_ += by.count();
        const std::scoped_lock lock(mutex_);
        while (!sleepers_.empty() && sleepers_.begin()->first <= ticks_) {
            auto due = std::move(sleepers_.begin()->second);
            sleepers_.erase(sleepers_.begin());
            asio::post(due->get_executor(), [due] { due->cancel(); });
        }
    }
    // The wall clock alone, as when somebody sets it.
    void set_wall(timestamp to) { wall_ = to.micros; }
    std::size_t sleeping() const {
        const std::scoped_lock lock(mutex_);
        return sleepers_.size();
    }

 private:
    using steady = std::chrono::steady_clock;
    using timer =
        asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>;

    std::atomic<std::int64_t> wall_;
    std::atomic<std::int64_t> ticks_{0};
    mutable std::mutex mutex_;
    std::multimap<std::int64_t, std::shared_ptr<timer>> sleepers_;
};

// Repeatable: the same seed gives the same numbers. Thread rule: one thread.
class seeded_random final : public random_source {
 public:
    explicit seeded_random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() override {  // SplitMix64
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    std::int64_t between(std::int64_t lowest, std::int64_t highest) {
        return lowest +
               static_cast<std::int64_t>(below(static_cast<std::uint64_t>(highest - lowest) + 1));
    }

 private:
    std::uint64_t state_;
};

// The seed of a random test: STOA_TEST_SEED, else a new one. Print it with SCOPED_TRACE.
inline std::uint64_t test_seed() {
    if (const char* given = std::getenv("STOA_TEST_SEED")) return std::stoull(given);
    std::random_device entropy;
    return (std::uint64_t{entropy()} << 32) | entropy();
}

}  // namespace stoa::testing
