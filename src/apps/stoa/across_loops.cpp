#include "apps/stoa/across_loops.hpp"

#include <boost/asio/co_spawn.hpp>

namespace stoa {
namespace {

task<result<void>> stop(supervisor& background) {
    co_await background.stop();
    co_return result<void>{};
}

}  // namespace

task<> stop_there(supervisor& background, loop& here) {
    if (&background.on() == &here) {
        co_await background.stop();
        co_return;
    }
    co_await asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void()>(
        [&background](auto handler) {
            auto back = asio::get_associated_executor(handler);
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            asio::co_spawn(background.on(), stop(background),
                           [shared, back, busy = asio::make_work_guard(back)](std::exception_ptr,
                                                                              result<void>) {
                               asio::post(back, [shared] { (*shared)(); });
                           });
        },
        use_task);
}

}  // namespace stoa
