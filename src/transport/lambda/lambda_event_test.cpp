// Events as Lambda hands them out: tests/functions/events has one of each, as AWS documents them.
#include "transport/lambda/lambda_event.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace stoa::lambda {
namespace {

using functions::event_source;

std::string recorded(std::string_view name) {
    std::ifstream file("tests/functions/events/" + std::string(name) + ".json");
    std::stringstream out;
    out << file.rdbuf();
    EXPECT_FALSE(out.str().empty()) << name;
    return out.str();
}
functions::trigger good(std::string_view name) {
    auto out = read_event(recorded(name));
    EXPECT_TRUE(out) << name << ": " << out.error().detail;
    return out.value_or(functions::trigger{});
}
std::string replaced(std::string in, std::string_view what, std::string_view by) {
    const auto at = in.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return in.replace(at, what.size(), by);
}
std::string code_of(std::string_view json) {
    const auto out = read_event(json);
    return out ? "" : out.error().code;
}

void is_the_spring_file(const functions::record& of) {
    ASSERT_EQ(of.objects.size(), 1U);
    const auto& object = of.objects.front();
    EXPECT_EQ(object.bucket, "ecommerce-products");
    EXPECT_EQ(object.key, "new/spring & summer ä(1).csv");
    EXPECT_EQ(object.version, "096fKKXTRTtl3on89fVO.nfljtsv6qko");
    EXPECT_EQ(object.etag, "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(object.sequencer, "0055AED6DCD90281E5");
    EXPECT_EQ(object.size_bytes, 1024);
    EXPECT_TRUE(of.said.body.empty());
}

TEST(lambda_event, an_object_of_s3_is_named_by_its_own_key) {
    const auto got = good("s3_put");
    EXPECT_EQ(got.from, event_source::s3);
    ASSERT_EQ(got.records.size(), 1U);
    is_the_spring_file(got.records.front());
}
TEST(lambda_event, s3_by_way_of_sqs_and_of_sns_to_sqs_is_the_same_object) {
    for (const auto* name : {"sqs_s3", "sqs_sns_s3"}) {
        const auto got = good(name);
        EXPECT_EQ(got.from, event_source::sqs);
        ASSERT_EQ(got.records.size(), 1U) << name;
        EXPECT_EQ(got.records.front().id, "059f36b4-87a3-44ab-83d2-661975020000");
        is_the_spring_file(got.records.front());
    }
}
TEST(lambda_event, removals_and_the_trial_of_a_notification_announce_nothing) {
    EXPECT_TRUE(good("s3_removed").records.empty());
    EXPECT_TRUE(good("s3_test").records.empty());
    const auto got = good("sqs_s3_test");
    ASSERT_EQ(got.records.size(), 1U);
    EXPECT_TRUE(got.records.front().objects.empty());
    EXPECT_TRUE(got.records.front().said.body.empty());
}
TEST(lambda_event, messages_of_sqs_keep_their_ids_and_tell_how_often_they_came) {
    const auto got = good("sqs");
    ASSERT_EQ(got.records.size(), 2U);
    EXPECT_EQ(got.records[0].said.topic, "ecommerce-order-notifications");
    EXPECT_TRUE(got.records[0].said.body.starts_with("{\"id\":\"0199aaaa"));
    EXPECT_EQ(got.records[1].said.body, "no order at all");
    EXPECT_EQ(got.records[1].deliveries, 2);
}
TEST(lambda_event, a_message_of_sns_is_freed_of_its_envelope) {
    const auto direct = good("sns"), queued = good("sqs_sns");
    EXPECT_EQ(direct.from, event_source::sns);
    EXPECT_EQ(direct.records.at(0).id, "95df01b4-ee98-5cb9-9903-4c221d41eb5e");
    EXPECT_EQ(direct.records.at(0).said.topic, "ecommerce-events");
    EXPECT_EQ(queued.records.at(0).said.topic, "ecommerce-events");
    EXPECT_EQ(direct.records.at(0).said.body, queued.records.at(0).said.body);
}
TEST(lambda_event, records_of_kafka_are_decoded_and_named_by_their_place) {
    const auto got = good("msk");
    EXPECT_EQ(got.from, event_source::kafka);
    ASSERT_EQ(got.records.size(), 3U);
    EXPECT_EQ(got.records[1].id, "orders-0@16");
    EXPECT_EQ(got.records[2].id, "orders-3@7");
    EXPECT_EQ(got.records[0].said.topic, "orders");
    EXPECT_EQ(got.records[0].said.key, "0199bbbb-0000-7000-8000-000000000001");
    EXPECT_TRUE(got.records[0].said.body.ends_with("\"version\":3}"));
}
TEST(lambda_event, a_record_of_kafka_without_key_or_value_is_one) {
    const auto got = read_event(
        R"({"eventSource":"SelfManagedKafka","records":{"a-0":[
            {"topic":"a","partition":0,"offset":0,"key":null,"value":null}]}})");
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->records.at(0).said.body.empty());
}

