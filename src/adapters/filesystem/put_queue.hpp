// Whole objects on their way to the disk. Whatever waits is written together, synced once, renamed,
// and its directories synced once: a sync, not a write, is what a small object costs.
#pragma once

#include "adapters/filesystem/files.hpp"
#include "runtime/blocking_pool.hpp"

#include <deque>
#include <functional>
#include <mutex>

namespace stoa::files {

struct waiting_put {
    place where;
    std::string content;
    std::move_only_function<void(result<blob_info>)> done;  // called once, on the pool's thread
};

// Writes, syncs and names them; one result for each, in their order. A write or a name that fails
// fails its own object. A sync that fails fails every object that it was for: none of those is
// known to be on the disk.
std::vector<result<blob_info>> store_together(std::vector<waiting_put>& batch,
                                              const std::shared_ptr<volume>& to);

// Thread rule: add() from any thread. At most one thread of the pool works for it; what waits when
// the owner lets go of it is still stored.
class put_queue : public std::enable_shared_from_this<put_queue> {
 public:
    put_queue(blocking_pool& pool, std::shared_ptr<volume> to)
        : pool_(pool), volume_(std::move(to)) {}
    put_queue(const put_queue&) = delete;
    put_queue& operator=(const put_queue&) = delete;

    // `unavailable` through `done`, on this thread, where too many wait already.
    void add(waiting_put what);

 private:
    static constexpr std::size_t most_waiting = 512, most_together = 128;
    bool takes(waiting_put& what);
    void work();
    std::vector<waiting_put> next();

    blocking_pool& pool_;
    std::shared_ptr<volume> volume_;
    std::mutex mutex_;
    std::deque<waiting_put> waiting_;
    bool working_ = false;  // a job of this queue is in the pool
};

}  // namespace stoa::files
