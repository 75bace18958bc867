#include "adapters/sqlite/sqlite_writer.hpp"

#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace stoa {
namespace {

// 16 MB of 4 KB pages: enough that a page written often is moved once, little enough for a quick
// restart.
constexpr int checkpoint_pages = 4'000;

// After a job had to be undone: where refusals are common, running twice would cost more than
// savepoints.
constexpr int careful_after_failure = 64;

// Fewer jobs at once are no load that is worth a wait.
constexpr std::size_t fewest_to_gather = 16;
constexpr std::chrono::microseconds longest_gathering{1'000};

using steady = std::chrono::steady_clock;
std::uint64_t nanos_since(steady::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now() - start).count());
}

void reject(sql_job& job, error why) {
    job.reject(std::move(why));
    job.complete();
}

const error broken_storage{
    .kind = errc::internal,
    .code = "storage_failed",
    .detail =
        "the disk failed while the database was written; this process writes nothing more. Whether "
        "the "
        "last changes were kept shows after a restart; check the disk first"};

}  // namespace

log_state& sqlite_transaction::log() {
    if (!log_)
        throw sql_failure{error{.kind = errc::internal,
                                .code = "read_only",
                                .detail = "a reading transaction cannot write"}};
    return *log_;
}

sqlite_writer::sqlite_writer(std::unique_ptr<sqlite_connection> db, log_state& log, clock& time,
                             currency_code shop, std::size_t queue_limit)
    : db_(std::move(db)),
      log_(log),
      time_(time),
      transaction_(*db_, &log, shop),
      queue_limit_(queue_limit),
      thread_([this] { work(); }) {}

error sqlite_writer::refusal() const {
    if (counters_.broken.load(std::memory_order_acquire)) return broken_storage;
    if (closing_)
        return {.kind = errc::unavailable,
                .code = "shutting_down",
                .detail = "the shop is shutting down",
                .retry_after_s = 1};
    return {.kind = errc::unavailable,
            .code = "overloaded",
            .detail = "too many writes are waiting",
            .retry_after_s = 1};
}

void sqlite_writer::submit(std::unique_ptr<sql_job> job) {
    bool wake = false;
    {
        std::unique_lock lock(mutex_);
        if (closing_ || queue_.size() >= queue_limit_ ||
            counters_.broken.load(std::memory_order_acquire)) {
            auto why = refusal();
            lock.unlock();
            counters_.refused.fetch_add(1, std::memory_order_relaxed);
            return reject(*job, std::move(why));
        }
        queue_.push_back(std::move(job));
        wake = waiting_ && queue_.size() >= wanted_;
        if (wake) waiting_ = false;
    }
    if (wake) some_.notify_one();
}

void sqlite_writer::close() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
    }
    some_.notify_one();
    if (thread_.joinable()) thread_.join();
}

// Whatever has queued. Under load it waits a moment for as many as came together the last time:
// most of those who were answered then are about to write again, and a commit costs the same for
// few. False: closed, and nothing is left.
bool sqlite_writer::take_batch(jobs& batch, std::size_t came_last) {
    std::unique_lock lock(mutex_);
    const auto there = [this] { return closing_ || queue_.size() >= wanted_; };
    waiting_ = true;
    if (came_last >= fewest_to_gather) {
        wanted_ = came_last;
        some_.wait_for(lock, longest_gathering, there);
    }
    wanted_ = 1;
    waiting_ = true;
    some_.wait(lock, there);
    waiting_ = false;
    batch.swap(queue_);
    return !batch.empty();
}

void sqlite_writer::work() {
    pthread_setname_np(pthread_self(), "sqlite-writer");
    jobs batch;
    std::size_t came_last = 0;
    while (take_batch(batch, came_last)) {
        run_batch(batch);
        came_last = batch.size();
        batch.clear();
        if (db_->log_pages() >= checkpoint_pages) checkpoint();
    }
    // A log whose pages could not be moved is all there is: it must stay beside the file.
    if (counters_.broken) db_->keep_log_on_close();
    else checkpoint();
    db_.reset();
}

// True: the job's changes are kept. Its outcome is in the job either way.
bool sqlite_writer::run_job(sql_job& job) {
    try {
        return job.run(transaction_);
    } catch (const sql_failure& failure) {
        job.reject(failure.why);
    } catch (const std::exception& thrown) {
        log_error("transaction_threw", {{"why", thrown.what()}});
        job.reject({.kind = errc::internal, .code = "unexpected", .detail = thrown.what()});
    }
    return false;
}

