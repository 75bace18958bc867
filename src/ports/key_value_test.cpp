#include "ports/key_value.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

TEST(write_set, events_carry_the_trace_of_what_they_answer_in_any_order) {
    write_set in;
    in.publish({.type = "before"});
    in.under("request");
    in.publish({.type = "after"});
    in.publish({.type = "own", .traceparent = "named"});
    ASSERT_EQ(in.events.size(), 3U);
    EXPECT_EQ(in.events[0].traceparent, "request");
    EXPECT_EQ(in.events[1].traceparent, "request");
    EXPECT_EQ(in.events[2].traceparent, "named");
}

TEST(write_set, a_consumers_events_carry_the_trace_of_the_event_it_received) {
    write_set in;
    in.publish({.type = "before"});
    in.receive({.message = {.traceparent = "event"}});
    in.publish({.type = "after"});
    EXPECT_EQ(in.events[0].traceparent, "event");
    EXPECT_EQ(in.events[1].traceparent, "event");
    EXPECT_EQ(in.receipt->message.traceparent, "event");
}

TEST(write_set, without_a_trace_events_name_none) {
    write_set in;
    in.publish({.type = "swept"});
    EXPECT_EQ(in.events[0].traceparent, "");
}

}  // namespace
}  // namespace stoa
