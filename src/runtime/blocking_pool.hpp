// Threads for calls that block: hashing, files, name look-ups. Bounded: a full queue is the
// caller's 503.
#pragma once

#include "runtime/task.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stoa {

// Thread rule: post() from any thread. The destructor runs what has queued, then joins; declare a
// pool after the loops whose coroutines wait on it.
class blocking_pool {
 public:
    blocking_pool(std::string name, int threads, std::size_t queue_limit);
    ~blocking_pool();
    blocking_pool(const blocking_pool&) = delete;
    blocking_pool& operator=(const blocking_pool&) = delete;

    bool post(std::move_only_function<void()> job);  // false: full
    std::size_t queued() const;
    const std::string& name() const { return name_; }

 private:
    void work();

    std::string name_;
    std::size_t queue_limit_;
    mutable std::mutex mutex_;
    std::condition_variable some_;
    std::deque<std::move_only_function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;  // last: they use all of the above
};

// co_await offload(pool, callable): runs it on the pool and resumes here. The callable owns its
// captures and returns a result<T>; a full pool answers `unavailable`. The work is not cancelled
// when its waiter is.
template <class Work>
task<std::invoke_result_t<Work&>> offload(blocking_pool& pool, Work work) {
    using outcome = std::invoke_result_t<Work&>;
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void(outcome)>(
        [&pool](auto handler, Work w) {
            auto where = asio::get_associated_executor(handler);
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            const auto answer = [shared, where](outcome o) {
                asio::post(where,
                           [shared, o = std::move(o)]() mutable { (*shared)(std::move(o)); });
            };
            auto job = [w = std::move(w), answer, busy = asio::make_work_guard(where)]() mutable {
                answer(w());
            };
            if (!pool.post(std::move(job)))
                answer(
                    std::unexpected(error{.kind = errc::unavailable,
                                          .code = "overloaded",
                                          .detail = "too much work is waiting for " + pool.name(),
                                          .retry_after_s = 1}));
        },
        use_task, std::move(work));
}

}  // namespace stoa
