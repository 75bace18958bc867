#include "runtime/supervisor.hpp"

#include "runtime/blocking_pool.hpp"
#include "runtime/deadlines.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <latch>

namespace stoa {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using loop_timer =
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>;

task<> wait_for_ever(loop& on) {
    loop_timer never(on, loop_timer::time_point::max());
    co_await never.async_wait(use_task);
}

TEST(supervisor, a_task_that_throws_ends_alone) {
    stoa::testing::test_loop io;
    supervisor all(io.on());
    bool other_done = false;
    all.spawn("throws", []() -> task<> {
        throw std::runtime_error("on purpose");
        co_return;
    });
    all.spawn("other", [&]() -> task<> {
        other_done = true;
        co_return;
    });
    io.run([&] { return all.idle(); });
    EXPECT_TRUE(other_done);
    EXPECT_EQ(all.running(), 0U);
}

TEST(supervisor, stop_cancels_every_task_and_waits_for_its_end) {
    stoa::testing::test_loop io;
    supervisor all(io.on());
    int ended = 0;
    for (int i = 0; i < 10; ++i)
        all.spawn("waits", [&]() -> task<> {
            try {
                co_await wait_for_ever(io.on());
            } catch (const boost::system::system_error&) {
                ++ended;
            }
        });
    io.drain();
    EXPECT_FALSE(all.stopping());
    io.run([&] { return all.stop(); });
    EXPECT_EQ(ended, 10);
    EXPECT_TRUE(all.stopping());
}

TEST(supervisor, two_who_wait_for_the_end_are_both_told) {
    stoa::testing::test_loop io;
    supervisor all(io.on());
    all.spawn("waits", [&] { return wait_for_ever(io.on()); });
    bool first = false;
    io.spawn([&]() -> task<> {
        co_await all.idle();
        first = true;
    });
    io.drain();
    EXPECT_FALSE(first);
    io.run([&] { return all.stop(); });
    EXPECT_TRUE(io.run_until([&] { return first; }, 5s));
}

TEST(supervisor, a_task_born_during_the_stop_is_stopped_too) {
    stoa::testing::test_loop io;
    supervisor all(io.on());
    all.spawn("parent", [&]() -> task<> {
        bool cancelled = false;
        try {
            co_await wait_for_ever(io.on());
        } catch (const boost::system::system_error&) {
            cancelled = true;
        }
        if (cancelled) all.spawn("child", [&] { return wait_for_ever(io.on()); });
    });
    io.drain();
    io.run([&] { return all.stop(); }, 5s);
    EXPECT_EQ(all.running(), 0U);
}

TEST(supervisor, stop_without_tasks_returns_at_once) {
    stoa::testing::test_loop io;
    supervisor all(io.on());
    io.run([&] { return all.stop(); });
    EXPECT_EQ(all.running(), 0U);
}

TEST(supervisor_death, an_essential_task_that_throws_ends_the_process) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            stoa::testing::test_loop io;
            supervisor all(io.on());
            all.spawn(
                "essential",
                []() -> task<> {
                    throw std::runtime_error("on purpose");
                    co_return;
                },
                importance::essential);
            io.run([&] { return all.idle(); });
        },
        "");
}

// --- the deadline wheel
// ---------------------------------------------------------------------------------------

struct alarm final : deadline_entry {
    std::function<void()> then = [] {};
    std::optional<steady::time_point> at;
    void on_deadline() override {
        at = steady::now();
        then();
    }
};

TEST(deadlines, fire_never_early_and_at_most_some_ticks_late) {
    stoa::testing::test_loop io;
    deadline_wheel wheel(io.on());
    const auto began = steady::now();
    for (const auto after : {0ms, 1ms, 100ms, 250ms, 500ms}) {
        alarm one;
        const auto armed = steady::now();
        wheel.arm(one, after);
        ASSERT_TRUE(io.run_until([&] { return one.at.has_value(); }, 5s));
        EXPECT_GE(*one.at - armed, after);
        EXPECT_FALSE(one.armed());
    }
    EXPECT_LT(steady::now() - began, 5s);
    wheel.stop();
}

