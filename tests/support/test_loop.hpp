// Runs tasks in a test: a loop on the test's own thread, with a deadline instead of a hang.
#pragma once

#include "runtime/task.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace stoa::testing {

// Thread rule: the test's thread. Destroy it after whatever its tasks wait on has been closed.
class test_loop {
 public:
    test_loop() : io_(1), guard_(asio::make_work_guard(io_)) {}

    loop& on() { return io_; }

    // Calls `body` (which returns a task) on the loop, runs the loop until that task has ended, and
    // hands its value on. Rethrows what it throws; throws std::runtime_error after `limit`.
    template <class Body>
    auto run(Body body, std::chrono::seconds limit = std::chrono::seconds(60)) {
        using value = typename std::invoke_result_t<Body&>::value_type;
        if constexpr (std::is_void_v<value>) {
            bool done = false;
            std::exception_ptr thrown;
            asio::co_spawn(io_, body(), [&](std::exception_ptr e) {
                thrown = e;
                done = true;
            });
            finish([&] { return done; }, limit);
            if (thrown) std::rethrow_exception(thrown);
        } else {
            std::optional<value> out;
            std::exception_ptr thrown;
            asio::co_spawn(io_, body(), [&](std::exception_ptr e, value v) {
                thrown = e;
                out.emplace(std::move(v));
            });
            finish([&] { return out.has_value(); }, limit);
            if (thrown) std::rethrow_exception(thrown);
            return *std::move(out);
        }
    }

    // Starts a task beside the others; run() and run_until() drive it. What it throws leaves
    // run_until().
    void spawn(std::function<task<>()> body) {
        auto& kept =
            bodies_.emplace_back(std::move(body));  // a coroutine's captures live in its callable
        asio::co_spawn(io_, kept(), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
    }

    // Runs the loop until `holds`, looked at after each handler. False: not within the limit.
    bool run_until(const std::function<bool()>& holds,
                   std::chrono::seconds limit = std::chrono::seconds(60)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!holds()) {
            const auto left = end - std::chrono::steady_clock::now();
            if (left <= std::chrono::seconds(0)) return false;
            io_.run_one_for(left);
        }
        return true;
    }

    // Runs what is ready now and returns: to show that something has not happened.
    void drain() { io_.poll(); }

 private:
    void finish(const std::function<bool()>& done, std::chrono::seconds limit) {
        if (!run_until(done, limit))
            throw std::runtime_error("the task did not end within " +
                                     std::to_string(limit.count()) + " s");
    }

    std::list<std::function<task<>()>> bodies_;  // outlive the loop's frames
    loop io_;
    asio::executor_work_guard<loop::executor_type> guard_;
};

}  // namespace stoa::testing
