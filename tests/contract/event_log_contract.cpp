// What every engine of the event_log port keeps.
#include "contract/engine.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <map>
#include <set>

namespace stoa::testing {
namespace {

event make(std::string key, std::string id) {
    return {.topic = "orders",
            .key = std::move(key),
            .id = std::move(id),
            .type = "order.paid",
            .version = 3,
            .occurred_at = {1'790'000'000'000'001},
            .traceparent = "00-1-2-01",
            .payload = R"({"n":1})"};
}

class event_log_contract : public on_engine {
 protected:
    void SetUp() override {
        start({{}, {{.name = "orders", .partitions = 3}, {.name = "other", .partitions = 1}}, {}});
    }
    void append(std::vector<event> events) {
        const auto kept =
            run([&]() -> task<result<void>> { co_return co_await store_->log().append(events); });
        ASSERT_TRUE(kept) << kept.error().detail;
    }
    std::unique_ptr<subscription> subscribe(std::string group, lane share = {}) {
        auto made = store_->log().subscribe(std::move(group), {"orders"}, share);
        EXPECT_TRUE(made) << made.error().detail;
        return made ? *std::move(made) : nullptr;
    }
    delivery_batch next(subscription& from, int max = 10) {
        auto batch =
            run([&]() -> task<result<delivery_batch>> { co_return co_await from.next(max); });
        EXPECT_TRUE(batch);
        return batch ? *std::move(batch) : delivery_batch{};
    }
    result<void> done(subscription& from, std::string topic, int partition,
                      std::int64_t next_offset) {
        return run([&]() -> task<result<void>> {
            co_return co_await from.done(topic, partition, next_offset);
        });
    }
    // Takes and acknowledges until `count` events were seen; by partition, in the order they came.
    std::map<int, std::vector<delivery>> consume(subscription& from, int count, int max = 10) {
        std::map<int, std::vector<delivery>> out;
        while (count > 0) {
            auto batch = next(from, max);
            if (batch.events.empty()) break;
            count -= static_cast<int>(batch.events.size());
            EXPECT_TRUE(done(from, batch.topic, batch.partition, batch.events.back().offset + 1));
            for (auto& each : batch.events) out[batch.partition].push_back(std::move(each));
        }
        EXPECT_EQ(count, 0);
        return out;
    }
    std::int64_t lag(const std::string& group) {
        const auto lags = run([&]() -> task<result<std::vector<group_lag>>> {
            co_return co_await store_->log().lags();
        });
        for (const auto& each : *lags)
            if (each.group == group && each.topic == "orders") return each.events;
        return -1;
    }
    bool is_parked(std::string group, std::string key) {
        return run([&]() -> task<result<bool>> {
                   co_return co_await store_->log().is_parked(group, "orders", key);
               })
            .value();
    }
};

TEST_P(event_log_contract, an_event_arrives_as_it_was_appended) {
    append({make("key", "e1")});
    const auto consumer = subscribe("g");
    const auto batch = next(*consumer);
    ASSERT_EQ(batch.events.size(), 1u);
    const auto& got = batch.events.front();
    EXPECT_EQ(got.group, "g");
    EXPECT_EQ(got.partition, partition_of("key", 3));
    EXPECT_EQ(batch.partition, got.partition);
    EXPECT_EQ(got.offset, 0);
    EXPECT_FALSE(got.redriven);
    const auto sent = make("key", "e1");
    EXPECT_EQ(got.message.topic, sent.topic);
    EXPECT_EQ(got.message.key, sent.key);
    EXPECT_EQ(got.message.id, sent.id);
    EXPECT_EQ(got.message.type, sent.type);
    EXPECT_EQ(got.message.version, sent.version);
    EXPECT_EQ(got.message.occurred_at, sent.occurred_at);
    EXPECT_EQ(got.message.traceparent, sent.traceparent);
    EXPECT_EQ(got.message.payload, sent.payload);
}

TEST_P(event_log_contract, an_append_is_all_or_nothing) {
    auto lost = make("key", "bad");
    lost.topic = "nowhere";
    const auto kept = run([&]() -> task<result<void>> {
        std::vector<event> both{make("key", "good"), lost};
        co_return co_await store_->log().append(std::move(both));
    });
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, "unknown_topic");
    append({make("key", "later")});
    const auto consumer = subscribe("g");
    EXPECT_EQ(next(*consumer).events.front().message.id, "later");
}

TEST_P(event_log_contract, events_of_a_key_come_in_order_and_each_once) {
    std::vector<event> all;
    for (int i = 0; i < 200; ++i)
        all.push_back(make("k" + std::to_string(i % 17), std::to_string(i)));
    append(all);
    const auto consumer = subscribe("g");
    std::map<std::string, int> last;
    std::set<std::string> ids;
    for (const auto& [partition, events] : consume(*consumer, 200, 7))
        for (std::size_t i = 0; i < events.size(); ++i) {
            EXPECT_EQ(events[i].offset, static_cast<std::int64_t>(i)) << "offsets have no gaps";
            const auto n = std::stoi(events[i].message.id);
            auto& before = last.try_emplace(events[i].message.key, -1).first->second;
            EXPECT_LT(before, n);
            before = n;
            EXPECT_TRUE(ids.insert(events[i].message.id).second);
        }
    EXPECT_EQ(ids.size(), 200u);
    EXPECT_EQ(lag("g"), 0);
}

TEST_P(event_log_contract, a_new_group_starts_at_the_earliest_event) {
    append({make("a", "1"), make("a", "2")});
    const auto first = subscribe("first");
    consume(*first, 2);
    const auto second = subscribe("second");
    consume(*second, 2);
}

TEST_P(event_log_contract, a_group_goes_on_where_it_was_after_a_restart) {
    append({make("a", "1"), make("a", "2"), make("a", "3")});
    {
        const auto consumer = subscribe("g");
        const auto batch = next(*consumer, 3);
        ASSERT_EQ(batch.events.size(), 3u);
        ASSERT_TRUE(done(*consumer, batch.topic, batch.partition, 2));
    }
    store_->restart();
    const auto again = subscribe("g");
    const auto batch = next(*again);
    ASSERT_EQ(batch.events.size(), 1u);
    EXPECT_EQ(batch.events.front().message.id, "3");
    EXPECT_EQ(lag("g"), 1);
}

TEST_P(event_log_contract, what_was_not_done_comes_again_after_a_restart) {
    append({make("a", "1")});
    {
        const auto consumer = subscribe("g");
        EXPECT_EQ(next(*consumer).events.size(), 1u);
    }
    store_->restart();
    const auto again = subscribe("g");
    EXPECT_EQ(next(*again).events.size(), 1u);
}

TEST_P(event_log_contract, lanes_share_the_partitions_without_overlap) {
    std::vector<event> all;
    for (int i = 0; i < 60; ++i) all.push_back(make("k" + std::to_string(i), std::to_string(i)));
    append(all);
    std::map<int, int> per_lane;
    for (const auto& each : all) per_lane[partition_of(each.key, 3) % 2]++;
    std::set<std::string> ids;
    for (int index = 0; index < 2; ++index) {
        const auto consumer = subscribe("g", {index, 2});
        for (const auto& [partition, events] : consume(*consumer, per_lane[index])) {
            EXPECT_EQ(partition % 2, index);
            for (const auto& each : events) EXPECT_TRUE(ids.insert(each.message.id).second);
        }
    }
    EXPECT_EQ(ids.size(), 60u);
}

TEST_P(event_log_contract, a_partition_hands_out_its_next_batch_only_after_done) {
    append({make("a", "1"), make("a", "2")});
    const auto consumer = subscribe("g");
    const auto batch = next(*consumer, 1);
    std::optional<delivery_batch> second;
    loop_.spawn([&]() -> task<> { second = (co_await consumer->next(1)).value(); });
    loop_.drain();
    EXPECT_FALSE(second);
    // Something else comes: it wakes the consumer, and the partition is still taken.
    append({make("a", "3")});
    loop_.drain();
    EXPECT_FALSE(second);
}

TEST_P(event_log_contract, a_waiting_consumer_wakes_when_something_is_published) {
    const auto consumer = subscribe("g");
    std::optional<delivery_batch> got;
    loop_.spawn([&]() -> task<> { got = (co_await consumer->next(10)).value(); });
    loop_.drain();
    ASSERT_FALSE(got);
    append({make("a", "1")});
    ASSERT_TRUE(loop_.run_until([&] { return got.has_value(); }));
    EXPECT_EQ(got->events.front().message.id, "1");
}

TEST_P(event_log_contract, waiting_ends_when_it_is_cancelled) {
    const auto consumer = subscribe("g");
    asio::cancellation_signal stop;
    bool ended = false, aborted = false;
    auto waits = [&]() -> task<> { (void)co_await consumer->next(1); };
    asio::co_spawn(loop_.on(), waits(),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) {
                       ended = true;
                       aborted = e != nullptr;
                   }));
    loop_.drain();
    ASSERT_FALSE(ended);
    stop.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(loop_.run_until([&] { return ended; }));
    EXPECT_TRUE(aborted);
}

