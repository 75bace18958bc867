#include "adapters/sqlite/sqlite_shop.hpp"

#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <functional>
#include <future>

namespace stoa::testing {
namespace {

constexpr std::array session_indexes{kv_index{.name = "by_user", .hash = "user_id"}};
constexpr kv_table sessions{
    .name = "sessions", .hash = "id", .indexes = session_indexes, .ttl = "expires_at"};
constexpr kv_table plain_sessions{.name = "sessions", .hash = "id"};
constexpr kv_table other_key{.name = "sessions", .hash = "session_id"};

struct sqlite_shop_test : ::testing::Test {
    sqlite_shop_test() {
        options.directory = directory / "data";
        options.migrations = {
            {"test", {{"0001_rows", "CREATE TABLE rows (id INTEGER PRIMARY KEY)"}}}};
        options.topics = {{.name = "raw", .partitions = 1, .keep = hours(24)},
                          {.name = "orders", .partitions = 2}};
        options.tables = {&sessions};
    }
    result<std::unique_ptr<sqlite_shop>> try_open() { return sqlite_shop::open(options, time); }
    void open() {
        shop.reset();
        auto opened = try_open();
        ASSERT_TRUE(opened) << opened.error().detail;
        shop = *std::move(opened);
    }
    std::string refusal() {
        shop.reset();
        const auto opened = try_open();
        return opened ? "opened" : opened.error().code;
    }
    void append(std::string topic, std::string key, int count) {
        std::vector<event> events;
        for (int i = 0; i < count; ++i)
            events.push_back(
                {.topic = topic, .key = key, .id = key + std::to_string(i), .type = "t"});
        ASSERT_TRUE(loop.run(
            [&]() -> task<result<void>> { co_return co_await shop->log().append(events); }));
    }
    int trim() {
        return loop
            .run([&]() -> task<result<int>> { co_return co_await shop->log().trim(time.now(), 3); })
            .value();
    }
    std::pair<std::int64_t, std::int64_t> kept(std::string topic) {
        const auto found = loop.run([&]() -> task<result<std::vector<topic_position>>> {
            co_return co_await shop->log().positions(topic);
        });
        return {found->front().first, found->front().end};
    }
    result<std::int64_t> insert(int id) {
        return loop.run([&]() -> task<result<std::int64_t>> {
            auto work = [id](transaction& t) -> result<std::int64_t> {
                return t.execute("INSERT INTO rows (id) VALUES (?1)", id);
            };
            co_return co_await shop->database().commit(std::move(work));
        });
    }
    void put_session(std::string id, std::int64_t expires_at) {
        item value = key_of("id", id, "user_id", "u");
        value.set("expires_at", expires_at);
        write_set w;
        w.put(*options.tables.front(), std::move(value));
        ASSERT_TRUE(loop.run([&]() -> task<result<write_outcome>> {
            co_return co_await shop->items().write(std::move(w));
        }));
    }
    std::size_t sessions_of_user() {
        return loop
            .run([&]() -> task<result<kv_page>> {
                co_return co_await shop->items().query(
                    {.table = &sessions, .index = "by_user", .hash = "u"});
            })
            ->items.size();
    }

    temporary_directory directory;
    manual_clock time;
    test_loop loop;
    sqlite_options options;
    std::unique_ptr<sqlite_shop> shop;
};

TEST_F(sqlite_shop_test, a_second_opener_is_refused_and_told_who_holds_the_directory) {
    open();
    const auto second = try_open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "data_directory_locked");
    EXPECT_NE(second.error().detail.find(options.directory), std::string::npos);
    EXPECT_NE(second.error().detail.find(std::to_string(getpid())), std::string::npos);
    open();  // closed: free again
}

TEST_F(sqlite_shop_test, an_unusable_directory_is_named_in_the_error) {
    options.directory = directory / "file";
    std::ofstream(options.directory) << "not a directory";
    const auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "data_directory_unusable");
    EXPECT_NE(opened.error().detail.find(options.directory), std::string::npos);
}