// One turn of the wheel is 128 ticks: what waits exactly that long once waited twice as long.
TEST(deadlines, of_a_whole_turn_fire_after_one_turn) {
    stoa::testing::test_loop io;
    deadline_wheel wheel(io.on());
    alarm before, exact, after;
    const auto armed = steady::now();
    wheel.arm(before, deadline_wheel::tick * 126);
    wheel.arm(exact, deadline_wheel::tick * 127);  // and the tick that is partly over
    wheel.arm(after, deadline_wheel::tick * 128);
    ASSERT_TRUE(io.run_until([&] { return before.at && exact.at && after.at; }, 20s));
    EXPECT_GE(*exact.at - armed, deadline_wheel::tick * 127);
    EXPECT_LE(*before.at, *exact.at);
    EXPECT_LE(*exact.at, *after.at);
    wheel.stop();
}

TEST(deadlines, that_are_disarmed_or_destroyed_do_not_fire) {
    stoa::testing::test_loop io;
    deadline_wheel wheel(io.on());
    alarm last, disarmed;
    auto destroyed = std::make_unique<alarm>();
    destroyed->then = [] { ADD_FAILURE() << "fired after its end"; };
    wheel.arm(disarmed, 100ms);
    wheel.arm(*destroyed, 100ms);
    wheel.arm(last, 300ms);
    disarmed.disarm();
    destroyed.reset();
    ASSERT_TRUE(io.run_until([&] { return last.at.has_value(); }, 5s));
    EXPECT_FALSE(disarmed.at);
    wheel.stop();
}

TEST(deadlines, may_arm_and_destroy_each_other_when_they_fire) {
    stoa::testing::test_loop io;
    deadline_wheel wheel(io.on());
    auto victim = std::make_unique<alarm>();
    alarm killer, again;
    int rounds = 0;
    victim->then = [] { ADD_FAILURE() << "the one before it destroyed it"; };
    killer.then = [&] { victim.reset(); };
    again.then = [&] {
        if (++rounds < 3) wheel.arm(again, 0ms);
    };
    wheel.arm(killer, 100ms);
    wheel.arm(*victim, 100ms);
    wheel.arm(again, 100ms);
    ASSERT_TRUE(io.run_until([&] { return rounds == 3; }, 5s));
    EXPECT_EQ(victim, nullptr);
    wheel.stop();
}

// --- the blocking pool
// ----------------------------------------------------------------------------------------

TEST(blocking_pool, a_full_queue_refuses_and_what_was_taken_runs) {
    std::latch started(1), go(1);
    std::atomic<int> ran = 0;
    {
        blocking_pool pool("test", 1, 2);
        ASSERT_TRUE(pool.post([&] {
            started.count_down();
            go.wait();
            ++ran;
        }));
        started.wait();
        EXPECT_TRUE(pool.post([&] { ++ran; }));
        EXPECT_TRUE(pool.post([&] { ++ran; }));
        EXPECT_EQ(pool.queued(), 2U);
        EXPECT_FALSE(pool.post([&] { ran += 100; }));
        go.count_down();
    }
    EXPECT_EQ(ran, 3) << "the destructor runs what has queued";
}

TEST(blocking_pool, offload_resumes_on_the_callers_loop_and_tells_of_a_full_queue) {
    stoa::testing::test_loop io;
    std::latch started(1), go(1);  // the pool's job waits on them until the pool is joined
    blocking_pool pool("test", 1, 1);
    const auto here = std::this_thread::get_id();
    std::thread::id worked, resumed;
    const auto got = io.run([&]() -> task<result<int>> {
        auto work = [&]() -> result<int> {
            worked = std::this_thread::get_id();
            return 7;
        };
        auto out = co_await offload(pool, work);
        resumed = std::this_thread::get_id();
        co_return out;
    });
    EXPECT_EQ(got, 7);
    EXPECT_EQ(resumed, here);
    EXPECT_NE(worked, here);

    ASSERT_TRUE(pool.post([&] {
        started.count_down();
        go.wait();
    }));
    started.wait();
    ASSERT_TRUE(pool.post([] {}));
    const auto refused = io.run([&]() -> task<result<int>> {
        auto work = []() -> result<int> { return 1; };
        co_return co_await offload(pool, work);
    });
    go.count_down();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::unavailable);
    EXPECT_EQ(refused.error().retry_after_s, 1);
}

}  // namespace
}  // namespace stoa
