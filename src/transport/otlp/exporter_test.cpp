#include "transport/otlp/exporter.hpp"

#include "runtime/supervisor.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>
#include <boost/asio/basic_waitable_timer.hpp>

namespace stoa::otlp {
namespace {

constexpr std::string_view caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr std::string_view span_mark = R"("spanId":")";

// Answers as the test lists it, then 200; remembers what it was sent.
class listed_collector final : public http_client {
 public:
    task<result<http_response>> send(http_request what, milliseconds deadline) override {
        asked.push_back(std::move(what));
        deadlines.push_back(deadline);
        if (hangs) {
            using steady = std::chrono::steady_clock;
            asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type> ever(
                co_await asio::this_coro::executor, steady::time_point::max());
            co_await ever.async_wait(use_task);
        }
        if (answers.empty()) co_return http_response{.status = 200};
        auto out = std::move(answers.front());
        answers.pop_front();
        co_return out;
    }
    std::deque<result<http_response>> answers;
    std::vector<http_request> asked;
    std::vector<milliseconds> deadlines;
    bool hangs = false;
};

class exporter_test : public ::testing::Test {
 protected:
    ~exporter_test() override {
        if (running_) stop();
    }
    void make(std::size_t queue = 10'000) {
        traces.emplace(tracer::needs{.now = [this] { return time.now(); },
                                     .ticks = [this] { return time.ticks(); },
                                     .random = [this] { return random.next(); },
                                     .measured = measured},
                       1.0, queue);
        sends.emplace(exporter::needs{*traces, to, time, random, measured},
                      exporter_settings{.endpoint = "http://collector:4318/",
                                        .self = {"stoa", "1.2.3", "epoch"}});
    }
    void start() {
        running_ = true;
        tasks.spawn("traces", [this] { return sends->run(); });
        io.drain();
    }
    void stop() {
        io.run([this] { return tasks.stop(); }, std::chrono::seconds(5));
        running_ = false;
    }
    void end_spans(int n) {
        for (int i = 0; i < n; ++i)
            active_span(&*traces, caller, "Span" + std::to_string(i), span_kind::server);
    }
    // Time passes in steps that the exporter can see, until it holds. False: not within the limit.
    bool pass_until(const std::function<bool()>& holds, milliseconds limit = seconds(60)) {
        for (milliseconds passed{0}; !holds(); passed += milliseconds(50)) {
            if (passed > limit) return false;
            io.drain();
            time.advance(milliseconds(50));
            io.drain();
        }
        return true;
    }
    static std::size_t spans_in(const http_request& of) {
        std::size_t n = 0;
        for (auto at = of.body.find(span_mark); at != std::string::npos;
             at = of.body.find(span_mark, at + 1))
            ++n;
        return n;
    }
    static std::string id_of(const http_request& of, std::size_t nth) {
        std::size_t at = of.body.find(span_mark);
        for (; nth > 0; --nth) at = of.body.find(span_mark, at + 1);
        return of.body.substr(at + span_mark.size(), 16);
    }
    bool counted(std::string_view line) const {
        return measured.text().find(line) != std::string::npos;
    }
    static result<http_response> status(int code, std::vector<http_header> headers = {}) {
        return http_response{.status = code, .headers = std::move(headers)};
    }
    static result<http_response> nobody() {
        return fail(errc::unavailable, "no_connection", "nobody there");
    }