TEST_F(sqlite_shop_test, a_read_only_directory_is_a_clear_error) {
    std::filesystem::create_directory(options.directory);
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(options.directory, std::filesystem::perms(0555));
    const auto child = fork();
    if (child == 0) {
        // Root may write everywhere; nobody may not.
        if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) _exit(3);
        const auto opened = try_open();
        _exit(!opened && opened.error().code == "data_directory_unusable" ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(sqlite_shop_test, a_directory_that_cannot_even_be_looked_at_is_a_clear_error) {
    std::filesystem::create_directory(options.directory);
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0700));
    const auto child = fork();
    if (child == 0) {
        // Only another user cannot look into it.
        if (setegid(65534) != 0 || seteuid(65534) != 0) _exit(geteuid() == 0 ? 3 : 0);
        try {
            const auto opened = try_open();
            _exit(!opened && opened.error().code == "data_directory_unusable" ? 0 : 1);
        } catch (const std::exception&) {
            _exit(2);
        }
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(sqlite_shop_test, migrations_apply_once_and_in_order) {
    open();
    ASSERT_TRUE(insert(1));
    options.migrations[0].steps.push_back(
        {"0002_more", "CREATE TABLE more (id INTEGER); INSERT INTO more SELECT id FROM rows"});
    open();
    ASSERT_TRUE(insert(2));
    open();
    const auto count = loop.run([&]() -> task<result<std::int64_t>> {
        auto work = [](transaction& t) -> result<std::int64_t> {
            return *t.number("SELECT count(*) FROM more");
        };
        co_return co_await shop->database().read(std::move(work));
    });
    EXPECT_EQ(count.value(), 1);
}

TEST_F(sqlite_shop_test, a_migration_that_is_for_another_engine_is_remembered_and_not_carried_out) {
    options.migrations[0].steps.push_back({"0002_theirs", "-- only: postgres\nSELEC nothing"});
    options.migrations[0].steps.push_back(
        {"0003_ours", "-- only: sqlite\nCREATE TABLE more (id INTEGER)"});
    open();
    const auto count = loop.run([&]() -> task<result<std::int64_t>> {
        auto work = [](transaction& t) -> result<std::int64_t> {
            return *t.number("SELECT count(*) FROM more");
        };
        co_return co_await shop->database().read(std::move(work));
    });
    EXPECT_EQ(count.value(), 0);
    options.migrations[0].steps[1].text += " ";
    EXPECT_EQ(refusal(), "migration_changed");
}

TEST_F(sqlite_shop_test, a_changed_or_unknown_migration_is_refused) {
    options.migrations[0].steps.push_back({"0002_more", "CREATE TABLE more (id INTEGER)"});
    open();
    auto older = options.migrations;
    options.migrations[0].steps[1].text += " ";
    EXPECT_EQ(refusal(), "migration_changed");
    options.migrations = older;
    options.migrations[0].steps.pop_back();
    EXPECT_EQ(refusal(), "migration_unknown");
    options.migrations = older;
    open();
}

TEST_F(sqlite_shop_test, a_migration_that_fails_leaves_nothing_and_is_named) {
    options.migrations[0].steps.push_back({"0002_bad", "CREATE TABLE half (id INTEGER); SELEC"});
    const auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "migration_failed");
    EXPECT_NE(opened.error().detail.find("0002_bad"), std::string::npos);
    options.migrations[0].steps[1].text = "CREATE TABLE half (id INTEGER)";
    open();
}

TEST_F(sqlite_shop_test, a_topic_keeps_its_number_of_partitions) {
    open();
    options.topics[1].partitions = 5;
    EXPECT_EQ(refusal(), "topic_changed");
}

TEST_F(sqlite_shop_test, a_table_keeps_its_key) {
    open();
    options.tables = {&other_key};
    EXPECT_EQ(refusal(), "table_changed");
}

TEST_F(sqlite_shop_test, an_index_and_a_time_to_live_that_come_later_cover_what_stands) {
    options.tables = {&plain_sessions};
    open();
    put_session("a", 1);
    put_session("b", 1);
    options.tables = {&sessions};
    open();
    EXPECT_EQ(sessions_of_user(), 2u);
    const auto expired = loop.run(
        [&]() -> task<result<int>> { co_return co_await shop->items().expire(time.now(), 10); });
    EXPECT_EQ(expired.value(), 2);
    options.tables = {&plain_sessions};
    open();
    options.tables = {&sessions};
    open();
}

TEST_F(sqlite_shop_test, expired_items_go_in_bounded_chunks_with_their_index_rows) {
    open();
    const auto now = time.now().unix_s();
    for (int i = 0; i < 5; ++i) put_session("old" + std::to_string(i), now - 1);
    put_session("due_now", now);
    put_session("later", now + 1);
    const auto expire = [&] {
        return loop
            .run([&]() -> task<result<int>> {
                co_return co_await shop->items().expire(time.now(), 4);
            })
            .value();
    };
    EXPECT_EQ(expire(), 4);
    EXPECT_EQ(expire(), 2);
    EXPECT_EQ(expire(), 0);
    EXPECT_EQ(sessions_of_user(), 1u);
}

TEST_F(sqlite_shop_test, a_full_queue_refuses_with_a_time_to_come_back) {
    options.queue_limit = 2;
    open();
    std::atomic<bool> go{false}, entered{false};
    int kept = 0, refused = 0;
    const auto commit = [&](bool blocks) {
        loop.spawn([&, blocks]() -> task<> {
            auto work = [&, blocks](transaction&) -> result<int> {
                entered = true;
                entered.notify_all();
                if (blocks) go.wait(false);
                return 0;
            };
            const auto done = co_await shop->database().commit(std::move(work));
            if (done) ++kept;
            else if (done.error().code == "overloaded" && done.error().kind == errc::unavailable &&
                     done.error().retry_after_s == 1)
                ++refused;
        });
    };
    commit(true);
    loop.drain();
    entered.wait(false);
    for (int i = 0; i < 5; ++i) commit(false);
    ASSERT_TRUE(loop.run_until([&] { return refused == 3; }));
    go = true;
    go.notify_all();
    ASSERT_TRUE(loop.run_until([&] { return kept == 3; }));
    EXPECT_EQ(shop->counters().refused, 3u);
    EXPECT_EQ(shop->counters().jobs, 3u);
}

TEST_F(sqlite_shop_test, close_runs_what_has_queued_and_refuses_the_rest) {
    open();
    int kept = 0;
    for (int i = 0; i < 50; ++i)
        loop.spawn([&, i]() -> task<> {
            auto work = [i](transaction& t) -> result<std::int64_t> {
                return t.execute("INSERT INTO rows (id) VALUES (?1)", i);
            };
            if (co_await shop->database().commit(std::move(work))) ++kept;
        });
    loop.drain();
    shop->close();
    ASSERT_TRUE(loop.run_until([&] { return kept == 50; }));
    const auto late = insert(99);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, "shutting_down");
    EXPECT_FALSE(std::filesystem::exists(options.directory + "/shop.db-wal"))
        << "the log was not moved";
    open();
}

