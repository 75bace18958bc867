#include "adapters/filesystem/put_queue.hpp"

#include "runtime/crash_point.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace stoa::files {
namespace {

// Syncing the file system waits for what others wrote, too: not worth it for so few.
constexpr std::size_t fewest_for_one_sync = 4;

struct one_put {
    std::unique_ptr<upload> up;
    std::optional<error> failed;
};

one_put write(const waiting_put& what, const std::shared_ptr<volume>& to) {
    auto begun = upload::begin(what.where, to);
    if (!begun) return {nullptr, std::move(begun).error()};
    auto written = (*begun)->append(what.content);
    if (!written) return {nullptr, std::move(written).error()};
    return {*std::move(begun), std::nullopt};
}

// What the files hold is on the disk, or they have failed.
void sync_contents(std::vector<one_put>& all) {
    const auto open = std::ranges::count_if(all, [](const one_put& p) { return !p.failed; });
    if (std::cmp_less(open, fewest_for_one_sync)) {
        for (auto& each : all) {
            if (each.failed) continue;
            if (auto synced = each.up->sync(); !synced) each.failed = std::move(synced).error();
        }
        return;
    }
    // Through the file that was opened first: the system reports there whatever went wrong with any
    // write since.
    const auto first = std::ranges::find_if(all, [](const one_put& p) { return !p.failed; });
    const auto synced = first->up->sync_all();
    if (synced) return;
    for (auto& each : all)
        if (!each.failed) each.failed = synced.error();
}

}  // namespace

std::vector<result<blob_info>> store_together(std::vector<waiting_put>& batch,
                                              const std::shared_ptr<volume>& to) {
    std::vector<one_put> all;
    all.reserve(batch.size());
    for (const auto& each : batch) all.push_back(write(each, to));
    sync_contents(all);

    std::vector<result<blob_info>> out;
    std::map<std::string, result<void>> directories;
    for (auto& each : all) {
        if (each.failed) out.emplace_back(fail(*std::move(each.failed)));
        else out.push_back(each.up->give_name());
        if (out.back()) directories.try_emplace(each.up->directory());
    }
    for (auto& [path, synced] : directories) synced = to->sync_directory(path);
    crash_point("file_directory_synced");
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!out[i]) continue;
        const auto& synced = directories.at(all[i].up->directory());
        if (!synced) out[i] = fail(synced.error());
    }
    return out;
}

bool put_queue::takes(waiting_put& what) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= most_waiting) return false;
    working_ = working_ || pool_.post([self = shared_from_this()] { self->work(); });
    if (working_) waiting_.push_back(std::move(what));
    return working_;
}

void put_queue::add(waiting_put what) {
    if (!takes(what))
        what.done(fail({.kind = errc::unavailable,
                        .code = "overloaded",
                        .detail = "too much work is waiting for " + pool_.name(),
                        .retry_after_s = 1}));
}

std::vector<waiting_put> put_queue::next() {
    const std::scoped_lock lock(mutex_);
    std::vector<waiting_put> out;
    const auto n = std::min(waiting_.size(), most_together);
    out.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        out.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    working_ = n > 0;
    return out;
}

void put_queue::work() {
    for (auto batch = next(); !batch.empty(); batch = next()) {
        auto outcomes = store_together(batch, volume_);
        for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(std::move(outcomes[i]));
    }
}

}  // namespace stoa::files