    stoa::testing::test_loop io;
    stoa::testing::manual_clock time;
    stoa::testing::seeded_random random{stoa::testing::test_seed()};
    metrics measured;
    listed_collector to;
    std::optional<tracer> traces;
    std::optional<exporter> sends;
    supervisor tasks{io.on()};
    bool running_ = false;
};

TEST_F(exporter_test, spans_go_out_as_otlp_json) {
    make();
    {
        active_span one(&*traces, caller, "CreateOrder", span_kind::server);
        one.set("http.route", "/api/v1/orders \"x\"");
        one.set("http.response.status_code", 500);
        one.fail("disk");
        time.advance(milliseconds(3));
    }
    active_span(&*traces, caller, "order.paid", span_kind::consumer);
    start();
    ASSERT_TRUE(pass_until([&] { return to.asked.size() == 1; }));
    const auto& sent = to.asked.front();
    EXPECT_EQ(sent.method, "POST");
    EXPECT_EQ(sent.url, "http://collector:4318/v1/traces");
    ASSERT_EQ(sent.headers.size(), 1U);
    EXPECT_EQ(sent.headers[0].value, "application/json");
    ASSERT_EQ(spans_in(sent), 2U);
    EXPECT_NE(id_of(sent, 0), id_of(sent, 1));
    EXPECT_EQ(
        sent.body,
        R"({"resourceSpans":[{"resource":{"attributes":[)"
        R"({"key":"service.name","value":{"stringValue":"stoa"}},)"
        R"({"key":"service.version","value":{"stringValue":"1.2.3"}},)"
        R"({"key":"service.instance.id","value":{"stringValue":"epoch"}}]},)"
        R"("scopeSpans":[{"scope":{"name":"stoa","version":"1.2.3"},"spans":[)"
        R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":")" +
            id_of(sent, 0) +
            R"(","parentSpanId":"b7ad6b7169203331","name":"CreateOrder","kind":2,)"
            R"("startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000003000000",)"
            R"("attributes":[{"key":"http.route","value":{"stringValue":"/api/v1/orders \"x\""}},)"
            R"({"key":"http.response.status_code","value":{"intValue":"500"}}],)"
            R"("status":{"code":2,"message":"disk"}},)"
            R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":")" +
            id_of(sent, 1) +
            R"(","parentSpanId":"b7ad6b7169203331","name":"order.paid","kind":5,)"
            R"("startTimeUnixNano":"1790000000003000000","endTimeUnixNano":"1790000000003000000",)"
            R"("attributes":[],"status":{}}]}]}]})");
}

TEST_F(exporter_test, the_first_span_of_a_trace_has_no_parent) {
    make();
    active_span(&*traces, "", "GetProduct", span_kind::server);
    start();
    ASSERT_TRUE(pass_until([&] { return to.asked.size() == 1; }));
    EXPECT_EQ(spans_in(to.asked[0]), 1U);
    EXPECT_EQ(to.asked[0].body.find("parentSpanId"), std::string::npos);
}

TEST_F(exporter_test, nothing_is_sent_while_there_is_nothing) {
    make();
    start();
    EXPECT_FALSE(pass_until([&] { return !to.asked.empty(); }, seconds(10)));
}

