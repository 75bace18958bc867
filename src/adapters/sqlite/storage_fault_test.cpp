// The storage fails at its n-th write or sync, for every n in a range: what was acknowledged is
// there after a restart, and what was refused as "nothing was written" is not.
#include "adapters/sqlite/sqlite_shop.hpp"
#include "support/manual_clock.hpp"
#include "support/passing_file.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>

namespace stoa::testing {
namespace {

// A file layer that counts writes and syncs and fails from the n-th on, for `length` calls.
struct faults {
    std::atomic<int> calls{0}, first{0}, length{0};
    std::atomic<int> write_error{SQLITE_IOERR_WRITE};
    std::atomic<bool> syncs_only{false};

    void arm(int n, int count, int error, bool only_syncs) {
        calls = 0;
        write_error = error;
        syncs_only = only_syncs;
        length = count;
        first = n;
    }
    void disarm() { first = 0; }
    bool fails() {
        const int n = first;
        if (n == 0) return false;
        const int call = ++calls;
        return call >= n && call - n < length;
    }
    bool reached() const { return first != 0 && calls >= first; }
} storage;

struct nothing {};
using faulty_file = passing_file<nothing>;
sqlite3_file* real(sqlite3_file* f) { return faulty_file::real(f); }

int faulty_write(sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
    if (!storage.syncs_only && storage.fails()) {
        // Half of it reached the disk.
        real(f)->pMethods->xWrite(real(f), bytes, n / 2, at);
        return storage.write_error;
    }
    return real(f)->pMethods->xWrite(real(f), bytes, n, at);
}
int faulty_sync(sqlite3_file* f, int flags) {
    if (storage.write_error != SQLITE_FULL && storage.fails()) return SQLITE_IOERR_FSYNC;
    return real(f)->pMethods->xSync(real(f), flags);
}

constexpr sqlite3_io_methods faulty_methods = [] {
    auto out = faulty_file::methods(3);
    out.xWrite = faulty_write;
    out.xSync = faulty_sync;
    return out;
}();

int faulty_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out) {
    auto* system = static_cast<sqlite3_vfs*>(vfs->pAppData);
    const int code = system->xOpen(system, name, real(f), flags, out);
    f->pMethods = code == SQLITE_OK ? &faulty_methods : nullptr;
    return code;
}

const char* faulty_vfs() {
    static sqlite3_vfs vfs = [] {
        auto* system = sqlite3_vfs_find(nullptr);
        sqlite3_vfs out = *system;
        out.szOsFile = static_cast<int>(sizeof(faulty_file)) + system->szOsFile;
        out.zName = "stoa-faulty";
        out.pAppData = system;
        out.xOpen = faulty_open;
        return out;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    EXPECT_EQ(registered, SQLITE_OK);
    return vfs.zName;
}

constexpr kv_table things{.name = "things", .hash = "id"};

struct storage_fault : ::testing::Test {
    sqlite_options options(const std::string& vfs) const {
        return {
            .directory = directory / "data",
            .migrations = {{"test",
                            {{"1",
                              "CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"}}}},
            .tables = {&things},
            .topics = {{.name = "topic", .partitions = 1}},
            .vfs = vfs};
    }
    void open(const std::string& vfs) {
        auto opened = sqlite_shop::open(options(vfs), time);
        ASSERT_TRUE(opened) << opened.error().detail;
        shop = *std::move(opened);
    }
    // `count` rows at once, so that they share batches; what became of each.
    void write(int from, int count) {
        int done = 0;
        for (int id = from; id < from + count; ++id)
            loop.spawn([&, id]() -> task<> {
                auto work = [id](transaction& t) -> result<int> {
                    t.execute("INSERT INTO rows (id, text) VALUES (?1, ?2)", id,
                              std::string(3000, 'x'));
                    t.publish(
                        {.topic = "topic", .key = "k", .id = std::to_string(id), .type = "t"});
                    return id;
                };
                const auto kept = co_await shop->database().commit(std::move(work));
                outcomes[id] = kept ? "kept" : kept.error().code;
                ++done;
            });
        ASSERT_TRUE(loop.run_until([&] { return done == count; }));
    }
    // Until the armed call came, and a little longer.
    void write_until_reached() {
        int longer = 3;
        for (int i = 0; i < 400 && longer > 0; ++i) {
            write(i * 5, 5);
            longer -= storage.reached();
        }
    }
    std::vector<std::string> rows() {
        auto found = loop.run([&]() -> task<result<std::vector<std::string>>> {
            auto work = [](transaction& t) -> result<std::vector<std::string>> {
                return t.texts("SELECT id FROM rows ORDER BY id");
            };
            co_return co_await shop->database().read(std::move(work));
        });
        EXPECT_TRUE(found) << found.error().detail;
        return found.value_or(std::vector<std::string>{});
    }
    bool there(int id) { return std::ranges::count(rows(), std::to_string(id)) == 1; }
    void check_after_restart() {
        storage.disarm();
        shop.reset();
        open("");
        const auto found = rows();
        for (const auto& [id, outcome] : outcomes) {
            const bool kept = std::ranges::count(found, std::to_string(id)) == 1;
            if (outcome == "kept") EXPECT_TRUE(kept) << id << " was acknowledged and is lost";
            // A failed sync may or may not have reached the disk; a full disk has not.
            if (outcome == "storage_full") EXPECT_FALSE(kept) << id << " was refused and is there";
        }
        const auto events = loop.run([&]() -> task<result<std::vector<delivery>>> {
            co_return co_await shop->log().read("topic", 0, 0, 10'000);
        });
        ASSERT_TRUE(events);
        ASSERT_EQ(events->size(), found.size()) << "a row without its event, or the reverse";
        for (std::size_t i = 0; i < events->size(); ++i)
            EXPECT_EQ((*events)[i].offset, static_cast<std::int64_t>(i));
        EXPECT_EQ(loop.run([&]() -> task<result<std::vector<std::string>>> {
                          auto work = [](transaction& t) -> result<std::vector<std::string>> {
                              return t.texts("PRAGMA integrity_check");
                          };
                          co_return co_await shop->database().read(std::move(work));
                      })
                      .value(),
                  std::vector<std::string>{"ok"});
    }
    void TearDown() override { storage.disarm(); }

    temporary_directory directory;
    manual_clock time;
    test_loop loop;
    std::unique_ptr<sqlite_shop> shop;
    std::map<int, std::string> outcomes;
};

class failing_at : public storage_fault, public ::testing::WithParamInterface<int> {};

TEST_P(failing_at, an_io_error_stops_writing_for_good_and_loses_nothing_acknowledged) {
    open(faulty_vfs());
    storage.arm(GetParam(), 1'000'000, SQLITE_IOERR_WRITE, false);
    write_until_reached();
    ASSERT_TRUE(storage.reached());
    EXPECT_TRUE(shop->counters().broken);
    storage.disarm();  // even where the disk comes back
    write(100'000, 1);
    EXPECT_EQ(outcomes[100'000], "storage_failed");
    for (const auto& [id, outcome] : outcomes)
        if (outcome == "kept") EXPECT_TRUE(there(id)) << "reads go on";
    check_after_restart();
}

TEST_P(failing_at, a_failed_sync_stops_writing_for_good_and_loses_nothing_acknowledged) {
    open(faulty_vfs());
    storage.arm(GetParam(), 1, SQLITE_IOERR_WRITE, true);
    write_until_reached();
    ASSERT_TRUE(storage.reached());
    EXPECT_TRUE(shop->counters().broken);
    EXPECT_EQ(outcomes.rbegin()->second, "storage_failed");
    check_after_restart();
}

TEST_P(failing_at, a_full_disk_refuses_until_there_is_space_and_then_goes_on) {
    open(faulty_vfs());
    storage.arm(GetParam(), 6, SQLITE_FULL, false);
    write_until_reached();
    ASSERT_TRUE(storage.reached());
    EXPECT_FALSE(shop->counters().broken);
    EXPECT_TRUE(
        std::ranges::any_of(outcomes, [](const auto& o) { return o.second == "storage_full"; }));
    for (const auto& [id, outcome] : outcomes) EXPECT_EQ(there(id), outcome == "kept");
    storage.disarm();
    write(100'000, 1);
    EXPECT_EQ(outcomes[100'000], "kept");
    check_after_restart();
}

INSTANTIATE_TEST_SUITE_P(nth_call, failing_at, ::testing::Range(1, 201));

TEST_F(storage_fault, a_disk_that_fills_inside_one_large_transaction_keeps_nothing_of_it) {
    open(faulty_vfs());
    write(0, 1);
    // Larger than the page cache: pages spill to the log in the middle of the job, beside innocent
    // jobs.
    storage.arm(3, 1'000'000, SQLITE_FULL, false);
    std::string big = "pending";
    loop.spawn([&]() -> task<> {
        auto work = [](transaction& t) -> result<int> {
            for (int i = 0; i < 4000; ++i)
                t.execute("INSERT INTO rows (id, text) VALUES (?1, ?2)", 10'000 + i,
                          std::string(3000, 'y'));
            return 0;
        };
        const auto kept = co_await shop->database().commit(std::move(work));
        big = kept ? "kept" : kept.error().code;
    });
    write(1, 5);
    ASSERT_TRUE(loop.run_until([&] { return big != "pending"; }));
    EXPECT_EQ(big, "storage_full");
    EXPECT_EQ(rows().size(),
              1u + static_cast<std::size_t>(std::ranges::count_if(
                       outcomes, [](const auto& o) { return o.first > 0 && o.second == "kept"; })));
    storage.disarm();
    write(20, 1);
    EXPECT_EQ(outcomes[20], "kept");
    check_after_restart();
}

}  // namespace
}  // namespace stoa::testing
