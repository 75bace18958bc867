// Events that no handler can apply, on the embedded log: dead letters with their cause that hold
// nobody up; and once the cause is mended, each applied once and in order.
#include "transport/events/redrive.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/system/system_clock.hpp"
#include "support/poison_kinds.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"
#include "transport/events/consumer.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

using testing::poison_payloads;
using testing::told_by_event;
using steady = std::chrono::steady_clock;

// Its effect is an item that counts, so that one applied twice is seen.
class listener {
 public:
    static constexpr kv_table effects{.name = "effects", .hash = "event"};
    explicit listener(key_value& items) : items_(items) {}

    task<result<void>> on_told(delivery what, told_by_event payload) {
        if (away) co_return fail(errc::unavailable, "away");
        if (payload.text == refused) co_return fail(errc::invalid, "no_such_thing", "as it says");
        const auto id = what.message.id;
        write_set in;
        in.receive(std::move(what));
        in.update(effects, key_of("event", id), {add_to("times", 1)});
        STOA_CO_TRY(const auto written, co_await items_.write(std::move(in)));
        if (written.committed()) {
            order.push_back(id);
            at[id] = steady::now();
        }
        co_return result<void>{};
    }

    std::string refused = "bad";
    bool away = false;
    std::vector<std::string> order;
    std::map<std::string, steady::time_point> at;

 private:
    key_value& items_;
};
constexpr event_handler rows[] = {on_event<&listener::on_told>("news", "news.told"),
                                  on_event<&listener::on_told>("gossip", "news.told")};