TEST_F(exporter_test, a_small_batch_waits_a_second_and_a_full_one_does_not) {
    make();
    start();
    end_spans(10);
    EXPECT_FALSE(pass_until([&] { return !to.asked.empty(); }, milliseconds(800)));
    EXPECT_TRUE(pass_until([&] { return !to.asked.empty(); }, milliseconds(400)));
    end_spans(1'200);
    EXPECT_TRUE(pass_until([&] { return to.asked.size() == 3; }, milliseconds(150)));
    EXPECT_EQ(spans_in(to.asked[0]), 10U);
    EXPECT_EQ(spans_in(to.asked[1]), 512U);
    EXPECT_EQ(spans_in(to.asked[2]), 512U);
    ASSERT_TRUE(pass_until([&] { return to.asked.size() == 4; }));
    EXPECT_EQ(spans_in(to.asked[3]), 176U);
    EXPECT_TRUE(counted("trace_spans_exported_total 1210"));
}

TEST_F(exporter_test, a_collector_that_is_busy_gets_the_same_spans_again) {
    for (const int busy : {429, 502, 503, 504}) to.answers.push_back(status(busy));
    make();
    start();
    end_spans(3);
    ASSERT_TRUE(pass_until([&] { return to.asked.size() == 5; }));
    for (const auto& each : to.asked) EXPECT_EQ(each.body, to.asked[0].body);
    EXPECT_TRUE(counted("trace_spans_exported_total 3"));
    EXPECT_TRUE(counted(R"(trace_spans_dropped_total{reason="no_answer"} 0)"));
}

TEST_F(exporter_test, the_collectors_wish_to_wait_is_kept_up_to_our_own_limit) {
    to.answers.push_back(status(503, {{"retry-after", "4"}}));
    to.answers.push_back(status(503, {{"retry-after", "3000"}}));
    to.answers.push_back(status(503, {{"retry-after", "soon"}}));
    make();
    start();
    end_spans(1);
    ASSERT_TRUE(pass_until([&] { return to.asked.size() == 1; }));
    EXPECT_FALSE(pass_until([&] { return to.asked.size() == 2; }, milliseconds(3'800)));
    EXPECT_TRUE(pass_until([&] { return to.asked.size() == 2; }, milliseconds(400)));
    EXPECT_FALSE(pass_until([&] { return to.asked.size() == 3; }, milliseconds(4'800)));
    EXPECT_TRUE(pass_until([&] { return to.asked.size() == 3; }, milliseconds(400)));
    EXPECT_TRUE(pass_until([&] { return to.asked.size() == 4; }, milliseconds(2'100)));
}

TEST_F(exporter_test, attempts_are_bounded_and_what_never_arrived_is_counted) {
    for (int i = 0; i < 5; ++i) to.answers.push_back(nobody());
    make();
    start();
    end_spans(7);
    ASSERT_TRUE(
        pass_until([&] { return counted(R"(trace_spans_dropped_total{reason="no_answer"} 7)"); }));
    EXPECT_EQ(to.asked.size(), 5U);
    end_spans(2);  // the next batch has its own attempts
    ASSERT_TRUE(pass_until([&] { return counted("trace_spans_exported_total 2"); }));
}

TEST_F(exporter_test, what_the_collector_refuses_for_good_is_not_sent_again) {
    to.answers.push_back(status(400));
    make();
    start();
    end_spans(2);
    ASSERT_TRUE(
        pass_until([&] { return counted(R"(trace_spans_dropped_total{reason="refused"} 2)"); }));
    EXPECT_FALSE(pass_until([&] { return to.asked.size() > 1; }, seconds(10)));
}

TEST_F(exporter_test, the_queue_behind_a_collector_that_is_down_stays_bounded) {
    for (int i = 0; i < 100; ++i) to.answers.push_back(nobody());
    make(1'000);
    start();
    for (int i = 0; i < 50; ++i) {
        end_spans(100);
        time.advance(milliseconds(10));
        io.drain();
    }
    EXPECT_LE(traces->waiting(), 1'000U);
    EXPECT_FALSE(counted(R"(trace_spans_dropped_total{reason="queue_full"} 0)"));
}

TEST_F(exporter_test, stopping_in_the_middle_of_a_batch_loses_none_of_it) {
    make();
    to.hangs = true;
    start();
    end_spans(3);
    ASSERT_TRUE(pass_until([&] { return to.asked.size() == 1; }));
    end_spans(2);
    stop();
    to.hangs = false;
    io.run([&] { return sends->flush(seconds(3)); });
    ASSERT_EQ(to.asked.size(), 3U);
    EXPECT_EQ(to.asked[1].body, to.asked[0].body);
    EXPECT_EQ(spans_in(to.asked[2]), 2U);
    EXPECT_TRUE(counted("trace_spans_exported_total 5"));
    EXPECT_LE(to.deadlines[1], seconds(3));
}

TEST_F(exporter_test, a_flush_before_a_dead_collector_ends_soon_and_counts) {
    for (int i = 0; i < 10; ++i) to.answers.push_back(nobody());
    make();
    end_spans(1'500);
    bool ended = false;
    io.spawn([&]() -> task<> {
        co_await sends->flush(seconds(3));
        ended = true;
    });
    ASSERT_TRUE(pass_until([&] { return ended; }, seconds(3)));
    EXPECT_EQ(to.asked.size(), 2U);
    EXPECT_TRUE(counted(R"(trace_spans_dropped_total{reason="no_answer"} 1500)"));
}

}  // namespace
}  // namespace stoa::otlp