TEST_F(sqlite_shop_test, jobs_that_wait_together_share_commits) {
    open();
    int kept = 0;
    for (int i = 0; i < 500; ++i)
        loop.spawn([&, i]() -> task<> {
            auto work = [i](transaction& t) -> result<std::int64_t> {
                return t.execute("INSERT INTO rows (id) VALUES (?1)", i);
            };
            if (co_await shop->database().commit(std::move(work))) ++kept;
        });
    ASSERT_TRUE(loop.run_until([&] { return kept == 500; }));
    EXPECT_LT(shop->counters().commits, 250u);
    EXPECT_EQ(shop->counters().jobs, 500u + 0u);
    EXPECT_GT(shop->counters().largest_batch, 1u);
}

// Jobs that share one batch: they queue while the writer is held by a job before them.
struct one_batch_test : sqlite_shop_test {
    void SetUp() override { open(); }
    void commit(std::function<result<int>(transaction&)> how, bool changes_itself = false) {
        const auto at = outcomes.size();
        outcomes.emplace_back();
        loop.spawn([this, at, how = std::move(how), changes_itself]() -> task<> {
            auto repeatable = [how](transaction& t) -> result<int> { return how(t); };
            auto once = [how, runs = 0](transaction& t) mutable -> result<int> {
                if (++runs > 1) throw std::runtime_error("called again");
                return how(t);
            };
            if (changes_itself) outcomes[at] = co_await shop->database().commit(std::move(once));
            else outcomes[at] = co_await shop->database().commit(std::move(repeatable));
            ++done;
        });
    }
    void insert(int id, bool then_fail = false, bool changes_itself = false) {
        commit(
            [id, then_fail](transaction& t) -> result<int> {
                t.execute("INSERT INTO rows (id) VALUES (?1)", id);
                t.publish({.topic = "raw", .key = "k", .id = std::to_string(id), .type = "t"});
                if (then_fail) return fail(errc::conflict, "refused");
                return id;
            },
            changes_itself);
    }
    void run_batch(const std::function<void()>& submit) {
        const auto held = std::make_shared<std::promise<void>>();
        const auto entered = std::make_shared<std::promise<void>>();
        auto goes_on = entered->get_future();
        commit([wait = held->get_future().share(), entered](transaction&) -> result<int> {
            entered->set_value();
            wait.wait();
            return 0;
        });
        loop.drain();
        goes_on.wait();
        const auto commits = shop->counters().commits.load();
        submit();
        loop.drain();
        held->set_value();
        ASSERT_TRUE(loop.run_until([&] { return done == outcomes.size(); }));
        EXPECT_EQ(shop->counters().commits, commits + 2) << "its own and the batch's";
    }
    std::int64_t rows() {
        return loop
            .run([&]() -> task<result<std::int64_t>> {
                auto count = [](transaction& t) -> result<std::int64_t> {
                    return t.number("SELECT count(*) FROM rows").value_or(-1);
                };
                co_return co_await shop->database().read(std::move(count));
            })
            .value();
    }
    std::deque<result<int>> outcomes;
    std::size_t done = 0;
};

