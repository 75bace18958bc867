#include "runtime/blocking_pool.hpp"

#include <pthread.h>

namespace stoa {

blocking_pool::blocking_pool(std::string name, int threads, std::size_t queue_limit)
    : name_(std::move(name)), queue_limit_(queue_limit) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

blocking_pool::~blocking_pool() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    some_.notify_all();
}

bool blocking_pool::post(std::move_only_function<void()> job) {
    {
        const std::scoped_lock lock(mutex_);
        if (queue_.size() >= queue_limit_) return false;
        queue_.push_back(std::move(job));
    }
    some_.notify_one();
    return true;
}

std::size_t blocking_pool::queued() const {
    const std::scoped_lock lock(mutex_);
    return queue_.size();
}

void blocking_pool::work() {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    for (;;) {
        std::move_only_function<void()> job;
        {
            std::unique_lock lock(mutex_);
            some_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            job = std::move(queue_.front());
            queue_.pop_front();
        }
        job();
    }
}

}  // namespace stoa
