#include "adapters/sqlite/sqlite_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace stoa {
namespace {

std::string holder_of(int file) {
    std::array<char, 32> text{};
    const auto n = pread(file, text.data(), text.size() - 1, 0);
    std::string_view pid(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    pid = pid.substr(0, pid.find_first_not_of("0123456789"));
    return pid.empty() ? "another process" : "process " + std::string(pid);
}

// A directory that was just made is there for good once its parent is synced.
void sync_parent(const std::string& directory) {
    const auto parent = directory + "/..";
    const int file = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return;  // not ours to read: then it is not ours to make last
    (void)fsync(file);
    close(file);
}

auto unusable(const std::string& directory, const std::string& why) {
    return fail(errc::internal, "data_directory_unusable",
                "the data directory " + directory + " cannot be used: " + why +
                    ". Give a directory that this user may write (--data-dir)");
}

}  // namespace

result<directory_lock> directory_lock::take(const std::string& directory) {
    std::error_code why;
    const bool made = std::filesystem::create_directories(directory, why);
    // It holds digests of passwords, addresses and keys: its owner's alone.
    if (made) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, why);
    // Also where it was there: whoever made it may have died before this.
    sync_parent(directory);
    std::error_code unseen;
    if (why && !std::filesystem::is_directory(directory, unseen))
        return unusable(directory, why.message());
    const auto path = directory + "/shop.lock";
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return unusable(directory, std::strerror(errno));
    directory_lock held(file);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return unusable(directory, std::strerror(errno));
        return fail(errc::conflict, "data_directory_locked",
                    "the data directory " + directory + " is in use by " + holder_of(file) +
                        ". Stop it first, or give another directory (--data-dir)");
    }
    const auto pid = std::to_string(getpid()) + "\n";
    if (ftruncate(file, 0) != 0 ||
        pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
        return unusable(directory, std::strerror(errno));
    return held;
}

directory_lock::~directory_lock() {
    if (file_ >= 0) close(file_);
}

sqlite_readers::lease sqlite_readers::take() {
    {
        const std::scoped_lock lock(mutex_);
        if (closed_)
            throw sql_failure{error{.kind = errc::unavailable,
                                    .code = "shutting_down",
                                    .detail = "the shop is shutting down",
                                    .retry_after_s = 1}};
        if (!idle_.empty()) {
            auto last = std::move(idle_.back());
            idle_.pop_back();
            return {std::move(last), *this};
        }
    }
    return {std::make_unique<sqlite_connection>(path_, sqlite_connection::mode::read, vfs_), *this};
}

void sqlite_readers::give_back(std::unique_ptr<sqlite_connection> c) {
    const std::scoped_lock lock(mutex_);
    if (!closed_ && idle_.size() < most_kept) idle_.push_back(std::move(c));
}

void sqlite_readers::close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    idle_.clear();
}

}  // namespace stoa
