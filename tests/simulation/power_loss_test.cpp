// The power goes at any moment: what was acknowledged is there after the restart, what was not is
// there whole or not at all, and nobody has to repair anything.
#include "simulation/power_loss.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <thread>

namespace stoa::power {
namespace {

using testing::manual_clock;
using testing::seeded_random;
using testing::temporary_directory;
using testing::test_loop;

constexpr kv_table things{.name = "things", .hash = "id"};

sqlite_options options_of(const std::string& directory) {
    return {
        .directory = directory,
        .migrations = {{"test",
                        {{"1", "CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"}}}},
        .tables = {&things},
        .topics = {{.name = "topic", .partitions = 1}},
        .vfs = recorder::vfs()};
}

// When each transaction was acknowledged, as the number of file operations there had been by then.
using acknowledgements = std::map<int, std::size_t>;

// Transactions of all three ports, several at once so that they share commits, with checkpoints in
// between. Even numbers are rows, odd ones items; each comes with its event.
struct recording {
    std::vector<operation> history;
    acknowledgements acked;
    std::size_t began = 0;  // the shop was open by then
};

task<> write_one(sqlite_shop& shop, recorder& disk, recording& out, int id, std::size_t size) {
    event told{.topic = "topic", .key = "k", .id = std::to_string(id), .type = "t"};
    bool kept = false;
    if (id % 2 == 0) {
        auto work = [id, size, told](transaction& t) -> result<int> {
            t.execute("INSERT INTO rows (id, text) VALUES (?1, ?2)", id, std::string(size, 'x'));
            t.publish(told);
            return id;
        };
        kept = (co_await shop.database().commit(std::move(work))).has_value();
    } else {
        item thing = key_of("id", std::to_string(id));
        thing.set("text", std::string(size, 'y'));
        write_set in;
        in.put(things, std::move(thing)).publish(told);
        const auto done = co_await shop.items().write(std::move(in));
        kept = done && done->committed();
    }
    if (kept) out.acked[id] = disk.moment();
}

recording record(std::uint64_t seed, bool lying) {
    temporary_directory where;
    manual_clock time;
    seeded_random chance(seed);
    recorder disk(where / "data");
    disk.lies = lying;
    recording out;
    {
        test_loop loop;
        auto shop = sqlite_shop::open(options_of(where / "data"), time);
        if (!shop) throw std::runtime_error(shop.error().detail);
        out.began = disk.moment();
        int id = 0;
        for (int round = 0; round < 40; ++round) {
            const auto together = chance.between(1, 6);
            int left = static_cast<int>(together);
            for (int i = 0; i < together; ++i)
                loop.spawn([&, n = id++,
                            size = static_cast<std::size_t>(
                                chance.between(10, chance.below(8) ? 300 : 20'000))]() -> task<> {
                    co_await write_one(**shop, disk, out, n, size);
                    --left;
                });
            if (!loop.run_until([&] { return left == 0; })) throw std::runtime_error("too slow");
            // A process that ends in order moves the log into the file; then it starts again.
            if (round % 13 == 12) {
                shop->reset();
                shop = sqlite_shop::open(options_of(where / "data"), time);
                if (!shop) throw std::runtime_error(shop.error().detail);
            }
        }
    }
    out.history = disk.history();
    return out;
}

std::set<int> numbers(sqlite_shop& shop, test_loop& loop, const char* sql) {
    const auto found = loop.run([&]() -> task<result<std::vector<std::string>>> {
        auto work = [sql](transaction& t) -> result<std::vector<std::string>> {
            return t.texts(sql);
        };
        co_return co_await shop.database().read(std::move(work));
    });
    std::set<int> out;
    if (found)
        for (const auto& each : *found) out.insert(std::stoi(each));
    return out;
}

// What is wrong with the shop after the power came back; empty: nothing.
std::string look_after(const std::string& directory, const acknowledgements& acked,
                       std::size_t moment) {
    manual_clock time;
    test_loop loop;
    auto opened = sqlite_shop::open(options_of(directory), time);
    if (!opened) return "it does not start: " + opened.error().code + " " + opened.error().detail;
    auto& shop = **opened;
    std::set<int> kept = numbers(shop, loop, "SELECT id FROM rows"), told;
    const auto scanned = loop.run([&]() -> task<result<kv_page>> {
        co_return co_await shop.items().scan(things, {}, 100'000);
    });
    if (!scanned) return "items cannot be read: " + scanned.error().detail;
    for (const auto& each : scanned->items) kept.insert(std::stoi(std::string(each.text("id"))));
    const auto events = loop.run([&]() -> task<result<std::vector<delivery>>> {
        co_return co_await shop.log().read("topic", 0, 0, 100'000);
    });
    if (!events) return "events cannot be read: " + events.error().detail;
    for (const auto& each : *events) told.insert(std::stoi(each.message.id));
    for (const auto& [id, at] : acked)
        if (at <= moment && !kept.contains(id))
            return std::to_string(id) + " was acknowledged and is lost";
    if (kept != told) return "a change without its event, or the reverse";
    for (std::size_t i = 0; i < events->size(); ++i)
        if ((*events)[i].offset != static_cast<std::int64_t>(i)) return "a gap in the log";
    const auto sound = loop.run([&]() -> task<result<std::vector<std::string>>> {
        auto work = [](transaction& t) -> result<std::vector<std::string>> {
            return t.texts("PRAGMA integrity_check");
        };
        co_return co_await shop.database().read(std::move(work));
    });
    if (!sound || *sound != std::vector<std::string>{"ok"}) return "the file is corrupt";
    return {};
}

struct verdict {
    int cuts = 0, wrong = 0;
    std::string first;
};

// Cuts the power at `cuts` moments of recordings made from the seeds [from, from + n).
verdict cut_power(std::uint64_t from, int recordings, int cuts_each, bool lying = false) {
    verdict out;
    temporary_directory where;
    for (int r = 0; r < recordings; ++r) {
        const auto seed = from + static_cast<std::uint64_t>(r);
        const auto made = record(seed, lying);
        seeded_random chance(seed * 7'919);
        std::vector<std::size_t> moments;
        for (int i = 0; i < cuts_each; ++i)
            moments.push_back(made.began + chance.below(made.history.size() - made.began + 1));
        std::ranges::sort(moments);
        cutter at(made.history);
        for (const auto moment : moments) {
            at.advance_to(moment);
            constexpr std::array ways{survivors::none, survivors::prefix,
                                      survivors::random_sectors};
            const auto image = at.cut(ways[chance.below(3)], chance);
            write_image(image, where / "cut");
            const auto wrong = look_after(where / "cut", made.acked, moment);
            ++out.cuts;
            if (wrong.empty()) continue;
            ++out.wrong;
            if (out.first.empty())
                out.first = "seed " + std::to_string(seed) + ", operation " +
                            std::to_string(moment) + ": " + wrong;
        }
    }
    return out;
}

// Side by side on the cores: each thread has recordings and directories of its own.
verdict cut_power_on_all_cores(int recordings, int cuts_each) {
    const auto cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    std::vector<verdict> of(static_cast<std::size_t>(cores));
    {
        std::vector<std::jthread> threads;
        for (int c = 0; c < cores; ++c)
            threads.emplace_back([&, c] {
                of[static_cast<std::size_t>(c)] =
                    cut_power(1 + static_cast<std::uint64_t>(c) * 1'000'000,
                              (recordings + cores - 1) / cores, cuts_each);
            });
    }
    verdict all;
    for (auto& each : of) {
        all.cuts += each.cuts;
        all.wrong += each.wrong;
        if (all.first.empty()) all.first = std::move(each.first);
    }
    return all;
}

int cuts_wanted() {
    const char* given = std::getenv("STOA_TEST_CUTS");
    return given ? std::stoi(given) : 20'000;
}

TEST(power_loss, nothing_acknowledged_is_lost_wherever_the_power_goes) {
    constexpr int cuts_each = 100;
    const auto all = cut_power_on_all_cores(std::max(2, cuts_wanted() / cuts_each), cuts_each);
    EXPECT_EQ(all.wrong, 0) << all.first;
    EXPECT_GE(all.cuts, cuts_wanted());
    std::printf("%d power losses, %d with something lost or corrupt\n", all.cuts, all.wrong);
}

// The three controls: a checker that finds nothing here would find nothing above.
TEST(power_loss, a_disk_whose_syncs_lie_is_caught) {
    const auto lying = cut_power(1, 2, 100, true);
    EXPECT_GT(lying.wrong, 0);
}

class weaker_sync : public ::testing::TestWithParam<const char*> {};

TEST_P(weaker_sync, is_caught) {
    temporary_directory where;
    recorder disk(where / "data");
    std::filesystem::create_directories(where / "data");
    acknowledgements acked;
    {
        sqlite_connection db(where / "data/shop.db", sqlite_connection::mode::write,
                             recorder::vfs());
        db.script(GetParam());
        db.script("CREATE TABLE rows (id INTEGER PRIMARY KEY)");
        for (int id = 0; id < 200; ++id) {
            db.execute("BEGIN IMMEDIATE");
            db.execute("INSERT INTO rows (id) VALUES (?1)", id);
            db.execute("COMMIT");
            acked[id] = disk.moment();
        }
        const auto history = disk.history();
        seeded_random chance(1);
        cutter at(history);
        int lost = 0;
        for (auto moment = history.size() / 2; moment < history.size(); ++moment) {
            at.advance_to(moment);
            write_image(at.cut(survivors::none, chance), where / "cut");
            std::int64_t there = 0, promised = 0;
            for (const auto& [id, when] : acked) promised += when <= moment;
            try {
                sqlite_connection after(where / "cut/shop.db", sqlite_connection::mode::write, "");
                sqlite_statement count(after, "SELECT count(*) FROM rows");
                if (count.step()) there = count.integer(0);
            } catch (const sql_failure&) {
                there = 0;
            }
            lost += there < promised;
        }
        if (std::string(GetParam()).ends_with("EXTRA")) EXPECT_EQ(lost, 0);
        else EXPECT_GT(lost, 0);
    }
}

INSTANTIATE_TEST_SUITE_P(synchronous, weaker_sync,
                         ::testing::Values("PRAGMA synchronous=OFF", "PRAGMA synchronous=NORMAL",
                                           "PRAGMA synchronous=EXTRA"));

}  // namespace
}  // namespace stoa::power
