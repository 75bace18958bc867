// Order events on their second way: from the outbox to the log, and to a queue of elasticmq.
#include "adapters/outbox/relay.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/sqs/sqs_queue.hpp"
#include "engines/aws_under_test.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <set>

namespace stoa::testing {
namespace {

class order_queue_test : public ::testing::Test {
 protected:
    order_queue_test()
        : queues_({.region = aws_test_region,
                   .endpoint_url = engine_address("STOA_TEST_SQS"),
                   .queue_prefix = new_place("q")},
                  aws_.by, aws_.here, aws_.time, aws_.random) {
        sqlite_options options{.directory = directory_ / "data",
                               .tables = {&outbox_table, &leases_table},
                               .topics = {{.name = "orders"}, {.name = "payments"}}};
        auto opened = sqlite_shop::open(options, aws_.time);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        outbox_.emplace(shop_->items(), aws_.time);
        relay_.emplace(shop_->items(), shop_->log(), aws_.time, aws_.random, "test",
                       relay_settings{.also = queue_destination{&queues_, "told", "orders"}});
    }
    void make_queue() {
        const auto made = loop_.run([&] { return queues_.ensure_queues({{.name = "told"}}); });
        ASSERT_TRUE(made) << made.error().detail;
    }
    void publish(std::string topic, std::string id) {
        write_set in;
        in.publish({.topic = std::move(topic),
                    .key = "order-1",
                    .id = id,
                    .type = "order.paid",
                    .version = ++version_,
                    .occurred_at = aws_.time.now(),
                    .payload = "{\"id\":\"" + id + "\"}"});
        const auto done = loop_.run([&] { return outbox_->write(in); });
        ASSERT_TRUE(done) << done.error().detail;
    }
    // Whether every shard could be brought.
    bool bring() {
        bool all = true;
        for (int shard = 0; shard < relay_->shards(); ++shard)
            all = loop_.run([&] { return relay_->work_on(shard); }).has_value() && all;
        return all;
    }
    std::size_t logged(const std::string& topic) {
        std::size_t out = 0;
        for (int partition = 0; partition < 4; ++partition)
            out += loop_.run([&] { return shop_->log().read(topic, partition, 0, 1'000); })
                       .value()
                       .size();
        return out;
    }
    std::vector<std::string> queued() {
        const auto got =
            loop_.run([&] { return queues_.receive("told", 10, seconds(1), seconds(600)); });
        EXPECT_TRUE(got) << got.error().detail;
        std::vector<std::string> out;
        if (got)
            for (const auto& each : *got) out.push_back(each.body);
        return out;
    }

    test_loop loop_;
    aws_under_test aws_;
    temporary_directory directory_;
    sqs_queue queues_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<outboxed_items> outbox_;
    std::optional<relay> relay_;
    std::int64_t version_ = 0;
};

TEST_F(order_queue_test, order_events_and_no_others_are_sent_once) {
    make_queue();
    publish("orders", "a");
    publish("payments", "b");
    EXPECT_TRUE(bring());
    EXPECT_TRUE(bring());
    EXPECT_EQ(queued(), std::vector<std::string>{"{\"id\":\"a\"}"});
    EXPECT_EQ(logged("orders"), 1u);
    EXPECT_EQ(logged("payments"), 1u);
}

TEST_F(order_queue_test, a_queue_that_is_away_holds_up_nothing_else) {
    std::set<std::string> sent;
    const auto publish_some = [&](int from) {
        for (int i = from; i < from + 150; ++i) {
            publish("orders", std::to_string(i));
            sent.insert("{\"id\":\"" + std::to_string(i) + "\"}");
        }
    };
    publish_some(1'000);
    EXPECT_FALSE(bring());
    publish_some(2'000);  // of the same order, behind more than a batch
    EXPECT_FALSE(bring());
    EXPECT_EQ(logged("orders"), 300u) << "the log has all, and each once";
    make_queue();
    EXPECT_TRUE(bring());
    std::set<std::string> got;
    for (auto some = queued(); !some.empty(); some = queued()) got.insert(some.begin(), some.end());
    EXPECT_EQ(got, sent);
    EXPECT_EQ(logged("orders"), 300u);
}

}  // namespace
}  // namespace stoa::testing
