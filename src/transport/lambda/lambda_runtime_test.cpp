#include "transport/lambda/lambda_runtime.hpp"

#include "support/manual_clock.hpp"
#include "support/scripted_http.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::lambda {
namespace {

using functions::invocation;
using functions::outcome;
using functions::trigger;

constexpr std::string_view two_messages =
    R"({"Records":[{"eventSource":"aws:sqs","messageId":"a","body":"x"},
                  {"eventSource":"aws:sqs","messageId":"b","body":"y"}]})";
constexpr std::string_view one_notice =
    R"({"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"n","Message":"x"}}]})";

class scripted_function final : public functions::function {
 public:
    task<result<outcome>> handle(trigger what, invocation call) override {
        events.push_back(std::move(what));
        calls.push_back(std::move(call));
        co_return answer;
    }
    std::vector<trigger> events;
    std::vector<invocation> calls;
    result<outcome> answer = outcome{};
};

class lambda_runtime : public ::testing::Test {
 protected:
    // An event, what is said to its answer, and then the runtime API is gone.
    void give(std::string_view body, int answered = 202) {
        http.then(
            200, std::string(body),
            {{"lambda-runtime-aws-request-id", "r-1"},
             {"lambda-runtime-deadline-ms", std::to_string(time.now().micros / 1000 + 60'000)},
             {"lambda-runtime-trace-id",
              "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}});
        http.then(answered, "");
        http.then_lost();
    }
    error serve() {
        auto ended = io.run([this] { return one.serve(with); });
        EXPECT_FALSE(ended);
        return ended ? error{} : ended.error();
    }
    const http_request& told() const { return http.asked.at(1); }

    testing::manual_clock time;
    testing::test_loop io;
    testing::scripted_http http;
    scripted_function with;
    runtime one{"127.0.0.1:9001", http, time};
};

TEST_F(lambda_runtime, an_event_is_answered_under_its_request_id) {
    give(two_messages);
    EXPECT_EQ(serve().code, "connection_lost");
    EXPECT_EQ(http.asked.at(0).method, "GET");
    EXPECT_EQ(http.asked.at(0).url, "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next");
    EXPECT_EQ(told().method, "POST");
    EXPECT_EQ(told().url, "http://127.0.0.1:9001/2018-06-01/runtime/invocation/r-1/response");
    EXPECT_EQ(told().body, R"({"batchItemFailures":[]})");
    EXPECT_EQ(http.asked.size(), 3U);
    EXPECT_EQ(with.events.at(0).records.size(), 2U);
}
TEST_F(lambda_runtime, a_handler_knows_its_deadline_and_the_callers_trace) {
    time.advance(seconds(5));
    give(two_messages);
    serve();
    const auto& call = with.calls.at(0);
    EXPECT_EQ(call.request_id, "r-1");
    EXPECT_EQ(call.traceparent, "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
    const auto left = call.deadline - time.ticks();
    EXPECT_LE(left, seconds(60));
    EXPECT_GT(left, milliseconds(59'998));  // the wall clock has microseconds
}
TEST_F(lambda_runtime, of_a_batch_only_what_failed_comes_again) {
    with.answer->failed.push_back({"b", {.kind = errc::unavailable, .code = "mail_server_away"}});
    give(two_messages);
    serve();
    EXPECT_EQ(told().body, R"({"batchItemFailures":[{"itemIdentifier":"b"}]})");
}
TEST_F(lambda_runtime, where_single_records_cannot_come_again_the_event_fails) {
    with.answer->failed.push_back(
        {"n", {.kind = errc::unavailable, .code = "mail_server_away", .detail = "not \"now\""}});
    give(one_notice);
    serve();
    EXPECT_TRUE(told().url.ends_with("/invocation/r-1/error"));
    EXPECT_EQ(told().body, R"({"errorMessage":"1 of its records failed: n: not \"now\"",)"
                           R"("errorType":"mail_server_away","stackTrace":[]})");
    EXPECT_EQ(testing::header_of(told(), "Lambda-Runtime-Function-Error-Type"),
              "Function.mail_server_away");
}
TEST_F(lambda_runtime, a_handlers_error_and_an_unreadable_event_are_errors_of_the_call) {
    with.answer = fail(errc::internal, "table_missing", "make it");
    give(two_messages);
    serve();
    EXPECT_NE(told().body.find(R"("errorType":"table_missing")"), std::string::npos);
    http = {};
    give("{}");
    serve();
    EXPECT_EQ(with.events.size(), 1U);
    EXPECT_EQ(testing::header_of(told(), "Lambda-Runtime-Function-Error-Type"),
              "Function.event_unknown");
}
TEST_F(lambda_runtime, a_start_that_fails_is_told_before_the_end) {
    http.then(202, "");
    const auto said = io.run([this] {
        return one.fail_start({.kind = errc::invalid, .code = "setting_missing", .detail = "X"});
    });
    EXPECT_TRUE(said);
    EXPECT_EQ(http.asked.at(0).url, "http://127.0.0.1:9001/2018-06-01/runtime/init/error");
    EXPECT_EQ(testing::header_of(http.asked.at(0), "Lambda-Runtime-Function-Error-Type"),
              "Runtime.setting_missing");
}
TEST_F(lambda_runtime, an_api_that_refuses_ends_the_process) {
    http.then(500, "");
    EXPECT_EQ(serve().code, "runtime_api_refused");
    http = {};
    http.then(200, std::string(two_messages));  // without a request id
    EXPECT_EQ(serve().code, "runtime_api_refused");
    http = {};
    give(two_messages, 413);
    EXPECT_NE(serve().detail.find("413"), std::string::npos);
}
TEST(lambda_trace, what_is_no_trace_is_none) {
    for (const auto* ill :
         {"", "Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8",
          "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
          "Root=1-5759e988-BD862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
          "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad;Sampled=1", ";;;"})
        EXPECT_EQ(traceparent_of(ill), "") << ill;
    EXPECT_EQ(traceparent_of("Self=x;Root=1-5759e988-bd862e3fe1be46a994272793;"
                             "Parent=53995c3f42cd8ad8;Lineage=a:0"),
              "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00");
}

}  // namespace
}  // namespace stoa::lambda