TEST_F(one_batch_test, a_job_that_fails_is_undone_alone) {
    for (const bool changes_itself : {false, true}) {
        const int base = changes_itself ? 100 : 0;
        outcomes.clear();
        done = 0;
        run_batch([&] {
            for (int i = 0; i < 20; ++i) insert(base + i, i == 7, changes_itself);
        });
        for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(outcomes[i + 1].has_value(), i != 7) << i;
        EXPECT_EQ(outcomes[8].error().code, "refused");
    }
    EXPECT_EQ(rows(), 38);
    EXPECT_EQ(kept("raw"), (std::pair<std::int64_t, std::int64_t>{0, 38}))
        << "a job that ran again published again";
}

TEST_F(one_batch_test, an_exception_undoes_its_job_alone) {
    run_batch([&] {
        insert(1);
        commit([](transaction& t) -> result<int> {
            t.execute("INSERT INTO rows (id) VALUES (2)");
            throw std::runtime_error("a bug");
        });
        commit([](transaction& t) -> result<int> {
            t.execute("INSERT INTO rows (id) VALUES (1)");  // stands already
            return 0;
        });
        insert(3);
    });
    EXPECT_TRUE(outcomes[1] && outcomes[4]);
    EXPECT_EQ(outcomes[2].error().code, "unexpected");
    EXPECT_EQ(outcomes[3].error().kind, errc::conflict);
    EXPECT_EQ(rows(), 2);
}