TEST_P(event_log_contract, done_never_goes_back_and_never_past_the_end) {
    append({make("a", "1"), make("a", "2")});
    const auto consumer = subscribe("g");
    const auto batch = next(*consumer);
    ASSERT_TRUE(done(*consumer, "orders", batch.partition, 2));
    EXPECT_TRUE(done(*consumer, "orders", batch.partition, 1));
    EXPECT_EQ(lag("g"), 0);
    const auto beyond = done(*consumer, "orders", batch.partition, 99);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code, "offset_past_end");
    const auto foreign = done(*consumer, "other", 0, 1);
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().code, "not_subscribed");
}

TEST_P(event_log_contract, a_partition_is_read_from_any_offset_without_a_group) {
    append({make("a", "1"), make("a", "2"), make("a", "3")});
    const auto partition = partition_of("a", 3);
    const auto read = [&](std::int64_t from, int max) {
        return run([&]() -> task<result<std::vector<delivery>>> {
            co_return co_await store_->log().read("orders", partition, from, max);
        });
    };
    EXPECT_EQ(read(1, 10)->size(), 2u);
    EXPECT_EQ(read(0, 2)->size(), 2u);
    EXPECT_TRUE(read(3, 10)->empty());
    const auto positions = run([&]() -> task<result<std::vector<topic_position>>> {
        co_return co_await store_->log().positions("orders");
    });
    ASSERT_EQ(positions->size(), 3u);
    EXPECT_EQ((*positions)[static_cast<std::size_t>(partition)].first, 0);
    EXPECT_EQ((*positions)[static_cast<std::size_t>(partition)].end, 3);
}

