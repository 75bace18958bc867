// Background tasks with an owner. A bare co_spawn(…, detached) loses exceptions; this logs them,
// counts them and, for an essential task, ends the process. Whoever owns background tasks waits for
// them before dying.
#pragma once

#include "runtime/task.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace stoa {

enum class importance : std::uint8_t { ordinary, essential };

// Thread rule: one loop's thread, and it must outlive its tasks: co_await stop() before destroying
// it.
class supervisor {
 public:
    explicit supervisor(loop& on);
    ~supervisor();
    supervisor(const supervisor&) = delete;
    supervisor& operator=(const supervisor&) = delete;

    // `body` is called on the loop; pass the callable, not the task it returns (its captures must
    // live as long as the coroutine). A task that ends by cancellation has ended well.
    void spawn(std::string name, std::move_only_function<task<>()> body,
               importance weight = importance::ordinary);

    // Resumes when no task runs. Cancelled, it cancels the tasks and still waits for their end.
    task<> idle();
    // Cancels every task and resumes when all have ended.
    task<> stop();
    bool stopping() const { return stopping_; }
    std::size_t running() const { return tasks_.size(); }
    loop& on() { return loop_; }

 private:
    struct entry {
        entry(std::string n, importance w, std::move_only_function<task<>()> b)
            : name(std::move(n)), weight(w), body(std::move(b)) {}
        std::string name;
        importance weight;
        std::move_only_function<task<>()> body;
        asio::cancellation_signal cancel;
    };
    static task<> run(entry& one);
    void ended(std::list<entry>::iterator which, const std::exception_ptr& thrown);
    void cancel_all();

    // Who waits for idle() is kept by the loop, not here: a coroutine that waits for its own local
    // supervisor would otherwise own itself, and a loop that is destroyed could not unwind it.
    struct waiting_room;
    using ticket = std::list<std::move_only_function<void()>>::iterator;

    loop& loop_;
    std::weak_ptr<void> loop_lives_;
    std::list<entry> tasks_;
    bool stopping_ = false;
    std::vector<ticket> when_empty_;
};

}  // namespace stoa