TEST_F(one_batch_test, a_closure_that_changes_itself_is_called_once) {
    run_batch([&] {
        insert(1, false, true);
        insert(2, true);
        insert(3);
    });
    EXPECT_TRUE(outcomes[1]) << outcomes[1].error().detail;
    EXPECT_FALSE(outcomes[2]);
    EXPECT_TRUE(outcomes[3]);
    EXPECT_EQ(rows(), 2);
}

TEST_F(sqlite_shop_test, an_exception_in_a_closure_is_an_error_and_the_writer_goes_on) {
    open();
    const auto thrown = loop.run([&]() -> task<result<int>> {
        auto work = [](transaction& t) -> result<int> {
            t.execute("INSERT INTO rows (id) VALUES (1)");
            throw std::runtime_error("a bug");
        };
        co_return co_await shop->database().commit(std::move(work));
    });
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().kind, errc::internal);
    EXPECT_TRUE(insert(1));
}

TEST_F(sqlite_shop_test, retention_takes_what_is_old_and_done_by_every_group) {
    open();
    append("raw", "k", 8);
    auto consumer = shop->log().subscribe("g", {"raw"}, {}).value();
    time.advance(hours(25));
    append("raw", "k", 2);
    EXPECT_EQ(trim(), 0) << "a group has not read them";
    ASSERT_TRUE(
        loop.run([&]() -> task<result<void>> { co_return co_await consumer->done("raw", 0, 5); }));
    EXPECT_EQ(trim(), 3) << "in bounded chunks";
    EXPECT_EQ(trim(), 2);
    EXPECT_EQ(trim(), 0);
    EXPECT_EQ(kept("raw"), (std::pair<std::int64_t, std::int64_t>{5, 10}));
    ASSERT_TRUE(
        loop.run([&]() -> task<result<void>> { co_return co_await consumer->done("raw", 0, 10); }));
    EXPECT_EQ(trim(), 3);
    EXPECT_EQ(trim(), 0) << "the last two are young";
    time.advance(hours(25));
    EXPECT_EQ(trim(), 2);
    consumer.reset();
    open();
    EXPECT_EQ(kept("raw"), (std::pair<std::int64_t, std::int64_t>{10, 10}))
        << "an empty topic's offsets go on";
    append("orders", "k", 2);
    time.advance(hours(24 * 365));
    EXPECT_EQ(trim(), 0) << "kept for ever";
}

TEST_F(sqlite_shop_test, retention_waits_for_a_group_that_is_not_running) {
    open();
    append("raw", "k", 2);
    (void)shop->log().subscribe("g", {"raw"}, {}).value();
    open();
    time.advance(hours(25));
    EXPECT_EQ(trim(), 0);
}

TEST_F(sqlite_shop_test, receipts_go_when_their_group_is_done_and_still_count) {
    open();
    append("orders", "k", 3);
    const auto partition = partition_of("k", 2);
    auto consumer = shop->log().subscribe("g", {"orders"}, {}).value();
    const auto receive = [&](std::int64_t offset) {
        return loop
            .run([&]() -> task<result<bool>> {
                auto work = [=](transaction& t) -> result<bool> {
                    return t.receive(
                        {.group = "g",
                         .partition = partition,
                         .offset = offset,
                         .message = {.topic = "orders", .key = "k", .id = std::to_string(offset)}});
                };
                co_return co_await shop->database().commit(std::move(work));
            })
            .value();
    };
    EXPECT_TRUE(receive(0));
    EXPECT_TRUE(receive(1));
    EXPECT_FALSE(receive(1));
    ASSERT_TRUE(loop.run([&]() -> task<result<void>> {
        co_return co_await consumer->done("orders", partition, 2);
    }));
    const auto receipts = loop.run([&]() -> task<result<std::int64_t>> {
        auto work = [](transaction& t) -> result<std::int64_t> {
            return *t.number("SELECT count(*) FROM inbox");
        };
        co_return co_await shop->database().read(std::move(work));
    });
    EXPECT_EQ(receipts.value(), 0);
    EXPECT_FALSE(receive(0)) << "below the group's offset";
    EXPECT_TRUE(receive(2));
}

