#include "adapters/outbox/relay.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace stoa::testing {
namespace {

constexpr kv_table things{.name = "things", .hash = "id"};

// A log whose answers can be lost, before or after the events are there.
class unsure_log final : public event_log {
 public:
    explicit unsure_log(event_log& real) : real_(real) {}
    int refuse = 0, lose_answer = 0;

    task<result<void>> append(std::vector<event> events) override {
        if (refuse > 0) {
            --refuse;
            co_return fail(errc::unavailable, "refused");
        }
        auto done = co_await real_.append(std::move(events));
        if (lose_answer > 0) {
            --lose_answer;
            co_return fail(errc::unavailable, "lost");
        }
        co_return done;
    }
    result<std::unique_ptr<subscription>> subscribe(std::string g, std::vector<std::string> t,
                                                    lane share) override {
        return real_.subscribe(std::move(g), std::move(t), share);
    }
    task<result<std::vector<delivery>>> read(std::string t, int p, std::int64_t from,
                                             int max) override {
        return real_.read(std::move(t), p, from, max);
    }
    task<result<std::vector<topic_position>>> positions(std::string t) override {
        return real_.positions(std::move(t));
    }
    task<result<std::vector<group_lag>>> lags() override { return real_.lags(); }
    task<result<void>> park(delivery d, error e, int n) override {
        return real_.park(std::move(d), std::move(e), n);
    }
    task<result<bool>> is_parked(std::string g, std::string t, std::string k) override {
        return real_.is_parked(std::move(g), std::move(t), std::move(k));
    }

 private:
    event_log& real_;
};

// A queue that is away until it is not; nobody receives from it.
class away_queue final : public message_queue {
 public:
    bool away = true;
    std::vector<std::string> sent;

