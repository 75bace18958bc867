#include "runtime/trace.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace stoa {
namespace {

constexpr std::string_view kept = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr std::string_view not_kept = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

class trace_test : public ::testing::Test {
 protected:
    tracer make(double ratio, std::size_t limit = 100, std::size_t remembered = 0) {
        return tracer({.now = [this] { return wall; },
                       .ticks = [this] { return ticks; },
                       .random = [this] { return drawn += step; },
                       .measured = measured},
                      ratio, limit, remembered);
    }
    metrics measured;
    timestamp wall{1'700'000'000'000'000};
    instant ticks{5};
    std::uint64_t drawn = 0, step = 0x9e37'79b9'7f4a'7c15;
};

TEST_F(trace_test, a_traceparent_is_read_and_written_as_it_was) {
    for (const auto text : {kept, not_kept}) {
        const auto read = read_traceparent(text);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->trace_high, 0x0af7651916cd43ddU);
        EXPECT_EQ(read->span_id, 0xb7ad6b7169203331U);
        EXPECT_EQ(read->sampled, text == kept);
        EXPECT_EQ(write_traceparent(*read), text);
    }
}

TEST_F(trace_test, a_later_version_may_go_on_and_flags_we_do_not_know_are_left_out) {
    const auto read =
        read_traceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more");
    ASSERT_TRUE(read);
    EXPECT_EQ(write_traceparent(*read), kept);
}

TEST_F(trace_test, an_ill_formed_traceparent_is_nothing) {
    for (const auto bad : {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
                           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
                           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
                           "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
        EXPECT_FALSE(read_traceparent(bad)) << bad;
}

TEST_F(trace_test, a_span_under_a_parent_keeps_its_trace_and_is_timed_by_the_monotonic_clock) {
    auto traces = make(0);
    {
        active_span one(&traces, kept, "CreateOrder", span_kind::server);
        EXPECT_TRUE(one.recording());
        one.set("http.route", "/api/v1/orders");
        one.set("http.response.status_code", 201);
        ticks.nanos += 1'234;
        wall.micros -= 3'600'000'000;  // somebody sets the clock
    }
    const auto ended = traces.take(10);
    ASSERT_EQ(ended.size(), 1U);
    const auto& made = ended.front();
    EXPECT_EQ(trace_id_text(made.self), kept.substr(3, 32));
    EXPECT_EQ(span_id_text(made.parent_id), kept.substr(36, 16));
    EXPECT_NE(made.self.span_id, made.parent_id);
    EXPECT_EQ(made.start_nanos, 1'700'000'000'000'000'000);
    EXPECT_EQ(made.end_nanos - made.start_nanos, 1'234);
    EXPECT_FALSE(made.failure);
    ASSERT_EQ(made.attributes.size(), 2U);
    EXPECT_EQ(std::get<std::int64_t>(made.attributes[1].value), 201);
}

TEST_F(trace_test, a_trace_that_is_not_kept_upstream_records_nothing_and_says_so_downstream) {
    auto traces = make(1);
    active_span one(&traces, not_kept, "CreateOrder", span_kind::server);
    EXPECT_FALSE(one.recording());
    const auto below = read_traceparent(one.traceparent());
    ASSERT_TRUE(below);
    EXPECT_FALSE(below->sampled);
    EXPECT_EQ(trace_id_text(*below), not_kept.substr(3, 32));
    one.end();
    EXPECT_EQ(traces.waiting(), 0U);
}

TEST_F(trace_test, the_ratio_decides_for_traces_that_begin_here_and_is_told_downstream) {
    auto traces = make(0.25, 10'000);
    int sampled = 0;
    for (int i = 0; i < 4'000; ++i) {
        active_span one(&traces, "", "GetProduct", span_kind::server);
        EXPECT_EQ(one.recording(), read_traceparent(one.traceparent())->sampled);
        sampled += one.recording();
    }
    EXPECT_NEAR(sampled, 1'000, 100);
    EXPECT_EQ(traces.waiting(), static_cast<std::size_t>(sampled));
    auto none = make(0), all = make(1);
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(none.next({}).sampled);
        EXPECT_TRUE(all.next({}).sampled);
    }
}

TEST_F(trace_test, the_latest_spans_are_remembered_by_trace_whether_or_not_they_are_exported) {
    for (const std::size_t limit : {std::size_t{0}, std::size_t{100}}) {
        auto traces = make(1, limit, 3);
        const auto first = traces.next({}, true), second = traces.next({}, true);
        for (const auto& [of, name] :
             {std::pair(first, "a"), std::pair(second, "b"), std::pair(first, "c")}) {
            active_span(&traces, write_traceparent(of), name, span_kind::consumer);
            ticks.nanos += 1'000;
            wall.micros += 1;
        }
        const auto names = [&](const trace_context& of) {
            std::string out;
            for (const auto& each : traces.remembered({of})) out += each.name;
            return out;
        };
        EXPECT_EQ(names(first), "ac");
        EXPECT_EQ(names(second), "b");
        EXPECT_EQ(traces.remembered({first, second}).size(), 3U);
        active_span(&traces, write_traceparent(second), "d", span_kind::consumer);
        EXPECT_EQ(names(first), "c") << "the oldest goes";
        EXPECT_EQ(names(second), "bd");
        EXPECT_TRUE(traces.remembered({traces.next({})}).empty());
        EXPECT_EQ(traces.waiting(), limit == 0 ? 0U : 4U);
        EXPECT_EQ(traces.exports(), limit > 0);
    }
    EXPECT_EQ(measured.text().find("queue_full\"} 1"), std::string::npos) << "nothing was lost";
}

TEST_F(trace_test, where_nobody_collects_only_what_is_worth_it_begins_a_trace) {
    auto traces = make(1, 0, 10);
    active_span(&traces, "", "GetProduct", span_kind::server);
    active_span(&traces, kept, "asked by a caller", span_kind::server);
    active_span one(&traces, "", "CreateOrder", span_kind::server, true);
    EXPECT_TRUE(one.recording());
    const auto below = read_traceparent(one.traceparent());
    one.end();
    EXPECT_EQ(traces.remembered({*below, *read_traceparent(kept)}).size(), 2U);
    auto exported = make(0, 10, 10);
    EXPECT_FALSE(exported.next({}, true).sampled) << "the ratio holds where a collector is told";
}

TEST_F(trace_test, ids_are_never_zero) {
    step = 0x8000'0000'0000'0000;  // every second draw is a zero
    auto traces = make(1);
    for (int i = 0; i < 8; ++i) {
        const auto made = traces.next({});
        EXPECT_NE(made.trace_high | made.trace_low, 0U);
        EXPECT_NE(made.span_id, 0U);
    }
}

TEST_F(trace_test, no_tracer_makes_no_span_and_no_context) {
    active_span off(nullptr, kept, "CreateOrder", span_kind::server);
    EXPECT_FALSE(off.recording());
    EXPECT_EQ(off.traceparent(), "");
    off.set("key", "text");
    off.fail("why");
    off.end();
}

TEST_F(trace_test, a_full_queue_drops_what_comes_and_counts_it) {
    auto traces = make(1, 3);
    for (int i = 0; i < 5; ++i) active_span(&traces, "", "Span" + std::to_string(i), {});
    EXPECT_EQ(traces.waiting(), 3U);
    EXPECT_EQ(traces.take(2).front().name, "Span0");
    EXPECT_EQ(traces.take(2).front().name, "Span2");
    EXPECT_TRUE(traces.take(2).empty());
    EXPECT_NE(measured.text().find("trace_spans_dropped_total{reason=\"queue_full\"} 2"),
              std::string::npos)
        << measured.text();
}

TEST_F(trace_test, a_moved_span_ends_once) {
    auto traces = make(1);
    {
        active_span one(&traces, "", "One", span_kind::server);
        active_span two = std::move(one);
        active_span three(&traces, "", "Three", span_kind::server);
        three = std::move(two);  // ends what it held
        EXPECT_EQ(traces.waiting(), 1U);
    }
    EXPECT_EQ(traces.waiting(), 2U);
}

TEST(trace_threads, spans_of_many_threads_all_arrive) {
    metrics measured;
    std::atomic<std::uint64_t> drawn = 0;
    tracer traces({.now = [] { return timestamp{}; },
                   .ticks = [] { return instant{}; },
                   .random = [&] { return ++drawn; },
                   .measured = measured},
                  1);
    std::size_t got = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 1'000; ++i) active_span(&traces, kept, "One", {});
            });
        while (got < 2'000) got += traces.take(64).size();
    }
    for (auto rest = traces.take(512); !rest.empty(); rest = traces.take(512)) got += rest.size();
    EXPECT_EQ(got, 4'000U);
}

}  // namespace
}  // namespace stoa
