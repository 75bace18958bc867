#include "services/activity/activity_service.hpp"

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "services/activity/activity_events.hpp"
#include "services/activity/activity_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa::activities {
namespace {

struct reply {
    error wrong;
    std::string body;
    int status = 0;
};

constexpr topic_spec topics[] = {{.name = topic::raw_events, .partitions = 1}};

class activity_service_test : public ::testing::Test {
 protected:
    activity_service_test() {
        auto opened = sqlite_shop::open(
            {.directory = directory_.path(), .topics = {std::begin(topics), std::end(topics)}},
            clock_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        service_.emplace(activity_service::needs{shop_->log(), clock_, random_},
                         activity_settings{});
    }
    ~activity_service_test() override { shop_->close(); }

    reply call(std::string_view rpc, const std::string& body) {
        const auto rows = operations_of(*service_).operations;
        const auto row = std::ranges::find(rows, rpc, &operation::rpc);
        record_box request(*row->request);
        auto found = read_json(body, *row->request, request.get());
        if (found.empty()) check_rules(found, *row->request, request.get());
        if (!found.empty()) return {invalid_request(std::move(found))};
        return loop_.run([&]() -> task<reply> {
            auto answer = co_await row->call(static_cast<api*>(&*service_), {}, std::move(request));
            if (!answer) co_return reply{answer.error()};
            reply out{.status = row->success};
            write_json(out.body, answer->of(), answer->get());
            co_return out;
        });
    }
    std::string event_of(std::string product, std::string type = "VIEW_PRODUCT",
                         std::string metadata = R"({"session_id":"s1"})") {
        return R"({"user_id":"u1","product_id":")" + product + R"(","event_type":")" + type +
               R"(","timestamp":")" + rfc3339(clock_.now()) + R"(","metadata":)" + metadata + "}";
    }
    std::vector<delivery> logged() {
        return loop_
            .run([&] { return shop_->log().read(std::string(topic::raw_events), 0, 0, 2'000); })
            .value();
    }
    // "where: code" of the first problem.
    static std::string first(const reply& of) {
        return of.wrong.errors.empty() ? of.wrong.code
                                       : of.wrong.errors[0].where + ": " + of.wrong.errors[0].code;
    }

    testing::temporary_directory directory_;
    testing::manual_clock clock_;
    testing::seeded_random random_{testing::test_seed()};
    testing::test_loop loop_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<activity_service> service_;
};

TEST_F(activity_service_test, an_accepted_event_is_on_the_log_as_documented) {
    const auto answer = call("RecordEvent", event_of("p1"));
    EXPECT_EQ(answer.status, 202);
    EXPECT_EQ(answer.body, R"({"accepted":1})");
    const auto all = logged();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].message.key, "p1");
    EXPECT_EQ(all[0].message.type, topic::raw_events);
    EXPECT_TRUE(is_uuid(all[0].message.id));
    EXPECT_EQ(all[0].message.payload, event_of("p1"));
    EXPECT_EQ(call("RecordActivity", event_of("p2")).status, 202);
}

TEST_F(activity_service_test, a_batch_is_all_or_none) {
    EXPECT_EQ(
        call("RecordEvents", R"({"events":[)" + event_of("p1") + "," + event_of("p2") + "]}").body,
        R"({"accepted":2})");
    const auto refused =
        call("RecordEvents", R"({"events":[)" + event_of("p1") + "," + event_of("p1") + "," +
                                 event_of("p1") + "," + R"({"user_id":"u","event_type":"X",)" +
                                 R"("timestamp":"2026-01-01T00:00:00Z",)" + R"("metadata":{}}]})");
    EXPECT_EQ(first(refused), "events[3].product_id: required");
    EXPECT_EQ(http_status(refused.wrong.kind), 422);
    EXPECT_EQ(first(call("RecordEvents",
                         R"({"events":[)" + event_of("p1") + "," + event_of("p", "no way") + "]}")),
              "events[1].event_type: format");
    EXPECT_EQ(logged().size(), 2U);
}

TEST_F(activity_service_test, batches_are_bounded) {
    EXPECT_EQ(first(call("RecordEvents", R"({"events":[]})")), "events: too_short");
    std::string body = R"({"events":[)" + event_of("p");
    for (int i = 1; i < 1'000; ++i) body += ',' + event_of("p");
    EXPECT_EQ(call("RecordEvents", body + "]}").body, R"({"accepted":1000})");
    EXPECT_EQ(first(call("RecordEvents", body + ',' + event_of("p") + "]}")), "events: too_long");
    EXPECT_EQ(logged().size(), 1'000U);
}

TEST_F(activity_service_test, ill_formed_events_are_named_and_not_accepted) {
    EXPECT_EQ(first(call("RecordEvent", R"({"user_id":1})")), "user_id: string");
    EXPECT_EQ(first(call("RecordEvent", "{}")), "user_id: required");
    EXPECT_EQ(first(call("RecordEvent", event_of(""))), "product_id: too_short");
    EXPECT_EQ(first(call("RecordEvent", event_of("p", ""))), "event_type: too_short");
    EXPECT_EQ(first(call("RecordEvent", event_of("p", std::string(65, 'A')))),
              "event_type: too_long");
    EXPECT_EQ(first(call("RecordEvent", event_of("p", "A B"))), "event_type: format");
    EXPECT_EQ(first(call("RecordEvent", event_of("p", "X", "[1]"))), "metadata: object");
    EXPECT_EQ(first(call("RecordEvent", event_of("p", "X", R"("text")"))), "metadata: object");
    EXPECT_EQ(first(call("RecordEvent",
                         event_of("p", "X", R"({"a":")" + std::string(4'096, 'x') + R"("})"))),
              "metadata: too_long");
    EXPECT_EQ(first(call("RecordEvent", R"({"user_id":"u","product_id":"p","event_type":"X",)"
                                        R"("timestamp":"yesterday","metadata":{}})")),
              "timestamp: timestamp");
    EXPECT_TRUE(logged().empty());
}

TEST_F(activity_service_test, a_clock_may_be_five_minutes_ahead_and_no_more) {
    const auto now = clock_.now();
    auto body = event_of("p");
    clock_.set_wall(now - minutes(5));
    EXPECT_EQ(call("RecordEvent", body).status, 202);
    clock_.set_wall(now - minutes(5) - microseconds(1));
    EXPECT_EQ(first(call("RecordEvent", body)), "timestamp: in_the_future");
}

TEST_F(activity_service_test, without_the_log_nothing_is_accepted) {
    shop_->close();
    const auto refused = call("RecordEvent", event_of("p"));
    EXPECT_EQ(refused.wrong.code, "event_log_unavailable");
    EXPECT_EQ(http_status(refused.wrong.kind), 503);
}

TEST_F(activity_service_test, metadata_that_is_no_json_never_reaches_the_log) {
    for (const char* bad : {R"({"a":tru})", R"({"a":{"b":01}})", R"({"a":"\x"})", R"({"a":1,})"})
        EXPECT_EQ(first(call("RecordEvent", event_of("p", "X", bad))), ": syntax") << bad;
    const char* open = R"({"session_id":"s","deep":[{"n":-0.5e+3},null]})";
    EXPECT_EQ(call("RecordEvent", event_of("p", "X", open)).status, 202);
    EXPECT_EQ(logged().at(0).message.payload, event_of("p", "X", open));
}

}  // namespace
}  // namespace stoa::activities