// Each job with a savepoint of its own, which costs a copy of every page that it touches. False:
// the transaction is gone.
bool sqlite_writer::run_apart(jobs& batch) {
    // The transaction itself serves as the savepoint of a job that is alone in it.
    const bool alone = batch.size() == 1;
    for (const auto& job : batch) {
        if (!alone) db_->execute("SAVEPOINT job");
        const auto mark = log_.mark();
        const bool keep = run_job(*job);
        if (batch_is_lost()) return false;
        if (!keep) {
            log_.undo_to(mark);
            if (!alone) db_->execute("ROLLBACK TO job");
        }
        if (!alone) db_->execute("RELEASE job");
        else if (!keep) db_->execute("ROLLBACK");
    }
    return true;
}

// All jobs with no savepoint between them: nearly always all are kept. False: one was not, and all
// are to be run again, apart.
bool sqlite_writer::run_together(jobs& batch) {
    return std::ranges::all_of(batch, [this](const auto& job) { return run_job(*job); });
}

// False: the transaction is gone.
bool sqlite_writer::run_jobs(jobs& batch) {
    const bool together = batch.size() > 1 && careful_batches_ == 0 &&
                          std::ranges::all_of(batch, [](const auto& j) { return j->repeatable(); });
    if (careful_batches_ > 0) --careful_batches_;
    if (!together) return run_apart(batch);
    if (run_together(batch)) return true;
    if (batch_is_lost()) return false;
    careful_batches_ = careful_after_failure;
    log_.undo_to(0);
    db_->execute("ROLLBACK");
    db_->execute("BEGIN IMMEDIATE");
    return run_apart(batch);
}

bool sqlite_writer::batch_is_lost() const {
    return db_->fault() == storage_fault::broken || !db_->in_transaction();
}

void sqlite_writer::run_batch(jobs& batch) {
    counters_.queued.store(batch.size(), std::memory_order_relaxed);
    counters_.batches.fetch_add(1, std::memory_order_relaxed);
    if (batch.size() > counters_.largest_batch.load(std::memory_order_relaxed))
        counters_.largest_batch.store(batch.size(), std::memory_order_relaxed);
    if (counters_.broken) return abandon(batch, broken_storage);
    db_->forget_full();
    log_.set_clock_micros(time_.now().micros);
    try {
        db_->execute("BEGIN IMMEDIATE");
        if (!run_jobs(batch))
            return abandon(batch,
                           {.kind = errc::internal,
                            .code = "transaction_lost",
                            .detail = "the database gave the transaction up; nothing was written"});
        if (db_->in_transaction()) {
            const auto start = steady::now();
            crash_point("batch_ran");
            db_->execute("COMMIT");
            crash_point("batch_committed");
            counters_.commit_nanos.fetch_add(nanos_since(start), std::memory_order_relaxed);
            counters_.commits.fetch_add(1, std::memory_order_relaxed);
        }
    } catch (const sql_failure& failure) {
        return abandon(batch, failure.why);
    }
    if (db_->fault() == storage_fault::full) counters_.full = true;  // of a job that failed alone
    log_.committed();
    counters_.jobs.fetch_add(batch.size(), std::memory_order_relaxed);
    for (const auto& job : batch) job->complete();
    counters_.queued.store(0, std::memory_order_relaxed);
}

void sqlite_writer::abandon(jobs& batch, error why) {
    log_.undo_to(0);
    log_.committed();
    counters_.failed_batches.fetch_add(1, std::memory_order_relaxed);
    try {
        if (db_->in_transaction()) db_->execute("ROLLBACK");
    } catch (const sql_failure& failure) {
        log_error("rollback_failed", {{"why", failure.why.detail}});
    }
    if (db_->fault() == storage_fault::full) {
        counters_.full = true;
        why = {.kind = errc::storage_full,
               .code = "storage_full",
               .detail = "no space is left for the database; nothing was written"};
    } else if (db_->fault() == storage_fault::broken) {
        if (!counters_.broken.exchange(true)) log_error("storage_failed", {{"why", why.detail}});
        why = broken_storage;
    }
    for (const auto& job : batch) reject(*job, why);
    counters_.queued.store(0, std::memory_order_relaxed);
}

void sqlite_writer::checkpoint() {
    const auto start = steady::now();
    try {
        crash_point("checkpoint_begins");
        db_->checkpoint(false);
        crash_point("checkpoint_done");
    } catch (const sql_failure& failure) {
        log_error("checkpoint_failed", {{"why", failure.why.detail}});
        if (db_->fault() == storage_fault::broken) counters_.broken = true;
    }
    counters_.checkpoints.fetch_add(1, std::memory_order_relaxed);
    counters_.checkpoint_nanos.fetch_add(nanos_since(start), std::memory_order_relaxed);
}

}  // namespace stoa
