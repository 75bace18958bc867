#include "runtime/crash_point.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <set>

namespace stoa {
namespace {

void pass_twice_of_three(const char* order) {
    setenv("STOA_TEST_CRASH_AT", order, 1);
    crash_point("order_held");
    crash_point("order_written");
    crash_point("order_held");
    std::_Exit(0);
}

#ifdef STOA_CRASH_POINTS

TEST(CrashPoint, the_process_dies_as_by_kill_9_when_it_passes_for_the_nth_time) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto killed = ::testing::KilledBySignal(SIGKILL);
    EXPECT_EXIT(pass_twice_of_three("order_held"), killed, "");
    EXPECT_EXIT(pass_twice_of_three("order_held:2"), killed, "");
}

TEST(CrashPoint, it_lives_where_nobody_asked_or_the_pass_does_not_come) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto lived = ::testing::ExitedWithCode(0);
    EXPECT_EXIT(pass_twice_of_three(""), lived, "");
    EXPECT_EXIT(pass_twice_of_three("order_held:3"), lived, "");
    EXPECT_EXIT(pass_twice_of_three("order_settled:1"), lived, "");
}

#else

TEST(CrashPoint, a_build_that_is_shipped_has_none) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(pass_twice_of_three("order_held"), ::testing::ExitedWithCode(0), "");
    EXPECT_TRUE(crash_points_built_in().empty());
}

#endif

TEST(CrashPoint, names_are_unique) {
    const std::set<std::string_view> names(std::begin(crash_points), std::end(crash_points));
    EXPECT_EQ(names.size(), std::size(crash_points));
}

}  // namespace
}  // namespace stoa
