// kill -9 while many commit: every acknowledged row is there when the shop opens again.
#include "adapters/sqlite/sqlite_shop.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

namespace stoa::testing {
namespace {

constexpr std::array item_indexes{kv_index{.name = "by_round", .hash = "round", .range = "id"}};
constexpr std::string_view item_numbers[] = {"id", "round"};
constexpr kv_table items{
    .name = "items", .hash = "id", .indexes = item_indexes, .numbers = item_numbers};

sqlite_options options_in(const std::string& directory) {
    return {
        .directory = directory,
        .migrations = {{"test",
                        {{"1", "CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"}}}},
        .tables = {&items},
        .topics = {{.name = "topic", .partitions = 2}}};
}

// One client: a row with its event, then an item with its event, for ever; each acknowledged number
// goes out.
task<> client(sqlite_shop& shop, int round, std::int64_t& next, int out) {
    for (;;) {
        const auto id = next++;
        const auto key = std::to_string(id);
        const event sent{.topic = "topic", .key = key, .id = key, .type = "t", .payload = "{}"};
        bool kept = false;
        if (id % 2 == 0) {
            auto work = [=](transaction& t) -> result<int> {
                t.execute("INSERT INTO rows (id, text) VALUES (?1, ?2)", id,
                          std::string(static_cast<std::size_t>(id % 5000), 'x'));
                t.publish(sent);
                return 0;
            };
            kept = (co_await shop.database().commit(std::move(work))).has_value();
        } else {
            write_set w;
            item value = key_of("id", id, "round", round);
            w.put(items, std::move(value)).publish(sent);
            const auto outcome = co_await shop.items().write(std::move(w));
            kept = outcome && outcome->committed();
        }
        if (!kept || write(out, &id, sizeof id) != sizeof id) _exit(2);
    }
}

[[noreturn]] void commit_until_killed(const std::string& directory, int round, std::int64_t first,
                                      int out) {
    manual_clock time;
    loop io(1);
    auto shop = sqlite_shop::open(options_in(directory), time);
    if (!shop) _exit(1);
    std::int64_t next = first;
    for (int i = 0; i < 16; ++i)
        asio::co_spawn(io, client(**shop, round, next, out), [](std::exception_ptr) { _exit(3); });
    io.run();
    _exit(4);
}

// Kills the child after `acknowledgements`; all that it acknowledged, those on the way included.
std::vector<std::int64_t> run_and_kill(const std::string& directory, int round, std::int64_t first,
                                       int acknowledgements) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    const auto child = fork();
    if (child == 0) {
        close(ends[0]);
        commit_until_killed(directory, round, first, ends[1]);
    }
    close(ends[1]);
    std::vector<std::int64_t> out;
    std::int64_t id = 0;
    while (read(ends[0], &id, sizeof id) == sizeof id) {
        out.push_back(id);
        if (std::ssize(out) == acknowledgements) kill(child, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the child ended by itself: " << status;
    return out;
}

struct crash_test : ::testing::Test {
    std::vector<std::string> texts(sqlite_shop& shop, const char* sql) {
        return loop
            .run([&]() -> task<result<std::vector<std::string>>> {
                auto work = [sql](transaction& t) -> result<std::vector<std::string>> {
                    return t.texts(sql);
                };
                co_return co_await shop.database().read(std::move(work));
            })
            .value();
    }
    std::set<std::int64_t> stored(sqlite_shop& shop) {
        std::set<std::int64_t> out;
        for (const auto& each : texts(shop, "SELECT id FROM rows")) out.insert(std::stoll(each));
        std::optional<item> after;
        do {
            auto page = loop.run([&]() -> task<result<kv_page>> {
                                co_return co_await shop.items().scan(items, after, 1000);
                            })
                            .value();
            for (const auto& each : page.items) out.insert(each.integer("id"));
            after = page.next;
        } while (after);
        return out;
    }
    std::multiset<std::int64_t> published(sqlite_shop& shop) {
        std::multiset<std::int64_t> out;
        for (int p = 0; p < 2; ++p) {
            std::int64_t expected = 0;
            auto events = loop.run([&]() -> task<result<std::vector<delivery>>> {
                                  co_return co_await shop.log().read("topic", p, 0, 10'000'000);
                              })
                              .value();
            for (const auto& each : events) {
                EXPECT_EQ(each.offset, expected++) << "offsets have no gaps";
                out.insert(std::stoll(each.message.id));
            }
        }
        return out;
    }

    temporary_directory directory;
    manual_clock time;
    test_loop loop;
};

TEST_F(crash_test, everything_acknowledged_before_a_kill_is_there_after_it) {
    const auto seed = test_seed();
    SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
    seeded_random random(seed);
    std::vector<std::int64_t> acknowledged;
    std::int64_t first = 0;
    for (int round = 0; round < 30; ++round) {
        const auto many = static_cast<int>(random.between(1, 400));
        for (const auto each : run_and_kill(directory / "data", round, first, many))
            acknowledged.push_back(each);
        auto opened = sqlite_shop::open(options_in(directory / "data"), time);
        ASSERT_TRUE(opened) << opened.error().detail;
        auto& shop = **opened;
        EXPECT_EQ(texts(shop, "PRAGMA integrity_check"), std::vector<std::string>{"ok"});
        const auto there = stored(shop);
        for (const auto each : acknowledged)
            ASSERT_TRUE(there.contains(each)) << each << " is lost";
        const auto events = published(shop);
        EXPECT_TRUE(std::ranges::equal(there, events)) << "each change has its event, once";
        first = there.empty() ? 0 : *there.rbegin() + 1;
    }
    EXPECT_GE(acknowledged.size(), 30u);
}

}  // namespace
}  // namespace stoa::testing