struct redrive_test : sqlite_shop_test {
    void SetUp() override {
        open();
        append("orders", "k", 3);
        append("orders", "other", 1);
        auto consumer = shop->log().subscribe("g", {"orders"}, {}).value();
        for (int parked = 0; parked < 4;) {
            auto batch = loop.run(
                [&]() -> task<result<delivery_batch>> { co_return co_await consumer->next(9); });
            for (const auto& each : batch->events) {
                ++parked;
                park(each, 1);
            }
            ASSERT_TRUE(loop.run([&]() -> task<result<void>> {
                co_return co_await consumer->done("orders", batch->partition,
                                                  batch->events.back().offset + 1);
            }));
        }
    }
    void park(delivery what, int attempts) {
        ASSERT_TRUE(loop.run([&]() -> task<result<void>> {
            error why{.kind = errc::invalid, .code = "bad", .detail = "because"};
            co_return co_await shop->log().park(what, std::move(why), attempts);
        }));
    }
    std::vector<dead_letter> letters(std::string key) {
        return loop
            .run([&]() -> task<result<std::vector<dead_letter>>> {
                co_return co_await shop->log().dead_letters("g", "orders", key, 100);
            })
            .value();
    }
    bool is_parked(std::string key) {
        return loop
            .run([&]() -> task<result<bool>> {
                co_return co_await shop->log().is_parked("g", "orders", key);
            })
            .value();
    }
    void redriven(delivery what) {
        ASSERT_TRUE(loop.run(
            [&]() -> task<result<void>> { co_return co_await shop->log().redriven(what); }));
    }
    bool receive(delivery what) {
        return loop
            .run([&]() -> task<result<bool>> {
                auto work = [what](transaction& t) -> result<bool> { return t.receive(what); };
                co_return co_await shop->database().commit(std::move(work));
            })
            .value();
    }
};

TEST_F(redrive_test, a_keys_dead_letters_come_in_offset_order_and_the_last_unparks_it) {
    ASSERT_EQ(letters("").size(), 4u);
    const auto mine = letters("k");
    ASSERT_EQ(mine.size(), 3u);
    for (std::size_t i = 0; i < mine.size(); ++i) {
        EXPECT_TRUE(is_parked("k"));
        EXPECT_EQ(mine[i].what.message.id, "k" + std::to_string(i));
        EXPECT_EQ(mine[i].what.message.topic, "orders");
        EXPECT_TRUE(mine[i].what.redriven);
        EXPECT_EQ(mine[i].code, "bad");
        EXPECT_TRUE(receive(mine[i].what));
        EXPECT_FALSE(receive(mine[i].what)) << "applied once, even where forgetting it failed";
        redriven(mine[i].what);
    }
    EXPECT_FALSE(is_parked("k"));
    EXPECT_TRUE(is_parked("other"));
    EXPECT_EQ(letters("").size(), 1u);
    open();
    EXPECT_FALSE(is_parked("k"));
    EXPECT_TRUE(is_parked("other"));
}

TEST_F(redrive_test, a_redrive_that_fails_again_keeps_its_place_and_counts) {
    const auto first = letters("k").front();
    park(first.what, 2);
    const auto again = letters("k");
    ASSERT_EQ(again.size(), 3u);
    EXPECT_EQ(again.front().what.offset, first.what.offset);
    EXPECT_EQ(again.front().attempts, first.attempts + 2);
}

TEST_F(redrive_test, an_event_that_was_redriven_is_not_applied_again_by_its_offset) {
    auto what = letters("k").front().what;
    ASSERT_TRUE(receive(what));
    redriven(what);
    what.redriven = false;
    what.group = "g";
    EXPECT_FALSE(receive(what));
}

}  // namespace
}  // namespace stoa::testing
