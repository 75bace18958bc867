// One io_context a core, each run by one thread. A connection and all its coroutines stay on the
// loop that accepted it.
#pragma once

#include "runtime/task.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace stoa {

// Thread rule: made and run by the main thread; at() and stop() from any thread.
class loop_set {
 public:
    explicit loop_set(int count);
    ~loop_set();
    loop_set(const loop_set&) = delete;
    loop_set& operator=(const loop_set&) = delete;

    int size() const { return static_cast<int>(loops_.size()); }
    loop& at(int index) { return *loops_[static_cast<std::size_t>(index)]; }

    // The loop that runs on the calling thread, by its index; -1 on every other thread.
    static int here();

    // Runs loop 0 on this thread and the others on threads of their own; returns after stop(), with
    // every thread joined. An exception that leaves a handler ends the process: it is a bug.
    void run();
    void stop();

 private:
    using guard = asio::executor_work_guard<loop::executor_type>;
    std::vector<std::unique_ptr<loop>> loops_;
    std::vector<guard> guards_;
    std::vector<std::jthread> threads_;
};

}  // namespace stoa
