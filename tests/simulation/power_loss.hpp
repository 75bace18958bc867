// A disk that remembers what was synced apart from what was written, so that the power can be cut
// at any moment of a recorded run: SQLite's file layer in between writes down every operation, and
// an image of any later moment can be made from them.
//
// The model. A write may reach the disk at any time, whole, in part (any of its 512-byte sectors)
// or not at all, until its file is synced; then it is there for good. A new file may be gone until
// its first sync (SQLite syncs the directory with it), a removed one may be back unless its
// directory was synced. Not in the model:
// sectors that tear within themselves, and bytes that rot.
#pragma once

#include "support/manual_clock.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace stoa::power {

struct operation {
    enum class kind : std::uint8_t { create, write, truncate, sync, remove };
    kind is;
    std::string file;  // its name without the directory
    std::int64_t at =
        0;  // write: where; truncate: the size; remove: 1 where its directory is synced
    std::string bytes;
};

// What of the unsynced survives the cut.
enum class survivors : std::uint8_t { none, prefix, random_sectors };

using image = std::map<std::string, std::string>;  // file name to content

// Thread rule: any thread.
class recorder {
 public:
    // Files under this directory are recorded, by the VFS below. One recorder a directory.
    explicit recorder(std::string directory);
    ~recorder();
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;

    // SQLite's name of the file layer: it does the work on real files, but for syncs, which are
    // only written down.
    static const char* vfs();

    void write_down(operation what);
    std::size_t moment() const;  // how many operations there were
    std::vector<operation> history() const;
    bool lies = false;  // syncs do nothing, and say that they did

    const std::string& directory() const { return directory_; }

 private:
    std::string directory_;
    mutable std::mutex mutex_;
    std::vector<operation> history_;
};

// Follows a history operation by operation and makes images of the cut at the place it stands at.
class cutter {
 public:
    explicit cutter(const std::vector<operation>& history) : history_(history) {}
    void advance_to(std::size_t moment);
    image cut(survivors which, testing::seeded_random& chance) const;

 private:
    struct file {
        bool exists_for_good = false, exists = false;
        std::string synced;
        std::vector<const operation*> pending;
    };
    void follow(const operation& what);

    const std::vector<operation>& history_;
    std::size_t at_ = 0;
    std::map<std::string, file> files_;
};

void write_image(const image& what, const std::string& directory);

}  // namespace stoa::power
