#include "transport/events/sweepers.hpp"

#include "runtime/log.hpp"

#include <cstdlib>

namespace stoa {
namespace {

task<> sweep_for_ever(clock& time, std::string name, milliseconds interval,
                      std::function<task<result<int>>()> round) {
    const auto offset_us = [&] { return time.now().micros - time.ticks().nanos / 1000; };
    auto before_us = offset_us();
    for (;;) {
        co_await time.sleep(interval);
        const auto now_us = offset_us();
        const bool jumped = std::llabs(now_us - before_us) > microseconds(minutes(1)).count();
        before_us = now_us;
        if (jumped) {
            log_warning("clock_jumped",
                        {{"sweeper", name}, {"what", "holding still for one interval"}});
            continue;
        }
        for (int rounds = 0; rounds < 20; ++rounds) {
            const auto moved = co_await round();
            if (!moved)
                log_warning("sweep_failed", {{"sweeper", name}, {"code", moved.error().code}});
            if (!moved || *moved == 0) break;
        }
    }
}

}  // namespace

void start_sweeper(supervisor& on, clock& time, std::string name, milliseconds interval,
                   std::function<task<result<int>>()> round) {
    on.spawn("sweep " + name, [&time, name, interval, round = std::move(round)] {
        return sweep_for_ever(time, name, interval, round);
    });
}

}  // namespace stoa
