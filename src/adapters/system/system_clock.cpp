#include "adapters/system/system_clock.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <chrono>
#include <cstdlib>

#include <sys/random.h>

namespace stoa {

timestamp system_clock::now() {
    using namespace std::chrono;
    return {
        duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

instant system_clock::ticks() {
    return {std::chrono::duration_cast<std::chrono::nanoseconds>(
                std::chrono::steady_clock::now().time_since_epoch())
                .count()};
}

task<> system_clock::sleep(milliseconds wait) {
    using steady = std::chrono::steady_clock;
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type> timer(
        co_await asio::this_coro::executor, wait);
    co_await timer.async_wait(use_task);
}

std::uint64_t system_random::next() {
    static thread_local std::array<std::uint64_t, 512> pool;
    static thread_local std::size_t used = pool.size();
    if (used == pool.size()) {
        auto* at = reinterpret_cast<char*>(pool.data());
        std::size_t missing = sizeof pool;
        while (missing > 0) {
            const auto got = getrandom(at, missing, 0);
            if (got < 0) std::abort();  // no entropy: ids and keys would be guessable
            at += got;
            missing -= static_cast<std::size_t>(got);
        }
        used = 0;
    }
    return std::exchange(pool[used++], 0);
}

}  // namespace stoa
