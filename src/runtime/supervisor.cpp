#include "runtime/supervisor.hpp"

#include "runtime/log.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <cstdlib>

namespace stoa {

// Dies with its loop, and with it every handler that still waits.
struct supervisor::waiting_room final : asio::execution_context::service {
    explicit waiting_room(asio::execution_context& of) : service(of) {}
    void shutdown() override {
        life.reset();
        waiting.clear();
    }

    inline static asio::execution_context::id id;
    std::list<std::move_only_function<void()>> waiting;
    std::shared_ptr<void> life = std::make_shared<char>();
};

supervisor::supervisor(loop& on)
    : loop_(on), loop_lives_(asio::use_service<waiting_room>(on).life) {}

supervisor::~supervisor() {
    // A loop that died first has unwound the tasks.
    if (!tasks_.empty() && !loop_lives_.expired() && !loop_.stopped())
        log_error("supervisor_destroyed_with_tasks", {{"first", tasks_.front().name}});
}

task<> supervisor::run(entry& one) {
    // All cancellation types reach the body: its sleeps and waits end, its commits do not.
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await one.body();
}

void supervisor::spawn(std::string name, std::move_only_function<task<>()> body,
                       importance weight) {
    tasks_.emplace_back(std::move(name), weight, std::move(body));
    const auto which = std::prev(tasks_.end());
    asio::co_spawn(
        loop_, run(*which),
        asio::bind_cancellation_slot(which->cancel.slot(),
                                     [this, which](std::exception_ptr e) { ended(which, e); }));
    // Born while all others are told to end: told as well, or stop() would wait for it.
    if (stopping_) cancel_all();
}

void supervisor::ended(std::list<entry>::iterator which, const std::exception_ptr& thrown) {
    bool failed = false;
    if (thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& e) {
            failed = e.code() != asio::error::operation_aborted;
            if (failed) log_error("task_failed", {{"task", which->name}, {"why", e.what()}});
        } catch (const std::exception& e) {
            failed = true;
            log_error("task_failed", {{"task", which->name}, {"why", e.what()}});
        }
    }
    if (failed && which->weight == importance::essential) {
        log_error("essential_task_gone", {{"task", which->name}, {"what", "the process ends now"}});
        flush_log();
        std::abort();
    }
    tasks_.erase(which);
    if (!tasks_.empty()) return;
    auto& room = asio::use_service<waiting_room>(loop_);
    for (const auto& waiter : std::exchange(when_empty_, {})) {
        auto resume = std::move(*waiter);
        room.waiting.erase(waiter);
        resume();
    }
}

// Emitted from the loop, one by one: an emit may end a task and change the list.
void supervisor::cancel_all() {
    for (auto& one : tasks_) {
        auto* signal = &one.cancel;
        asio::post(loop_, [this, signal] {
            for (auto& still : tasks_)
                if (&still.cancel == signal) return signal->emit(asio::cancellation_type::all);
        });
    }
}

task<> supervisor::idle() {
    if (tasks_.empty()) co_return;
    co_await asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void()>(
        [this](auto handler) {
            if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
                slot.assign([this](asio::cancellation_type) { cancel_all(); });
            auto& waiting = asio::use_service<waiting_room>(loop_).waiting;
            waiting.emplace_back([h = std::move(handler)]() mutable {
                // A cancellation that comes later is another wait's.
                if (auto slot = asio::get_associated_cancellation_slot(h); slot.is_connected())
                    slot.clear();
                auto where = asio::get_associated_executor(h);
                asio::post(where, std::move(h));
            });
            when_empty_.push_back(std::prev(waiting.end()));
        },
        use_task);
}

task<> supervisor::stop() {
    stopping_ = true;
    cancel_all();
    co_await idle();
}

}  // namespace stoa