class redrive_test : public ::testing::Test {
 protected:
    redrive_test() { open(); }
    ~redrive_test() override { close(); }
    void open() {
        sqlite_options with{.directory = directory_ / "data",
                            .tables = {&listener::effects},
                            .topics = {{.name = "news"}, {.name = "gossip"}}};
        auto opened = sqlite_shop::open(with, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        store_ = *std::move(opened);
        to_ = std::make_unique<listener>(store_->items());
    }
    void close() {
        if (tasks_) io_.run([this] { return tasks_->stop(); }, std::chrono::seconds(10));
        tasks_.reset();
        if (store_) store_->close();
        store_.reset();
    }
    void consume() {
        tasks_ = std::make_unique<supervisor>(io_.on());
        ASSERT_TRUE(start_consumer(group(), store_->log(), time_, random_, measured_, *tasks_, {}));
    }
    event_consumer group() { return {"listener", rows, to_.get()}; }

    static event told(std::string topic, std::string key, std::string id, std::string payload) {
        return {.topic = std::move(topic),
                .key = std::move(key),
                .id = std::move(id),
                .type = "news.told",
                .version = 1,
                .payload = std::move(payload)};
    }
    void say(const std::string& topic, const std::string& key, const std::string& id,
             const std::string& payload = R"({"text":"fine"})") {
        const auto done =
            io_.run([&] { return store_->log().append({told(topic, key, id, payload)}); });
        ASSERT_TRUE(done) << done.error().detail;
    }
    std::vector<dead_letter> letters(const std::string& topic, const std::string& key = "") {
        return io_.run([&] { return store_->log().dead_letters("listener", topic, key, 1'000); })
            .value();
    }
    result<redrive_report> run(redrive_request wanted) {
        return io_.run([&] { return redrive({store_->log(), store_->log(), {group()}}, wanted); });
    }
    std::vector<std::string> outcomes(const redrive_request& wanted) {
        std::vector<std::string> out;
        for (const auto& each : run(wanted).value().letters)
            out.push_back(
                each.id + ' ' +
                std::string(type_of<letter_outcome>.words[static_cast<std::size_t>(each.outcome)]));
        return out;
    }
    std::int64_t times(const std::string& id) {
        const auto found =
            io_.run([&] { return store_->items().get(listener::effects, key_of("event", id)); });
        return *found ? (*found)->integer("times") : 0;
    }
    using lines = std::vector<std::string>;

    // A bad one, a good one behind it, and a good one of another key; the same in another topic.
    void park_some() {
        consume();
        for (const auto* topic : {"news", "gossip"}) {
            const std::string t(1, *topic);
            say(topic, "a", t + "1", R"({"text":"bad"})");
            say(topic, "a", t + "2");
            say(topic, "a", t + "3");
            say(topic, "b", t + "4", R"({"text":"bad"})");
            say(topic, "c", t + "5");
        }
        ASSERT_TRUE(io_.run_until([&] {
            return letters("news").size() == 4 && letters("gossip").size() == 4 &&
                   to_->order.size() == 2;
        }));
    }

    testing::temporary_directory directory_;
    testing::test_loop io_;
    system_clock time_;
    system_random random_;
    metrics measured_;
    std::unique_ptr<sqlite_shop> store_;
    std::unique_ptr<supervisor> tasks_;
    std::unique_ptr<listener> to_;
};

TEST_F(redrive_test, fifty_kinds_of_poison_in_every_topic_are_dead_letters_and_delay_nobody) {
    const auto kinds = poison_payloads();
    ASSERT_GE(kinds.size(), 50U);
    consume();
    std::map<std::string, steady::time_point> sent;
    for (const auto* topic : {"news", "gossip"})
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            const auto n = std::string(topic) + '-' + std::to_string(i);
            // The poison, a good one of its own key, and a good one of another in its partition.
            const auto key = "poison-" + std::to_string(i);
            std::string beside = "good-" + std::to_string(i);
            while (partition_of(beside, 4) != partition_of(key, 4)) beside += '+';
            std::vector<event> three{told(topic, key, "bad-" + n, kinds[i].payload),
                                     told(topic, key, "behind-" + n, R"({"text":"fine"})"),
                                     told(topic, beside, "good-" + n, R"({"text":"fine"})")};
            ASSERT_TRUE(io_.run([&] { return store_->log().append(three); }));
            sent["good-" + n] = steady::now();
        }
    ASSERT_TRUE(io_.run_until([&] { return to_->order.size() == sent.size(); }));
    for (const auto& [id, at] : sent) {
        ASSERT_TRUE(to_->at.contains(id)) << id;
        EXPECT_LE(to_->at[id] - at, std::chrono::seconds(1)) << id;
    }
    for (const std::string topic : {"news", "gossip"}) {
        ASSERT_TRUE(io_.run_until([&] { return letters(topic).size() == 2 * kinds.size(); }));
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            const auto of = io_.run([&] {
                return store_->log().dead_letters("listener", topic, "poison-" + std::to_string(i),
                                                  10);
            });
            ASSERT_EQ(of->size(), 2U);
            EXPECT_EQ(of->at(0).code, kinds[i].cause) << kinds[i].payload;
            EXPECT_FALSE(of->at(0).detail.empty()) << kinds[i].payload;
            EXPECT_EQ(of->at(0).what.message.payload, kinds[i].payload);
            EXPECT_EQ(of->at(1).code, "behind_a_dead_letter");
        }
    }
    EXPECT_TRUE(io_.run_until([&] {
        for (const auto& each : io_.run([&] { return store_->log().lags(); }).value())
            if (each.events != 0) return false;
        return true;
    }));
}

TEST_F(redrive_test, a_mended_cause_is_applied_once_in_order_and_the_key_is_free) {
    park_some();
    to_->refused = "";
    to_->order.clear();
    EXPECT_EQ(outcomes({.topic = "news"}),
              (lines{"n1 applied", "n2 applied", "n3 applied", "n4 applied"}));
    EXPECT_EQ(to_->order, (lines{"n1", "n2", "n3", "n4"}));
    EXPECT_TRUE(letters("news").empty());
    EXPECT_EQ(letters("gossip").size(), 4U);
    EXPECT_EQ(outcomes({.topic = "news"}), lines{});
    for (const auto* id : {"n1", "n2", "n3", "n4", "n5"}) EXPECT_EQ(times(id), 1) << id;
    // The group goes on with the key by itself.
    say("news", "a", "n6");
    EXPECT_TRUE(io_.run_until([&] { return times("n6") == 1; }));
}

TEST_F(redrive_test, a_letter_that_was_applied_before_the_crash_is_not_applied_again) {
    park_some();
    to_->refused = "";
    // Applied, and the process died before the letter was forgotten.
    auto first = letters("news", "a").front().what;
    ASSERT_TRUE(io_.run([&] { return to_->on_told(first, {.text = "bad"}); }));
    ASSERT_EQ(times("n1"), 1);
    close();
    open();
    to_->refused = "";
    EXPECT_EQ(run({.topic = "news"})->letters.size(), 4U);
    for (const auto* id : {"n1", "n2", "n3", "n4"}) EXPECT_EQ(times(id), 1) << id;
}

TEST_F(redrive_test, without_a_mended_cause_it_stays_with_one_attempt_more_and_nothing_overtakes) {
    park_some();
    EXPECT_EQ(outcomes({.topic = "news", .key = "a"}),
              (lines{"n1 failed", "n2 behind", "n3 behind"}));
    EXPECT_EQ(letters("news", "a").front().attempts, 2);
    EXPECT_EQ(letters("news", "a").front().code, "no_such_thing");
    EXPECT_EQ(times("n2"), 0);
    // An engine that is away says nothing about the event.
    to_->away = true;
    EXPECT_EQ(outcomes({.topic = "news", .key = "a"}).front(), "n1 failed");
    EXPECT_EQ(letters("news", "a").front().code, "no_such_thing");
    EXPECT_EQ(letters("news", "a").front().attempts, 2);
}

TEST_F(redrive_test, a_dry_run_lists_and_changes_nothing) {
    park_some();
    to_->refused = "";
    const auto told = run({.dry_run = true});
    ASSERT_TRUE(told);
    ASSERT_EQ(told->letters.size(), 8U);
    const auto& one = told->letters.front();
    EXPECT_EQ(one.group, "listener");
    EXPECT_EQ(one.topic, "gossip");
    EXPECT_EQ(one.key, "a");
    EXPECT_EQ(one.id, "g1");
    EXPECT_EQ(one.type, "news.told");
    EXPECT_EQ(one.code, "no_such_thing");
    EXPECT_EQ(one.detail, "as it says");
    EXPECT_EQ(one.attempts, 1);
    EXPECT_EQ(letters("news").size() + letters("gossip").size(), 8U);
    EXPECT_EQ(times("n1"), 0);
}

TEST_F(redrive_test, by_id_goes_that_event_and_those_of_its_key_before_it) {
    park_some();
    to_->refused = "";
    EXPECT_EQ(outcomes({.id = "n2"}), (lines{"n1 applied", "n2 applied"}));
    EXPECT_EQ(outcomes({.id = "n2"}), lines{});
    EXPECT_EQ(outcomes({.group = "listener", .id = "g4"}), lines{"g4 applied"});
    EXPECT_EQ(outcomes({.id = "nobody"}), lines{});
    EXPECT_EQ(times("n3"), 0);
    // Still parked: its last letter is there.
    say("news", "a", "n6");
    EXPECT_TRUE(io_.run_until([&] { return letters("news").size() == 3; }));
}

TEST_F(redrive_test, what_is_given_up_is_forgotten_and_frees_the_rest) {
    park_some();
    EXPECT_EQ(outcomes({.id = "n1", .give_up = true}), lines{"n1 given_up"});
    EXPECT_EQ(outcomes({.topic = "news", .key = "a"}), (lines{"n2 applied", "n3 applied"}));
    EXPECT_EQ(times("n1"), 0);
    EXPECT_EQ(outcomes({.key = "b", .give_up = true}), (lines{"g4 given_up", "n4 given_up"}));
    EXPECT_EQ(letters("news").size(), 0U);
}

TEST_F(redrive_test, what_cannot_be_meant_is_refused) {
    EXPECT_EQ(run({.give_up = true}).error().code, "redrive_too_wide");
    EXPECT_EQ(run({.topic = "news", .give_up = true}).error().code, "redrive_too_wide");
    const auto told = run({.group = "listners"});
    EXPECT_EQ(told.error().code, "unknown_group");
    EXPECT_NE(told.error().detail.find("listener"), std::string::npos);
}

}  // namespace
}  // namespace stoa
