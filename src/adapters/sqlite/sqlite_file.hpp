// The data directory: locked by one process, with the database file in it.
#pragma once

#include "adapters/sqlite/sqlite_connection.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace stoa {

// Holds an exclusive lock on `<directory>/shop.lock` as long as it lives. The kernel drops the lock
// when the process dies, however it dies. The file's content is the holder's process id.
class directory_lock {
 public:
    // Creates the directory where it is missing. `conflict` (code data_directory_locked) names the
    // directory and the holder; `internal` (code data_directory_unusable) says what the system
    // said.
    static result<directory_lock> take(const std::string& directory);
    directory_lock(directory_lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    directory_lock& operator=(directory_lock&&) = delete;
    ~directory_lock();

 private:
    explicit directory_lock(int file) : file_(file) {}
    int file_;
};

// Read-only connections for the loops' threads. Thread rule: take() from any thread; a lease stays
// on one.
class sqlite_readers {
 public:
    sqlite_readers(std::string path, std::string vfs)
        : path_(std::move(path)), vfs_(std::move(vfs)) {}

    class lease {
     public:
        lease(std::unique_ptr<sqlite_connection> c, sqlite_readers& of)
            : connection_(std::move(c)), of_(of) {}
        lease(const lease&) = delete;
        lease& operator=(const lease&) = delete;
        ~lease() { of_.give_back(std::move(connection_)); }
        sqlite_connection& operator*() const { return *connection_; }
        sqlite_connection* operator->() const { return connection_.get(); }

     private:
        std::unique_ptr<sqlite_connection> connection_;
        sqlite_readers& of_;
    };
    lease take();  // throws sql_failure: `unavailable` after close()
    void close();

 private:
    // As many as threads that read at the same moment; more are closed at once.
    static constexpr std::size_t most_kept = 8;
    void give_back(std::unique_ptr<sqlite_connection> c);

    std::string path_, vfs_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<sqlite_connection>> idle_;
    bool closed_ = false;
};

}  // namespace stoa
