// The queue port on elasticmq.
#include "adapters/sqs/sqs_queue.hpp"
#include "engines/aws_under_test.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

class sqs_test : public ::testing::Test {
 protected:
    void SetUp() override {
        options_ = {.region = aws_test_region,
                    .endpoint_url = engine_address("STOA_TEST_SQS"),
                    .queue_prefix = new_place("q")};
        open();
        const auto made = loop_.run([&] {
            return queue_->ensure_queues({{.name = "dead"},
                                          {.name = "plain", .dead_letters = "dead", .receives = 2},
                                          {.name = "ordered.fifo"}});
        });
        ASSERT_TRUE(made) << made.error().detail;
    }
    void open() { queue_.emplace(options_, aws_.by, aws_.here, aws_.time, aws_.random); }
    result<std::string> send(std::string queue, queue_message what) {
        return loop_.run([&] { return queue_->send(queue, what); });
    }
    std::vector<received_message> receive(std::string queue, seconds hidden = seconds(30),
                                          seconds wait = seconds(0)) {
        const auto got = loop_.run([&] { return queue_->receive(queue, 10, wait, hidden); });
        EXPECT_TRUE(got) << got.error().detail;
        return got ? *got : std::vector<received_message>();
    }

    test_loop loop_;
    aws_under_test aws_;
    sqs_options options_;
    std::optional<sqs_queue> queue_;
};

TEST_F(sqs_test, a_message_is_handed_out_until_it_is_removed) {
    const std::string body = "order \"7\" \xc3\xa9 \n<&>";
    const auto id = send("plain", {.body = body});
    ASSERT_TRUE(id) << id.error().detail;
    auto got = receive("plain", seconds(30), seconds(5));
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].body, body);
    EXPECT_EQ(got[0].id, *id);
    EXPECT_EQ(got[0].receives, 1);
    EXPECT_TRUE(receive("plain").empty());
    ASSERT_TRUE(loop_.run([&] { return queue_->hide("plain", got[0].receipt, seconds(0)); }));
    got = receive("plain", seconds(30), seconds(5));
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].receives, 2);
    EXPECT_TRUE(loop_.run([&] { return queue_->remove("plain", got[0].receipt); }));
    EXPECT_TRUE(receive("plain").empty());
}

TEST_F(sqs_test, what_is_received_too_often_goes_to_the_dead_letters) {
    ASSERT_TRUE(send("plain", {.body = "poison"}));
    for (int i = 0; i < 2; ++i) {
        const auto got = receive("plain", seconds(30), seconds(5));
        ASSERT_EQ(got.size(), 1u);
        ASSERT_TRUE(loop_.run([&] { return queue_->hide("plain", got[0].receipt, seconds(0)); }));
    }
    EXPECT_TRUE(receive("plain").empty());
    const auto dead = receive("dead", seconds(30), seconds(5));
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].body, "poison");
}

TEST_F(sqs_test, an_ordered_queue_keeps_order_and_drops_a_second_one_of_an_id) {
    for (const auto& [id, body] : {std::pair{"a", "1"}, {"b", "2"}, {"a", "1"}, {"c", "3"}})
        ASSERT_TRUE(send("ordered.fifo", {.body = body, .group = "order-1", .dedup_id = id}));
    std::string all;
    for (const auto& each : receive("ordered.fifo", seconds(30), seconds(5))) all += each.body;
    EXPECT_EQ(all, "123");
}

TEST_F(sqs_test, what_cannot_be_sent_is_refused_before_the_wire) {
    const auto code = [&](std::string body) {
        return send("plain", {.body = std::move(body)}).error().code;
    };
    EXPECT_EQ(code(""), "message_size");
    EXPECT_EQ(code(std::string(256 * 1024 + 1, 'x')), "message_size");
    EXPECT_EQ(code("\xff"), "message_ill_formed");
    EXPECT_TRUE(send("plain", {.body = std::string(256 * 1024, 'x')}));
}

TEST_F(sqs_test, missing_queues_and_regions_are_named) {
    const auto missing = loop_.run([&] { return queue_->check_queues({"plain", "nothing"}); });
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, "queue_missing") << missing.error().detail;
    EXPECT_NE(missing.error().detail.find(options_.queue_prefix + "nothing"), std::string::npos);
    options_.region.clear();
    open();
    EXPECT_EQ(send("plain", {.body = "x"}).error().code, "aws_region_missing");
}

}  // namespace
}  // namespace stoa::testing
