// Connections to PostgreSQL, each with a thread of its own that takes work from lanes: a lane is
// one kind of work with its queue, and says how many connections may carry it and how much of it
// goes together.
#pragma once

#include "adapters/postgres/postgres_connection.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stoa {

// For metrics; readable from any thread, never reset.
struct postgres_counters {
    std::atomic<std::uint64_t> queued{0};   // pieces of work waiting now
    std::atomic<std::uint64_t> busy{0};     // connections at work now
    std::atomic<std::uint64_t> open{0};     // connections that stand now
    std::atomic<std::uint64_t> done{0};     // pieces of work carried out
    std::atomic<std::uint64_t> refused{0};  // full queue, closed, or no server
    std::atomic<std::uint64_t> batches{0};  // runs of a lane
    std::atomic<std::uint64_t> largest_batch{0};
    std::atomic<std::uint64_t> round_trips{0};
    std::atomic<std::uint64_t> busy_nanos{0};
    std::atomic<std::uint64_t> connects{0};
    std::atomic<std::uint64_t> failed_connects{0};
    std::atomic<std::uint64_t> conflicts{0};         // transactions run again
    std::atomic<std::uint64_t> unknown_outcomes{0};  // commits whose answer was lost
    std::atomic<bool> away{false};                   // the last try to connect failed
};

// Something that waits for its outcome. Exactly one of its ends is called, on any thread.
class postgres_work {
 public:
    virtual ~postgres_work() = default;
    virtual void reject(error why) = 0;
};

class postgres_pool {
 public:
    using batch = std::vector<std::unique_ptr<postgres_work>>;
    // Ends every piece of the batch. It may find the connection closed, and open() it again. What
    // it throws rejects the pieces that are still in the batch.
    using runner = std::function<void(postgres_connection&, batch&)>;
    struct lane_settings {
        std::string name;
        std::size_t connections;  // at most, at once
        std::size_t together;     // pieces in one run
        std::size_t spill = 1;    // pieces that wait before another connection joins the first
        std::size_t queue_limit;
        runner run;
    };

    // `prepare` runs on a new connection until it has succeeded once: the schema. Its errors other
    // than `unavailable` stay: every piece of work is answered with them.
    postgres_pool(postgres_address address, std::size_t connections,
                  std::function<result<void>(postgres_connection&)> prepare);
    ~postgres_pool() { close(); }
    postgres_pool(const postgres_pool&) = delete;
    postgres_pool& operator=(const postgres_pool&) = delete;

    // Before start().
    std::size_t add_lane(lane_settings how);
    // Connects once, prepares, starts the threads. With `may_be_away` a server that cannot be
    // reached is no error: it is tried again with the first work.
    result<void> start(bool may_be_away);
    // Thread rule: any thread. A full queue, a closed pool or a server that is away rejects with
    // `unavailable`.
    void submit(std::size_t lane, std::unique_ptr<postgres_work> work);
    // Runs what has queued for as long as 5 s, rejects the rest. Idempotent.
    void close();

    const postgres_counters& counters() const { return counters_; }
    postgres_counters& counters() { return counters_; }

 private:
    struct lane {
        lane_settings how;
        std::deque<std::unique_ptr<postgres_work>> queue;
        std::size_t running = 0;
        std::size_t place = 0;
    };
    using steady = std::chrono::steady_clock;

    void work();
    lane* take(batch& out, std::unique_lock<std::mutex>& lock);
    lane* next_lane();
    static bool wants_another(const lane& of);
    void run(postgres_connection& on, lane& of, batch& pieces);
    result<void> connect(postgres_connection& on);
    void reject_all(batch& pieces, const error& why);
    error refusal() const;

    const postgres_address address_;
    const std::size_t connections_;
    const std::function<result<void>(postgres_connection&)> prepare_;
    postgres_counters counters_;
    std::atomic<bool> hurry_{false};

    std::mutex preparing_;  // of prepared_ and the schema
    std::atomic<bool> prepared_{false};

    std::mutex mutex_;
    std::condition_variable some_, idle_;
    std::vector<std::unique_ptr<lane>> lanes_;
    std::size_t next_ = 0, waiting_ = 0, queued_ = 0, at_work_ = 0;
    bool waking_ = false, closing_ = false, closed_ = false;
    steady::time_point away_until_;
    std::chrono::milliseconds away_for_{0};
    error away_why_;
    std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace stoa
