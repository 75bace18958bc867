// A broker that stops, stalls and comes back; consumers that die and wake up late.
#include "engines/kafka_support.hpp"

#include "adapters/outbox/outbox.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace stoa::testing {
namespace {

using steady = std::chrono::steady_clock;

class kafka_faults : public ::testing::Test {
 protected:
    std::unique_ptr<kafka_event_log> open(kafka_options options) {
        auto opened = kafka_event_log::open(std::move(options), store_.items(), store_.time);
        if (!opened) throw std::runtime_error(opened.error().detail);
        return *std::move(opened);
    }
    // As the relay does: the same events until they are acknowledged, then the next.
    task<> publish(event_log* log, int batches, const bool* pause) {
        for (int b = 0; b < batches; ++b) {
            std::vector<event> all;
            for (int i = 0; i < 20; ++i)
                all.push_back(told_event("k" + std::to_string(i % 7), 20 * b + i));
            while (!co_await log->append(all)) {
                ++failed_;
                co_await store_.time.sleep(milliseconds(50));
            }
            published_ = b + 1;
            co_await store_.time.sleep(milliseconds(*pause ? 20 : 1));
        }
    }
    // In order by key for who drops what it has seen, and nothing lost.
    static void expect_whole(const std::vector<delivery>& got, std::size_t count) {
        std::map<std::string, std::int64_t> last;
        std::set<std::string> seen;
        for (const auto& each : got) {
            if (!seen.insert(each.message.id).second) continue;
            auto& before = last.try_emplace(each.message.key, -1).first->second;
            EXPECT_LT(before, each.message.version) << each.message.key;
            before = each.message.version;
        }
        EXPECT_EQ(seen.size(), count);
    }

