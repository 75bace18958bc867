// One key's events, found in a log that has no index by key.
#include "transport/events/key_history.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/system/system_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

constexpr std::int64_t minute = 60'000'000;  // microseconds

class key_history_test : public ::testing::Test {
 protected:
    key_history_test() {
        auto opened = sqlite_shop::open(
            {.directory = directory_ / "data", .topics = {{.name = "news"}, {.name = "gossip"}}},
            time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        store_ = *std::move(opened);
    }
    ~key_history_test() override { store_->close(); }

    // One event a minute, from minute 0 on, all in the partition of `key`.
    void fill(const std::string& topic, int minutes, const std::vector<int>& of_key) {
        std::vector<event> all;
        for (int i = 0; i < minutes; ++i) {
            const bool mine = std::ranges::find(of_key, i) != of_key.end();
            all.push_back({.topic = topic,
                           .key = mine ? key_ : neighbour(),
                           .id = topic + std::to_string(i),
                           .type = "told",
                           .occurred_at = {i * minute},
                           .payload = "{}"});
        }
        const auto done = io_.run([&] { return store_->log().append(std::move(all)); });
        ASSERT_TRUE(done) << done.error().detail;
    }
    std::string neighbour() {
        for (int i = 0;; ++i)
            if (auto other = "other" + std::to_string(i);
                partition_of(other, 4) == partition_of(key_, 4))
                return other;
    }
    key_history ask(int since, int until, history_bounds bounds = {}) {
        return io_
            .run([&] {
                return history_of_key(store_->log(), time_,
                                      {.key = key_,
                                       .topics = {"news", "gossip"},
                                       .since = {since * minute},
                                       .until = {until * minute}},
                                      bounds);
            })
            .value();
    }
    static std::string ids(const key_history& of) {
        std::string out;
        for (const auto& each : of.events) out += each.message.id + ' ';
        return out;
    }

    testing::temporary_directory directory_;
    testing::test_loop io_;
    system_clock time_;
    std::unique_ptr<sqlite_shop> store_;
    std::string key_ = "order-1";
};

TEST_F(key_history_test, events_of_all_topics_come_by_time_and_only_those_of_the_key) {
    fill("news", 3'000, {1'500, 1'502, 1'700});
    fill("gossip", 3'000, {1'501});
    const auto found = ask(1'500, 1'700, {.at_once = 64});
    EXPECT_EQ(ids(found), "news1500 gossip1501 news1502 news1700 ");
    EXPECT_TRUE(found.whole);
    EXPECT_EQ(found.events.front().partition, partition_of(key_, 4));
}

TEST_F(key_history_test, what_lies_before_its_time_is_not_read) {
    fill("news", 3'000, {100, 2'000});
    EXPECT_EQ(ids(ask(2'000, 2'000, {.at_once = 16})), "news2000 ");
}

TEST_F(key_history_test, the_bound_is_kept_and_told_and_the_end_is_looked_at_all_the_same) {
    fill("news", 3'000, {10, 1'500, 2'900});
    const auto found = ask(10, 2'900, {.most_read = 128, .at_once = 64});
    EXPECT_EQ(ids(found), "news10 news2900 ") << "1500 lies where nobody looked";
    EXPECT_FALSE(found.whole);
}

TEST_F(key_history_test, a_log_without_the_key_or_without_anything_has_no_history) {
    EXPECT_EQ(ids(ask(0, 10)), "");
    fill("news", 10, {});
    const auto none = ask(0, 10);
    EXPECT_EQ(ids(none), "");
    EXPECT_TRUE(none.whole);
}

TEST_F(key_history_test, a_topic_that_is_not_there_is_an_error) {
    const auto got = io_.run(
        [&] { return history_of_key(store_->log(), time_, {.key = key_, .topics = {"nothing"}}); });
    ASSERT_FALSE(got);
}

}  // namespace
}  // namespace stoa
