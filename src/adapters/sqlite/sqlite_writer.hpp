// One thread that owns the write connection. It takes whatever has queued, runs it in one
// transaction, and completes the jobs only after its commit: an fsync is shared by all who wait. A
// job that fails is undone alone.
#pragma once

#include "adapters/sqlite/log_state.hpp"
#include "ports/clock.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stoa {

// For metrics; readable from any thread, never reset.
struct sqlite_counters {
    std::atomic<std::uint64_t> queued{0};   // jobs waiting now
    std::atomic<std::uint64_t> jobs{0};     // that ran and whose outcome was kept
    std::atomic<std::uint64_t> refused{0};  // full queue, closed, or broken storage
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> largest_batch{0};  // jobs
    std::atomic<std::uint64_t> commits{0};
    std::atomic<std::uint64_t> commit_nanos{0};  // in COMMIT: mostly fsync
    std::atomic<std::uint64_t> failed_batches{0};
    std::atomic<std::uint64_t> checkpoints{0};
    std::atomic<std::uint64_t> checkpoint_nanos{0};
    std::atomic<bool> broken{false};  // storage failed: no more writes until a restart
    std::atomic<bool> full{false};    // a write found no space; until look_for_room finds some
};

// The transaction of a running job; adapters of this folder cast the port's to it for their own
// tables.
class sqlite_transaction final : public transaction {
 public:
    // Without a log it only reads.
    sqlite_transaction(sqlite_connection& on, log_state* log, currency_code shop)
        : db(on), log_(log) {
        shop_currency = shop;
    }
    void publish(event what) override { log().publish(db, what, log().accepted_at()); }
    bool receive(const delivery& what) override { return log().receive(db, what); }
    log_state& log();

    sqlite_connection& db;

 protected:
    std::int64_t run(const char* sql, std::span<const cell> args, row_visitor* rows) override {
        return db.run(sql, args, rows);
    }

 private:
    log_state* log_;
};

// Thread rule: submit() from any thread. Declare it after the loops whose coroutines wait on it:
// close(), or the destructor, runs what has queued and joins while the loops still stand.
//
// When the storage fails (fsync, I/O, corruption) the batch is rejected and no later write is
// accepted: what a failed fsync lost cannot be known. A full disk only rejects the batch.
class sqlite_writer {
 public:
    sqlite_writer(std::unique_ptr<sqlite_connection> db, log_state& log, clock& time,
                  currency_code shop, std::size_t queue_limit);
    ~sqlite_writer() { close(); }
    sqlite_writer(const sqlite_writer&) = delete;
    sqlite_writer& operator=(const sqlite_writer&) = delete;

    void submit(std::unique_ptr<sql_job> job);
    void close();
    void found_room() { counters_.full = false; }
    const sqlite_counters& counters() const { return counters_; }

 private:
    using jobs = std::vector<std::unique_ptr<sql_job>>;
    void work();
    bool take_batch(jobs& batch, std::size_t came_last);
    void run_batch(jobs& batch);
    bool run_jobs(jobs& batch);
    bool run_together(jobs& batch);
    bool run_apart(jobs& batch);
    bool run_job(sql_job& job);
    bool batch_is_lost() const;
    void abandon(jobs& batch, error why);
    void checkpoint();
    error refusal() const;

    std::unique_ptr<sqlite_connection> db_;
    log_state& log_;
    clock& time_;
    sqlite_transaction transaction_;
    const std::size_t queue_limit_;
    sqlite_counters counters_;
    int careful_batches_ = 0;  // that still get savepoints

    std::mutex mutex_;
    std::condition_variable some_;
    jobs queue_;
    bool waiting_ = false, closing_ = false;
    std::size_t wanted_ = 1;  // jobs that wake the waiting writer
    std::jthread thread_;     // last: it uses all of the above
};

}  // namespace stoa