    task<result<std::string>> send(std::string, queue_message what) override {
        if (away) co_return fail(errc::unavailable, "away");
        sent.push_back(std::move(what.body));
        co_return "id";
    }
    task<result<std::vector<received_message>>> receive(std::string, int, seconds,
                                                        seconds) override {
        co_return std::vector<received_message>{};
    }
    task<result<void>> hide(std::string, std::string, seconds) override {
        co_return result<void>{};
    }
    task<result<void>> remove(std::string, std::string) override { co_return result<void>{}; }
};

class outbox_test : public ::testing::Test {
 protected:
    outbox_test() {
        auto opened =
            sqlite_shop::open({.directory = directory_ / "data",
                               .tables = {&things, &outbox_table, &inbox_table, &leases_table},
                               .topics = {{.name = "orders", .partitions = 1}}},
                              time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        log_.emplace(shop_->log());
        items_.emplace(shop_->items(), time_);
    }
    static event told(const std::string& key, std::int64_t version, const std::string& id) {
        return {.topic = "orders",
                .key = key,
                .id = id,
                .type = "order.paid",
                .version = version,
                .occurred_at = {1},
                .traceparent = "00-trace",
                .payload = "{}"};
    }
    result<write_outcome> write(write_set what) {
        return loop_.run([&] { return items_->write(std::move(what)); });
    }
    void publish(const event& what) {
        write_set in;
        in.publish(what);
        ASSERT_TRUE(write(std::move(in)));
    }
    relay make(const std::string& owner) {
        return {shop_->items(), *log_, time_, random_, owner, {.lease_for = milliseconds(1'000)}};
    }
    // One look at every shard; how many of them were this relay's.
    int work(relay& of) {
        int held = 0;
        for (int shard = 0; shard < of.shards(); ++shard) {
            const auto found = loop_.run([&] { return of.work_on(shard); });
            held += found && *found != relay::found::not_ours;
        }
        return held;
    }
    std::vector<std::string> logged() {
        const auto all = loop_.run([&] { return shop_->log().read("orders", 0, 0, 1'000); });
        std::vector<std::string> out;
        for (const auto& each : *all) out.push_back(each.message.id);
        return out;
    }
    std::size_t left() {
        return loop_.run([&] { return shop_->items().scan(outbox_table, {}, 1'000); })
            ->items.size();
    }

    temporary_directory directory_;
    manual_clock time_;
    seeded_random random_{1};
    test_loop loop_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<unsure_log> log_;
    std::optional<outboxed_items> items_;
};

using ids = std::vector<std::string>;

TEST_F(outbox_test, an_event_comes_back_as_it_was_published) {
    const auto sent = told("o-1", 7, "e-1");
    const auto back = event_of_outbox(outbox_item(sent, 0));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->topic, sent.topic);
    EXPECT_EQ(back->key, sent.key);
    EXPECT_EQ(back->id, sent.id);
    EXPECT_EQ(back->type, sent.type);
    EXPECT_EQ(back->version, sent.version);
    EXPECT_EQ(back->occurred_at, sent.occurred_at);
    EXPECT_EQ(back->traceparent, sent.traceparent);
    EXPECT_EQ(back->payload, sent.payload);
    EXPECT_EQ(event_of_outbox(key_of("shard", 1, "place", "x")).error().code,
              "stored_item_ill_formed");
}

TEST_F(outbox_test, state_and_event_are_kept_together_or_not_at_all) {
    write_set in;
    in.put(things, key_of("id", "a"), {absent("id")}).publish(told("a", 1, "e-1"));
    auto again = in;
    EXPECT_TRUE(write(std::move(in))->committed());
    const auto refused = write(std::move(again));
    EXPECT_EQ(refused->what, write_outcome::is::condition_failed);
    EXPECT_EQ(refused->failed, 0) << "counted as the caller wrote it";
    EXPECT_EQ(left(), 1U);
}

TEST_F(outbox_test, a_receipt_counts_once_and_failed_conditions_keep_their_place) {
    const delivery from{.group = "cart", .message = told("a", 1, "e-1")};
    write_set first;
    first.receive(from).put(things, key_of("id", "a"));
    EXPECT_TRUE(write(std::move(first))->committed());
    write_set second;
    second.receive(from).put(things, key_of("id", "b"));
    EXPECT_TRUE(write(std::move(second))->received_before());
    EXPECT_FALSE(*loop_.run([&] { return items_->get(things, key_of("id", "b")); }));
    write_set other;
    other.receive({.group = "mail", .message = from.message})
        .put(things, key_of("id", "c"))
        .put(things, key_of("id", "a"), {absent("id")});
    const auto refused = write(std::move(other));
    EXPECT_EQ(refused->failed, 1);
    write_set mail;
    mail.receive({.group = "mail", .message = from.message});
    EXPECT_TRUE(write(std::move(mail))->committed()) << "nothing of the refused one was kept";
}

TEST_F(outbox_test, events_of_an_aggregate_reach_the_log_in_version_order) {
    for (const std::int64_t version : {10, 2, 1})
        publish(told("o", version, std::to_string(version)));
    auto one = make("one");
    EXPECT_EQ(work(one), outbox_shards);
    EXPECT_EQ(logged(), (ids{"1", "2", "10"}));
    EXPECT_EQ(left(), 0U);
}

TEST_F(outbox_test, what_the_log_refuses_stays_and_is_brought_later) {
    publish(told("o", 1, "e"));
    log_->refuse = 1;
    auto one = make("one");
    work(one);
    EXPECT_EQ(logged(), ids{});
    EXPECT_EQ(left(), 1U);
    work(one);
    EXPECT_EQ(logged(), ids{"e"});
}

TEST_F(outbox_test, how_long_the_oldest_waits_and_what_became_of_it_is_measured) {
    metrics measured;
    outbox_meter meter(measured, time_, {"orders"});
    relay one(shop_->items(), *log_, time_, random_, "one", {.meter = &meter});
    const auto counted = [&](const std::string& status, int count) {
        const auto wanted = "kafka_events_published_total{status=\"" + status +
                            "\",topic=\"orders\"} " + std::to_string(count) + '\n';
        const auto other = "kafka_events_published_total{topic=\"orders\",status=\"" + status +
                           "\"} " + std::to_string(count) + '\n';
        const auto text = measured.text();
        return text.find(wanted) != text.npos || text.find(other) != text.npos;
    };
    auto early = told("o", 1, "e-1"), late = told("o", 2, "e-2");
    early.occurred_at = time_.now();
    publish(early);
    time_.advance(seconds(3));
    late.occurred_at = time_.now();
    publish(late);
    work(one);
    EXPECT_EQ(meter.oldest_seconds(), 0) << "none waits";
    EXPECT_TRUE(counted("success", 2)) << measured.text();
    EXPECT_TRUE(counted("error", 0)) << measured.text();

    early.version = 3;
    early.occurred_at = time_.now();
    publish(early);
    log_->refuse = 1;
    work(one);
    time_.advance(seconds(40));
    EXPECT_EQ(meter.oldest_seconds(), 40) << "also between looks";
    EXPECT_TRUE(counted("error", 1)) << measured.text();
    work(one);
    EXPECT_EQ(meter.oldest_seconds(), 0);
    EXPECT_TRUE(counted("success", 3)) << measured.text();

    // Another process has the shards now: what waits there is its to tell.
    late.version = 4;
    late.occurred_at = time_.now();
    publish(late);
    log_->refuse = 1;
    work(one);
    time_.advance(seconds(20));
    ASSERT_EQ(meter.oldest_seconds(), 20);
    auto two = make("two");
    work(two);
    time_.advance(seconds(20));
    work(two);
    work(one);
    EXPECT_EQ(meter.oldest_seconds(), 0);
}

TEST_F(outbox_test, a_queue_that_is_away_holds_no_event_up_and_is_seen) {
    metrics measured;
    outbox_meter meter(measured, time_, {"orders"});
    away_queue queue;
    relay one(shop_->items(), *log_, time_, random_, "one",
              {.meter = &meter, .also = queue_destination{&queue, "told", "orders"}});
    auto first = told("o", 1, "e-1");
    first.occurred_at = time_.now();
    first.payload = R"({"n":1})";
    publish(first);
    work(one);
    EXPECT_EQ(logged(), ids{"e-1"});
    EXPECT_EQ(left(), 1U) << "it waits for the queue";
    time_.advance(seconds(45));
    EXPECT_EQ(meter.oldest_seconds(), 45);
    queue.away = false;
    work(one);
    EXPECT_EQ(queue.sent, std::vector{first.payload});
    EXPECT_EQ(left(), 0U);
    EXPECT_EQ(meter.oldest_seconds(), 0);
}

TEST_F(outbox_test, a_lost_answer_brings_the_event_twice_under_one_id) {
    publish(told("o", 1, "e"));
    log_->lose_answer = 1;
    auto one = make("one");
    work(one);
    work(one);
    EXPECT_EQ(logged(), (ids{"e", "e"}));
    EXPECT_EQ(left(), 0U);
}

TEST_F(outbox_test, a_batch_is_not_the_end_of_a_shard) {
    for (int i = 1; i <= 200; ++i) publish(told("o", i, std::to_string(i)));
    auto one = make("one");
    work(one);
    EXPECT_EQ(logged().size(), 200U);
    EXPECT_EQ(left(), 0U);
}

TEST_F(outbox_test, a_shard_has_one_relay_until_its_lease_stands_still) {
    auto one = make("one"), two = make("two");
    EXPECT_EQ(work(one), outbox_shards);
    EXPECT_EQ(work(two), 0);
    time_.advance(milliseconds(900));
    EXPECT_EQ(work(one), outbox_shards) << "renewed";
    time_.advance(milliseconds(900));
    EXPECT_EQ(work(two), 0) << "the lease moved since it was seen first";
    // The holder is gone. Not the lease's age counts but how long its taker saw it stand still.
    time_.advance(milliseconds(900));
    EXPECT_EQ(work(two), 0);
    time_.advance(milliseconds(200));
    EXPECT_EQ(work(two), outbox_shards);
    publish(told("o", 1, "e"));
    EXPECT_EQ(work(one), 0) << "the old holder finds out by itself";
    EXPECT_EQ(work(two), outbox_shards);
    EXPECT_EQ(logged(), ids{"e"});
}

TEST_F(outbox_test, a_relay_that_runs_stops_with_its_supervisor) {
    publish(told("o", 1, "e"));
    auto one = make("one");
    supervisor background(loop_.on());
    one.start(background);
    ASSERT_TRUE(loop_.run_until([&] { return left() == 0; }));
    bool stopped = false;
    loop_.spawn([&]() -> task<> {
        co_await background.stop();
        stopped = true;
    });
    ASSERT_TRUE(loop_.run_until([&] { return stopped; }));
    EXPECT_EQ(logged(), ids{"e"});
}

}  // namespace
}  // namespace stoa::testing