TEST(lambda_event, what_is_no_event_is_called_so) {
    EXPECT_EQ(code_of(""), "event_not_json");
    EXPECT_EQ(code_of("{\"Records\":["), "event_not_json");
    EXPECT_EQ(code_of("\xff{}"), "event_not_json");
    for (const auto* json : {"{}", "[]", "null", "3", R"({"Records":[]})", R"({"Records":{}})",
                             R"({"Records":[{"eventSource":"aws:ses"}]})", R"({"Records":[{}]})",
                             R"({"Records":[3]})", R"({"eventSource":"aws:mq"})"})
        EXPECT_EQ(code_of(json), "event_unknown") << json;
}
TEST(lambda_event, an_event_that_is_not_as_documented_says_what_is_missing) {
    const struct {
        const char *event, *what, *by, *said;
    } cases[] = {
        {"s3_put", "\"eventName\"", "\"eventname\"", "eventName"},
        {"s3_put", "\"name\"", "\"nom\"", "s3.bucket.name"},
        {"s3_put", "\"key\"", "\"clef\"", "s3.object.key"},
        {"s3_put", "new/spring+%26", "new/spring+%2", "s3.object.key"},
        {"s3_put", "new/spring+%26", "new/spring+%ff", "s3.object.key"},
        {"s3_put", "new/spring+%26", "new/spring+%00", "s3.object.key"},
        {"s3_put", "1024", "-1", "s3.object.size"},
        {"sqs", "\"messageId\"", "\"messageid\"", "messageId"},
        {"sqs", "\"body\"", "\"Body\"", "body"},
        {"sqs", "aws:sqs", "aws:s3", "several sources"},
        {"sns", "\"MessageId\"", "\"messageId\"", "Sns.MessageId"},
        {"sns", "\"Message\"", "\"message\"", "Sns.Message"},
        {"msk", "\"records\"", "\"Records\"", "no records"},
        {"msk", "\"offset\": 16", "\"offset\": -16", "offset"},
        {"msk", "\"partition\": 3", "\"partition\": \"3\"", "partition"},
        {"msk", "\"value\": \"ey", "\"value\": \"e_", "base64"},
        {"msk", "\"value\": \"ey", "\"value\": \"e", "base64"},
    };
    for (const auto& each : cases) {
        const auto got = read_event(replaced(recorded(each.event), each.what, each.by));
        ASSERT_FALSE(got) << each.event << ' ' << each.by;
        EXPECT_EQ(got.error().code, "event_broken") << each.by;
        EXPECT_EQ(got.error().kind, errc::malformed);
        EXPECT_NE(got.error().detail.find(each.said), std::string::npos) << got.error().detail;
    }
}
TEST(lambda_event, a_broken_notification_in_a_queue_fails_as_a_message_of_its_own) {
    const auto got = read_event(replaced(recorded("sqs_s3"), "\\\"key\\\"", "\\\"clef\\\""));
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->records.at(0).objects.empty());
    EXPECT_FALSE(got->records.at(0).said.body.empty());
}

TEST(lambda_event, sequencers_are_ordered_as_s3_says) {
    using functions::comes_before;
    EXPECT_TRUE(comes_before("0055AED6DCD90281E5", "0055AED6DCD90281E6"));
    EXPECT_TRUE(comes_before("0055AED6", "0055AED601"));
    EXPECT_FALSE(comes_before("0055AED600", "0055AED6"));
    EXPECT_FALSE(comes_before("0055AED6", "0055AED600"));
    EXPECT_FALSE(comes_before("", "0055AED6"));
    EXPECT_FALSE(comes_before("0055AED6", ""));
}

TEST(lambda_event, sqs_alone_is_told_which_messages_failed) {
    functions::outcome done;
    EXPECT_EQ(write_answer({.from = event_source::sqs}, done), R"({"batchItemFailures":[]})");
    done.failed.push_back({"a\"b", {}});
    done.failed.push_back({"c", {}});
    EXPECT_EQ(write_answer({.from = event_source::sqs}, done),
              R"({"batchItemFailures":[{"itemIdentifier":"a\"b"},{"itemIdentifier":"c"}]})");
    EXPECT_EQ(write_answer({.from = event_source::s3}, done), "{}");
}

}  // namespace
}  // namespace stoa::lambda
