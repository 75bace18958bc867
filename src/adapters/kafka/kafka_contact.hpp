// Whether Kafka was seen: a process begins without it and goes on when it is there.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace stoa {

// Until the brokers were seen, and what was wrong then. Thread rule: any thread.
class kafka_contact {
 public:
    using look = std::function<result<void>()>;
    explicit kafka_contact(look how) : look_(std::move(how)) {}
    ~kafka_contact();

    // Looks, once a second, until all is well. Returns with the first outcome, or after `within`.
    result<void> start(milliseconds within);
    result<void> state() const;
    // Blocks until all is well (true) or `given_up` is set and wake() called.
    bool wait(const std::atomic<bool>& given_up);
    void wake();

 private:
    void run();

    look look_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    result<void> state_ =
        fail(errc::unavailable, "kafka_unreachable", "no broker has answered yet");
    bool seen_ = false, stopping_ = false;
    std::jthread thread_;
};

}  // namespace stoa
