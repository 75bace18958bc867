#include "adapters/sqlite/log_groups.hpp"

#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

struct log_groups_test : ::testing::Test {
    log_groups_test() {
        options.directory = directory / "data";
        options.topics = {{.name = "raw", .partitions = 1, .keep = hours(24)},
                          {.name = "orders", .partitions = 2}};
        open();
    }
    void open() {
        shop.reset();
        auto opened = sqlite_shop::open(options, time);
        ASSERT_TRUE(opened) << opened.error().detail;
        shop = *std::move(opened);
    }
    void append(const std::string& topic, const std::string& id) {
        ASSERT_TRUE(loop.run([&]() -> task<result<void>> {
            co_return co_await shop->log().append(
                {{.topic = topic, .key = "k", .id = id, .type = "t"}});
        }));
    }
    void done(subscription& by, int partition, std::int64_t next) {
        ASSERT_TRUE(loop.run(
            [&]() -> task<result<void>> { co_return co_await by.done("raw", partition, next); }));
    }
    delivery first_of(subscription& by) {
        return loop.run([&]() -> task<result<delivery_batch>> { co_return co_await by.next(1); })
            ->events.front();
    }
    result<void> drop(const std::string& name) {
        return loop.run(
            [&]() -> task<result<void>> { co_return co_await drop_log_group(*shop, name); });
    }
    int trim() {
        return loop
            .run([&]() -> task<result<int>> {
                co_return co_await shop->log().trim(time.now(), 100);
            })
            .value();
    }
    std::vector<log_group> groups() {
        auto found = read_log_groups(options.directory);
        EXPECT_TRUE(found) << found.error().detail;
        return found ? *std::move(found) : std::vector<log_group>{};
    }

    temporary_directory directory;
    manual_clock time;
    test_loop loop;
    sqlite_options options;
    std::unique_ptr<sqlite_shop> shop;
};

TEST_F(log_groups_test, a_shop_that_nobody_read_has_no_groups) { EXPECT_TRUE(groups().empty()); }

TEST_F(log_groups_test, a_group_is_told_with_its_lag_and_the_times_of_what_it_did_and_did_not) {
    const auto began = time.now();
    auto by = shop->log().subscribe("reports", {"raw", "orders"}, {}).value();
    auto other = shop->log().subscribe("billing", {"raw"}, {}).value();
    append("raw", "1");
    time.advance(hours(1));
    append("raw", "2");
    time.advance(hours(1));
    append("raw", "3");
    done(*by, 0, 2);

    const auto found = groups();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].name, "billing");
    EXPECT_EQ(found[0].topics.front().lag, 3);
    EXPECT_FALSE(found[0].topics.front().last_done);
    EXPECT_EQ(found[0].topics.front().behind_since->micros, began.micros);
    EXPECT_EQ(found[1].name, "reports");
    ASSERT_EQ(found[1].topics.size(), 2u) << "a row a topic, not one a partition";
    EXPECT_EQ(found[1].topics[0].topic, "orders");
    EXPECT_EQ(found[1].topics[0].lag, 0);
    EXPECT_FALSE(found[1].topics[0].behind_since);
    const auto& raw = found[1].topics[1];
    EXPECT_EQ(raw.lag, 1);
    EXPECT_EQ(raw.last_done->micros, (began + hours(1)).micros);
    EXPECT_EQ(raw.behind_since->micros, (began + hours(2)).micros);
}

TEST_F(log_groups_test, a_dropped_group_holds_no_event_back_and_the_others_keep_their_place) {
    auto gone = shop->log().subscribe("gone", {"raw"}, {}).value();
    auto stays = shop->log().subscribe("stays", {"raw"}, {}).value();
    for (const auto* id : {"1", "2", "3"}) append("raw", id);
    done(*stays, 0, 2);
    gone.reset();
    stays.reset();
    open();
    time.advance(hours(25));
    EXPECT_EQ(trim(), 0) << "the group that nobody reads by holds them all";

    ASSERT_TRUE(drop("gone"));
    open();
    ASSERT_EQ(groups().size(), 1u);
    EXPECT_EQ(groups().front().name, "stays");
    EXPECT_EQ(trim(), 2) << "what the other has done goes, what it has not stays";
    EXPECT_EQ(groups().front().topics.front().lag, 1);
}

TEST_F(log_groups_test, a_group_that_comes_back_under_a_dropped_name_begins_at_the_earliest_event) {
    {
        auto by = shop->log().subscribe("again", {"raw"}, {}).value();
        append("raw", "1");
        auto got = first_of(*by);
        auto work = [&](transaction& t) -> result<bool> { return t.receive(got); };
        ASSERT_TRUE(loop.run(
            [&]() -> task<result<bool>> { co_return co_await shop->database().commit(work); }));
    }
    open();
    ASSERT_TRUE(drop("again"));
    open();
    auto by = shop->log().subscribe("again", {"raw"}, {}).value();
    const auto got = first_of(*by);
    EXPECT_EQ(got.message.id, "1");
    auto work = [&](transaction& t) -> result<bool> { return t.receive(got); };
    const auto fresh =
        loop.run([&]() -> task<result<bool>> { co_return co_await shop->database().commit(work); });
    EXPECT_EQ(fresh, true) << "no receipt of the dropped group is taken for its own";
}

TEST_F(log_groups_test, a_dropped_groups_dead_letters_are_forgotten_and_its_keys_unparked) {
    auto by = shop->log().subscribe("gone", {"raw"}, {}).value();
    append("raw", "1");
    const auto bad = first_of(*by);
    ASSERT_TRUE(loop.run([&]() -> task<result<void>> {
        co_return co_await shop->log().park(bad, {.kind = errc::invalid, .code = "bad"}, 1);
    }));
    EXPECT_EQ(groups().front().dead_letters, 1);
    by.reset();
    ASSERT_TRUE(drop("gone"));
    open();
    EXPECT_TRUE(groups().empty());
    const auto parked = loop.run([&]() -> task<result<bool>> {
        co_return co_await shop->log().is_parked("gone", "raw", "k");
    });
    EXPECT_EQ(parked, false);
}

TEST_F(log_groups_test, an_unknown_group_and_a_missing_database_are_told) {
    const auto none = drop("nobody");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, errc::not_found);
    EXPECT_NE(none.error().detail.find("nobody"), std::string::npos);
    EXPECT_FALSE(read_log_groups(directory / "elsewhere"));
}

}  // namespace
}  // namespace stoa::testing