    temporary_directory directory_;
    test_loop loop_;
    kafka_test_store store_{directory_ / "data"};
    int published_ = 0, failed_ = 0;
};

TEST_F(kafka_faults, a_shop_without_its_broker_is_up_but_not_ready_and_recovers_alone) {
    kafka_broker broker;
    auto options = kafka_test_options(broker.address());
    options.first_contact = milliseconds(4'000);
    const auto began = steady::now();
    const auto log = open(options);
    EXPECT_LT(steady::now() - began, std::chrono::seconds(6));
    ASSERT_FALSE(log->ready());
    EXPECT_EQ(log->ready().error().code, "kafka_unreachable");
    EXPECT_NE(log->ready().error().detail.find("KAFKA_BOOTSTRAP_SERVERS"), std::string::npos);
    std::vector<event> one{told_event("k", 1)};
    const auto refused = loop_.run([&] { return log->append(one); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::unavailable);
    kafka_listener hears(loop_, *log, "g");  // waits for the broker too
    EXPECT_EQ(probe_kafka(options).error().code, "kafka_unreachable");

    broker.start();
    broker.wait_until_ready();
    EXPECT_EQ(probe_kafka(options).error().code, "topic_missing");
    make_topics(options);
    EXPECT_TRUE(probe_kafka(options));
    ASSERT_TRUE(eventually(loop_, [&] { return log->ready().has_value(); }));
    ASSERT_TRUE(loop_.run([&] { return log->append(one); }));
    EXPECT_TRUE(loop_.run_until([&] { return hears.ids.size() == 1; }));
}

TEST_F(kafka_faults, a_killed_broker_loses_and_reorders_nothing) {
    kafka_broker broker;
    broker.start();
    broker.wait_until_ready();
    const auto options = kafka_test_options(broker.address());
    make_topics(options);
    const auto log = open(options);
    kafka_listener hears(loop_, *log, "g");
    bool pause = true, ended = false;
    loop_.spawn([&]() -> task<> {
        co_await publish(log.get(), 400, &pause);
        ended = true;
    });
    ASSERT_TRUE(loop_.run_until([&] { return published_ > 20 && !hears.ids.empty(); }));
    broker.stop(SIGKILL);
    broker.start();
    broker.wait_until_ready();
    const auto back = steady::now();
    const int before = published_;
    ASSERT_TRUE(loop_.run_until([&] { return published_ > before; }));
    EXPECT_LT(steady::now() - back, std::chrono::seconds(5));
    pause = false;
    ASSERT_TRUE(loop_.run_until([&] { return ended && hears.ids.size() == 400 * 20; }));
    expect_whole(hears.got, 400 * 20);
}

TEST_F(kafka_faults, a_stalled_broker_fails_an_append_in_time_and_order_is_kept_behind_it) {
    kafka_broker broker;
    broker.start();
    broker.wait_until_ready();
    auto options = kafka_test_options(broker.address());
    options.deliver_within = milliseconds(1'500);
    make_topics(options);
    const auto log = open(options);
    kafka_listener hears(loop_, *log, "g");
    bool pause = false, ended = false;
    loop_.spawn([&]() -> task<> {
        co_await publish(log.get(), 200, &pause);
        ended = true;
    });
    ASSERT_TRUE(loop_.run_until([&] { return published_ > 10; }));
    broker.send(SIGSTOP);
    const auto began = steady::now();
    ASSERT_TRUE(loop_.run_until([&] { return failed_ > 0; }));
    EXPECT_LT(steady::now() - began, std::chrono::seconds(3));
    ASSERT_TRUE(loop_.run_until([&] { return failed_ > 1; }));
    broker.send(SIGCONT);
    ASSERT_TRUE(loop_.run_until([&] { return ended && hears.ids.size() == 200 * 20; }));
    expect_whole(hears.got, 200 * 20);
}

// --- consumers in a process of their own, which a test kills and stops

constexpr int keys = 10;

// Applies each event once: its effect and its receipt are one transaction.
task<> apply_until(event_log* log, kafka_test_store* store, const std::function<bool()>* enough,
                   lane share) {
    outboxed_items items(store->items(), store->time);
    auto from = log->subscribe("g", {"news"}, share).value();
    while (!(*enough)()) {
        auto batch = co_await from->next(5);
        if (!batch) continue;
        for (const auto& each : batch->events) {
            write_set in;
            in.update(effects_table, key_of("key", each.message.key), {add_to("n", 1)});
            in.receive(each);
            (void)(co_await items.write(std::move(in))).value();
        }
        (void)co_await from->done(batch->topic, batch->partition, batch->events.back().offset + 1);
    }
}

std::int64_t effects(test_loop& on, kafka_test_store& store) {
    std::int64_t out = 0;
    for (int k = 0; k < keys; ++k) {
        const auto found = on.run([&] {
            return store.items().get(effects_table, key_of("key", "k" + std::to_string(k)));
        });
        if (found && *found) out += (*found)->integer("n");
    }
    return out;
}

// A process that consumes with a store of its own until somebody ends it.
pid_t consume_apart(const kafka_options& options, const std::string& directory) {
    const pid_t child = fork();
    if (child != 0) return child;
    {
        test_loop loop;
        kafka_test_store store(directory);
        auto log = kafka_event_log::open(options, store.items(), store.time).value();
        const std::function<bool()> never = [] { return false; };
        loop.run(
            [&]() -> task<result<void>> {
                co_await apply_until(log.get(), &store, &never, {});
                co_return result<void>{};
            },
            std::chrono::seconds(120));
    }
    _exit(0);
}

TEST(kafka_processes, a_consumer_that_is_killed_between_effect_and_commit_applies_nothing_twice) {
    temporary_directory directory;
    const auto options = kafka_test_options();
    make_topics(options);
    constexpr int count = 3'000;
    {
        test_loop loop;
        kafka_test_store store(directory / "publisher");
        auto log = kafka_event_log::open(options, store.items(), store.time).value();
        std::vector<event> all;
        for (int n = 0; n < count; ++n)
            all.push_back(told_event("k" + std::to_string(n % keys), n));
        ASSERT_TRUE(loop.run([&] { return log->append(all); }));
    }
    for (int round = 0; round < 3; ++round) {
        const pid_t child = consume_apart(options, directory / "data");
        // It joins and is in the middle of its work.
        std::this_thread::sleep_for(std::chrono::milliseconds(2'000 + 150 * round));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    test_loop loop;
    kafka_test_store store(directory / "data");
    auto log = kafka_event_log::open(options, store.items(), store.time).value();
    const std::function<bool()> enough = [&] {
        return log->lags_now().size() == 1 && log->lags_now().front().events == 0;
    };
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(
        loop.on(), apply_until(log.get(), &store, &enough, {}),
        asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { ended = true; }));
    EXPECT_TRUE(eventually(loop, enough));
    stop.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(loop.run_until([&] { return ended; }));
    EXPECT_EQ(effects(loop, store), count);
}

TEST(kafka_processes, a_consumer_that_was_stopped_for_longer_than_its_session_is_replaced) {
    temporary_directory directory;
    auto options = kafka_test_options();
    options.session = milliseconds(2'000);
    make_topics(options);
    auto apart = options;
    apart.instance_id = "apart";
    const pid_t child = consume_apart(apart, directory / "apart");
    test_loop loop;
    kafka_test_store store(directory / "data");
    options.instance_id = "here";
    auto log = kafka_event_log::open(options, store.items(), store.time).value();
    kafka_listener here(loop, *log, "g");
    int n = 0;
    const auto more = [&] {
        std::vector<event> all;
        for (int i = 0; i < 40; ++i, ++n)
            all.push_back(told_event("k" + std::to_string(n % keys), n));
        ASSERT_TRUE(loop.run([&] { return log->append(all); }));
    };
    const auto partitions_since = [&](std::size_t from) {
        std::set<int> out;
        for (auto i = from; i < here.got.size(); ++i) out.insert(here.got[i].partition);
        return out.size();
    };
    // The other one has its half.
    std::size_t mark = 0;
    ASSERT_TRUE(loop.run_until([&] {
        mark = here.got.size();
        more();
        loop.run_until([&] { return here.got.size() > mark; }, std::chrono::seconds(1));
        return partitions_since(mark) == 2 || partitions_since(mark) == 1;
    }));
    kill(child, SIGSTOP);
    const auto stopped = steady::now();
    mark = here.got.size();
    more();
    ASSERT_TRUE(loop.run_until([&] { return partitions_since(mark) == 4; }))
        << "all partitions are taken over";
    EXPECT_LT(steady::now() - stopped, std::chrono::seconds(8));
    kill(child, SIGCONT);
    // It comes back as another member, and both go on.
    ASSERT_TRUE(loop.run_until([&] {
        mark = here.got.size();
        more();
        loop.run_until([&] { return here.got.size() >= mark + 10; }, std::chrono::seconds(1));
        return partitions_since(mark) <= 2;
    }));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace stoa::testing