TEST_P(event_log_contract, topics_that_were_not_declared_are_refused) {
    EXPECT_FALSE(store_->log().subscribe("g", {"nowhere"}, {}));
    EXPECT_FALSE(run([&]() -> task<result<std::vector<delivery>>> {
        co_return co_await store_->log().read("nowhere", 0, 0, 1);
    }));
}

TEST_P(event_log_contract,
       a_parked_event_is_in_the_dead_letters_with_its_id_and_its_key_is_parked) {
    append({make("a", "e1")});
    const auto batch = next(*subscribe("g"));
    EXPECT_FALSE(is_parked("g", "a"));
    const auto park = [&] {
        return run([&]() -> task<result<void>> {
            error why{.kind = errc::invalid, .code = "bad", .detail = "because"};
            co_return co_await store_->log().park(batch.events.front(), std::move(why), 3);
        });
    };
    ASSERT_TRUE(park());
    ASSERT_TRUE(park()) << "parking again, after a crash before `done`, adds nothing";
    EXPECT_TRUE(is_parked("g", "a"));
    EXPECT_FALSE(is_parked("g", "b"));
    EXPECT_FALSE(is_parked("another", "a"));
    const auto letters = run([&]() -> task<result<std::vector<delivery>>> {
        co_return co_await store_->log().read("orders.dlq", batch.partition, 0, 10);
    });
    ASSERT_TRUE(letters);
    ASSERT_EQ(letters->size(), 1u);
    EXPECT_EQ(letters->front().message.id, "e1");
    store_->restart();
    EXPECT_TRUE(is_parked("g", "a"));
}

INSTANTIATE_TEST_SUITE_P(engines, event_log_contract, ::testing::ValuesIn(log_engines()),
                         engine_name);

}  // namespace
}  // namespace stoa::testing
