// Groups of several processes, dead letters and redrive on the shared broker.
#include "adapters/outbox/relay.hpp"
#include "engines/kafka_support.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

class kafka_groups : public ::testing::Test {
 protected:
    kafka_groups() : options_(kafka_test_options()), store_(directory_ / "data") {
        make_topics(options_);
    }
    // One process's log.
    std::unique_ptr<kafka_event_log> open(std::string instance = {}) {
        auto options = options_;
        options.instance_id = std::move(instance);
        auto opened = kafka_event_log::open(std::move(options), store_.items(), store_.time);
        if (!opened) throw std::runtime_error(opened.error().detail);
        return *std::move(opened);
    }
    void append(event_log& log, int from, int until, int keys = 40) {
        std::vector<event> all;
        for (int n = from; n < until; ++n)
            all.push_back(told_event("k" + std::to_string(n % keys), n));
        const auto kept = loop_.run([&] { return log.append(all); });
        ASSERT_TRUE(kept) << kept.error().detail;
    }
    static std::set<int> partitions_of(const kafka_listener& who, std::size_t from = 0) {
        std::set<int> out;
        for (auto i = from; i < who.got.size(); ++i) out.insert(who.got[i].partition);
        return out;
    }
    static std::set<int> held_by(kafka_event_log& who) {
        std::set<int> out;
        for (const auto& each : who.held("g"))
            if (!each.leaving) out.insert(each.partition);
        return out;
    }
    // Of the four that it had.
    static bool gives_some_up(kafka_event_log& who) { return held_by(who).size() < 4; }
    // Two members, two partitions each, and neither waits for another move.
    void wait_until_shared(kafka_event_log& one, kafka_event_log& other) {
        ASSERT_TRUE(eventually(loop_, [&] {
            const auto left = held_by(one), right = held_by(other);
            return left.size() == 2 && right.size() == 2 && one.held("g").size() == 2 &&
                   std::ranges::none_of(left, [&](int n) { return right.contains(n); });
        }));
    }
    static void expect_order(const std::vector<delivery>& got) {
        std::map<std::string, std::int64_t> last;
        for (const auto& each : got) {
            auto& before = last.try_emplace(each.message.key, -1).first->second;
            EXPECT_LT(before, each.message.version) << each.message.key;
            before = each.message.version;
        }
    }

    temporary_directory directory_;
    test_loop loop_;
    kafka_options options_;
    kafka_test_store store_;
};

