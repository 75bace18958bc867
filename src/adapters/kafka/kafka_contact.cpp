#include "adapters/kafka/kafka_contact.hpp"

#include "runtime/log.hpp"

namespace stoa {
namespace {

constexpr milliseconds between_looks{1'000};

}  // namespace

kafka_contact::~kafka_contact() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
}

result<void> kafka_contact::start(milliseconds within) {
    thread_ = std::jthread([this] { run(); });
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, within, [this] { return seen_; });
    return state_;
}

result<void> kafka_contact::state() const {
    const std::scoped_lock lock(mutex_);
    return state_;
}

bool kafka_contact::wait(const std::atomic<bool>& given_up) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return state_.has_value() || stopping_ || given_up; });
    return state_.has_value();
}

void kafka_contact::wake() {
    // The lock: a waiter is either before its look or asleep.
    const std::scoped_lock lock(mutex_);
    changed_.notify_all();
}

void kafka_contact::run() {
    std::string told_before;
    for (;;) {
        auto now = look_();
        if (!now && now.error().code != told_before) {
            told_before = now.error().code;
            log_warning("kafka_not_ready",
                        {{"code", now.error().code}, {"detail", now.error().detail}});
        }
        const bool well = now.has_value();
        std::unique_lock lock(mutex_);
        state_ = std::move(now);
        seen_ = true;
        changed_.notify_all();
        if (well) {
            lock.unlock();
            if (!told_before.empty()) log_info("kafka_ready");
            return;
        }
        if (changed_.wait_for(lock, between_looks, [this] { return stopping_; })) return;
    }
}

}  // namespace stoa
