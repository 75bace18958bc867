// The notifier on moto's SNS; what a topic's subscribers get is read from a queue of the same
// server.
#include "adapters/sns/sns_notifier.hpp"
#include "adapters/sqs/sqs_queue.hpp"
#include "engines/aws_under_test.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

class sns_test : public ::testing::Test {
 protected:
    void SetUp() override {
        options_ = {.region = aws_test_region, .endpoint_url = engine_address("STOA_TEST_SNS")};
        open();
    }
    void open() { sns_.emplace(options_, aws_.by, aws_.here, aws_.time, aws_.random); }
    result<void> send(message what) {
        return loop_.run([&] { return sns_->send(what); });
    }
    void make_topic(const std::string& name) {
        const auto arn = loop_.run([&] { return sns_->ensure_topic(name); });
        ASSERT_TRUE(arn) << arn.error().detail;
        options_.topic_arn = *arn;
        open();
    }

    test_loop loop_;
    aws_under_test aws_;
    sns_options options_;
    std::optional<sns_notifier> sns_;
};

TEST_F(sns_test, a_message_reaches_the_topics_subscribers) {
    make_topic(new_place("topic") + "t");
    EXPECT_TRUE(loop_.run([&] { return sns_->check(); }));
    sqs_queue queue({.region = options_.region, .endpoint_url = options_.endpoint_url}, aws_.by,
                    aws_.here, aws_.time, aws_.random);
    const auto name = new_place("q") + "in";
    ASSERT_TRUE(loop_.run([&] { return queue.ensure_queues({{.name = name}}); }));
    ASSERT_TRUE(loop_.run(
        [&] { return sns_->subscribe_queue("arn:aws:sqs:us-east-1:123456789012:" + name); }));
    const std::string body = "Your order is paid & on its way: \xe2\x82\xac 5\n+ thanks";
    const auto sent = send({.id = "e-1:email",
                            .channel = "email",
                            .to = "a@shop.example",
                            .subject = "Paid",
                            .body = body});
    ASSERT_TRUE(sent) << sent.error().detail;
    const auto got = loop_.run([&] { return queue.receive(name, 10, seconds(5), seconds(30)); });
    ASSERT_TRUE(got) << got.error().detail;
    ASSERT_EQ(got->size(), 1u);
    EXPECT_EQ(got->front().body, body);
}

TEST_F(sns_test, a_telephone_gets_a_text_message_and_other_numbers_none) {
    EXPECT_TRUE(send({.id = "1", .channel = "sms", .to = "+4915112345678", .body = "Paid"}));
    for (const char* to : {"", "015112345678", "+49 151", "a@shop.example"}) {
        const auto refused = send({.id = "1", .channel = "sms", .to = to, .body = "Paid"});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, "recipient_ill_formed");
    }
    EXPECT_EQ(send({.id = "1", .channel = "sms", .to = "+4915112345678"}).error().code,
              "message_size");
}

TEST_F(sns_test, a_missing_topic_is_named) {
    options_.topic_arn = "arn:aws:sns:us-east-1:123456789012:nothing";
    open();
    for (const auto& why :
         {loop_.run([&] { return sns_->check(); }).error(),
          send({.id = "1", .channel = "email", .to = "a", .body = "x"}).error()}) {
        EXPECT_EQ(why.code, "topic_missing") << why.detail;
        EXPECT_NE(why.detail.find("SNS_TOPIC_ARN"), std::string::npos);
    }
}

TEST(sns_subjects, are_what_sns_takes) {
    EXPECT_EQ(sns_subject("Paid"), "Paid");
    EXPECT_EQ(sns_subject("  a\r\nb\tc"), "a  b c");
    EXPECT_EQ(sns_subject("caf\xc3\xa9 \xf0\x9f\x9b\x92!"), "caf? ?!");
    EXPECT_EQ(sns_subject(std::string(300, 'x')).size(), 99u);
    EXPECT_EQ(sns_subject("\n \n"), "");
}

}  // namespace
}  // namespace stoa::testing
