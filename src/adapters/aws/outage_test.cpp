#include "adapters/aws/outage.hpp"

#include "support/manual_clock.hpp"

#include <gtest/gtest.h>

namespace stoa::aws {
namespace {

class a_service : public ::testing::Test {
 protected:
    void fails(int times) {
        for (int i = 0; i < times; ++i) of_it.failed(time.ticks());
    }
    testing::manual_clock time;
    outage of_it{time};
};

TEST_F(a_service, a_few_lost_calls_are_no_outage) {
    fails(2);
    time.advance(seconds(60));
    EXPECT_TRUE(of_it.lets_through());
    EXPECT_TRUE(of_it.lets_through());
}

TEST_F(a_service, many_lost_calls_of_one_moment_are_no_outage) {
    fails(100);
    EXPECT_TRUE(of_it.lets_through());
}

TEST_F(a_service, that_is_away_is_asked_now_and_then) {
    fails(3);
    time.advance(seconds(1));
    EXPECT_TRUE(of_it.lets_through());
    EXPECT_FALSE(of_it.lets_through());
    time.advance(milliseconds(250));
    EXPECT_TRUE(of_it.lets_through()) << "whatever became of the one before";
    EXPECT_FALSE(of_it.lets_through());
}

TEST_F(a_service, that_answers_is_there) {
    fails(5);
    time.advance(seconds(2));
    EXPECT_TRUE(of_it.lets_through());
    of_it.answered();
    EXPECT_TRUE(of_it.lets_through());
    EXPECT_TRUE(of_it.lets_through());
    fails(2);
    EXPECT_TRUE(of_it.lets_through()) << "what was before does not count";
}

TEST_F(a_service, that_has_answered_since_is_not_away_for_calls_that_began_before) {
    const auto began = time.ticks();
    time.advance(seconds(3));
    of_it.answered();
    for (int i = 0; i < 9; ++i) of_it.failed(began);
    time.advance(seconds(3));
    EXPECT_TRUE(of_it.lets_through());
    EXPECT_TRUE(of_it.lets_through());
}

}  // namespace
}  // namespace stoa::aws
