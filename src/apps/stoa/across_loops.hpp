// Work on another loop, waited for on this one.
#pragma once

#include "runtime/supervisor.hpp"
#include "runtime/task.hpp"

#include <type_traits>

namespace stoa {

// Runs `what` on the loop that owns it and waits here.
template <class What>
task<std::invoke_result_t<What&>> run_on(loop& there, What what) {
    using outcome = std::invoke_result_t<What&>;
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void(outcome)>(
        [&there](auto handler, What w) {
            auto back = asio::get_associated_executor(handler);
            asio::post(there, [w = std::move(w), h = std::move(handler), back,
                               busy = asio::make_work_guard(back)]() mutable {
                auto made = w();
                asio::post(back,
                           [h = std::move(h), m = std::move(made)]() mutable { h(std::move(m)); });
            });
        },
        use_task, std::move(what));
}

// Ends a supervisor's tasks on its own loop. `here`: the caller's loop.
task<> stop_there(supervisor& background, loop& here);

}  // namespace stoa