// The first has a batch in hand when it is asked to give up its part: that batch counts, and
// nothing of it comes to the second.
TEST_F(kafka_groups, a_second_process_takes_its_part_and_gives_it_back_in_order) {
    const auto a = open("a"), b = open("b");
    append(*a, 0, 400);
    kafka_listener first(loop_, *a, "g");
    ASSERT_TRUE(loop_.run_until([&] { return first.ids.size() == 400; }));
    EXPECT_EQ(partitions_of(first).size(), 4U);
    {
        first.hold();
        append(*a, 400, 800);
        ASSERT_TRUE(loop_.run_until([&] { return first.has_one_in_hand(); }));
        kafka_listener second(loop_, *b, "g");
        ASSERT_TRUE(eventually(loop_, [&] { return gives_some_up(*a); }));
        first.go_on();
        wait_until_shared(*a, *b);
        ASSERT_TRUE(loop_.run_until([&] { return first.ids.size() + second.ids.size() >= 800; }));
        EXPECT_EQ(first.got.size() + second.got.size(), 800U)
            << "partitions moved in order: nothing came twice";
        expect_order(second.got);
        const auto before = first.got.size();
        const auto of_b = held_by(*b);
        append(*a, 800, 1'200);
        ASSERT_TRUE(loop_.run_until([&] { return first.ids.size() + second.ids.size() >= 1'200; }));
        EXPECT_EQ(partitions_of(first, before), held_by(*a));
        EXPECT_EQ(held_by(*b), of_b);
    }
    ASSERT_TRUE(eventually(loop_, [&] { return held_by(*a).size() == 4; })) << "given back";
    const auto before = first.got.size();
    append(*a, 1'200, 1'300);
    ASSERT_TRUE(loop_.run_until([&] { return first.got.size() >= before + 100; }));
    expect_order(first.got);
}

TEST_F(kafka_groups, a_member_that_is_back_within_its_session_moves_nobody) {
    const auto a = open("a");
    auto b = open("b");
    kafka_listener first(loop_, *a, "g");
    append(*a, 0, 400);
    ASSERT_TRUE(loop_.run_until([&] { return first.ids.size() == 400; }));
    auto second = std::make_unique<kafka_listener>(loop_, *b, "g");
    wait_until_shared(*a, *b);
    const auto ours = held_by(*a), theirs = held_by(*b);
    second.reset();
    b = open("b");
    second = std::make_unique<kafka_listener>(loop_, *b, "g");
    const auto before = first.got.size();
    append(*a, 400, 600);
    std::size_t share = 0;
    for (int i = 400; i < 600; ++i)
        share += theirs.contains(partition_of("k" + std::to_string(i % 40), 4));
    ASSERT_TRUE(loop_.run_until([&] { return second->got.size() >= share; }));
    EXPECT_EQ(partitions_of(*second), theirs);
    EXPECT_EQ(held_by(*b), theirs);
    ASSERT_TRUE(loop_.run_until([&] { return first.got.size() >= before + 200 - share; }));
    EXPECT_EQ(partitions_of(first, before), ours);
    EXPECT_EQ(held_by(*a), ours);
}

TEST_F(kafka_groups, lanes_of_a_process_share_one_member) {
    const auto log = open();
    append(*log, 0, 400);
    kafka_listener even(loop_, *log, "g", {0, 2}), odd(loop_, *log, "g", {1, 2});
    ASSERT_TRUE(loop_.run_until([&] { return even.ids.size() + odd.ids.size() == 400; }));
    EXPECT_EQ(partitions_of(even), (std::set<int>{0, 2}));
    EXPECT_EQ(partitions_of(odd), (std::set<int>{1, 3}));
    EXPECT_EQ(log->subscribe("g", {"other"}, {}).error().code, "unknown_topic");
}

TEST_F(kafka_groups, lags_count_what_no_member_has_done) {
    const auto log = open();
    append(*log, 0, 100);
    const auto consumer = log->subscribe("g", {"news"}, {}).value();
    const auto lag = [&] { return loop_.run([&] { return log->lags(); }).value().front().events; };
    EXPECT_EQ(lag(), 100);
    const auto batch = loop_.run([&] { return consumer->next(7); }).value();
    ASSERT_TRUE(loop_.run([&] {
        return consumer->done(batch.topic, batch.partition, batch.events.back().offset + 1);
    }));
    EXPECT_EQ(lag(), 100 - std::ssize(batch.events));
    EXPECT_EQ(log->lags_now().front().events, 100 - std::ssize(batch.events));
}

TEST_F(kafka_groups, what_a_batch_left_undone_comes_again_to_the_same_process) {
    const auto log = open();
    append(*log, 0, 50, 1);
    const auto consumer = log->subscribe("g", {"news"}, {}).value();
    const auto next = [&] { return loop_.run([&] { return consumer->next(20); }).value(); };
    std::vector<std::string> ids;
    while (ids.size() < 50) {
        const auto batch = next();
        const auto done = std::max<std::size_t>(1, batch.events.size() / 2);
        for (std::size_t i = 0; i < done; ++i) ids.push_back(batch.events[i].message.id);
        ASSERT_TRUE(loop_.run([&] {
            return consumer->done("news", batch.partition, batch.events[done - 1].offset + 1);
        }));
    }
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], "k0-" + std::to_string(i));
}

// More than may wait in the process: the broker keeps it until there is room.
TEST_F(kafka_groups, a_slow_consumer_holds_no_more_than_its_share_and_misses_nothing) {
    options_.waiting_events = 50;
    const auto log = open();
    for (int n = 0; n < 4'000; n += 500) append(*log, n, n + 500);
    kafka_listener slow(loop_, *log, "g");
    ASSERT_TRUE(loop_.run_until([&] { return slow.ids.size() == 4'000; }));
    EXPECT_EQ(slow.got.size(), 4'000U);
    expect_order(slow.got);
}

TEST_F(kafka_groups, a_parked_key_is_redriven_in_order_and_unparked_with_its_last_letter) {
    auto log = open();
    append(*log, 0, 3, 1);
    append(*log, 3, 4);
    std::vector<delivery> came;
    {
        const auto consumer = log->subscribe("g", {"news"}, {}).value();
        while (came.size() < 4) {
            auto batch = loop_.run([&] { return consumer->next(10); }).value();
            ASSERT_TRUE(loop_.run([&] {
                return consumer->done("news", batch.partition, batch.events.back().offset + 1);
            }));
            for (auto& each : batch.events) came.push_back(std::move(each));
        }
    }
    for (const auto& each : came) {
        const auto parked = loop_.run([&] {
            error why{.kind = errc::invalid, .code = "bad", .detail = "as it is"};
            return log->park(each, std::move(why), 2);
        });
        ASSERT_TRUE(parked) << parked.error().detail;
    }
    log = open();  // another process
    auto keys = loop_.run([&] { return log->parked_keys("g"); }).value();
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0].key, "k0");
    EXPECT_EQ(keys[0].letters, 3);
    auto letters = loop_.run([&] { return log->dead_letters("g", "news", "k0", 10); }).value();
    ASSERT_EQ(letters.size(), 3U);
    for (int n = 0; n < 3; ++n) {
        const auto& one = letters[static_cast<std::size_t>(n)];
        EXPECT_EQ(one.what.message.id, "k0-" + std::to_string(n));
        EXPECT_EQ(one.what.message.topic, "news");
        EXPECT_TRUE(one.what.redriven);
        EXPECT_EQ(one.code, "bad");
        EXPECT_EQ(one.detail, "as it is");
        EXPECT_EQ(one.attempts, 2);
        EXPECT_TRUE(loop_.run([&] { return log->is_parked("g", "news", "k0"); }).value());
        ASSERT_TRUE(loop_.run([&] { return log->redriven(one.what); }));
        ASSERT_TRUE(loop_.run([&] { return log->redriven(one.what); })) << "again is no error";
    }
    EXPECT_FALSE(loop_.run([&] { return log->is_parked("g", "news", "k0"); }).value());
    EXPECT_TRUE(loop_.run([&] { return log->is_parked("g", "news", "k3"); }).value());
    EXPECT_TRUE(
        loop_.run([&] { return log->dead_letters("g", "news", "k0", 10); }).value().empty());
}

// Redriven elsewhere while a consumer runs: its next event of the key is applied again.
TEST_F(kafka_groups, a_running_consumer_sees_that_a_key_was_unparked) {
    const auto consumer_log = open(), tool = open();
    append(*tool, 0, 1, 1);
    const auto consumer = consumer_log->subscribe("g", {"news"}, {}).value();
    const auto batch = loop_.run([&] { return consumer->next(10); }).value();
    const auto& one = batch.events.front();
    const auto parked = [&] {
        return loop_.run([&] { return consumer_log->is_parked("g", "news", "k0"); }).value();
    };
    EXPECT_FALSE(parked());
    ASSERT_TRUE(loop_.run([&] { return consumer_log->park(one, {.code = "bad"}, 1); }));
    EXPECT_TRUE(parked());
    ASSERT_TRUE(loop_.run([&] { return tool->redriven(one); }));
    EXPECT_FALSE(parked());
}

TEST_F(kafka_groups, what_is_too_large_is_refused_before_anything_is_sent) {
    const auto log = open();
    std::vector<event> two{told_event("k0", 0), told_event("k0", 1, std::string(1'100'000, 'x'))};
    const auto kept = loop_.run([&] { return log->append(two); });
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, "event_too_large");
    for (const auto& each : loop_.run([&] { return log->positions("news"); }).value())
        EXPECT_EQ(each.end, 0);
}

}  // namespace
}  // namespace stoa::testing
