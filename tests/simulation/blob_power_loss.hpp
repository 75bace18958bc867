// The disk under the filesystem blob store, remembering what was synced apart from what was done,
// so that the power can be cut at any moment of a recorded run.
//
// The model. Names and contents are apart, as POSIX has them. What is written to a file may reach
// the disk at any time, in any of its 512-byte sectors, until the file (or its file system) is
// synced; a name that was given or taken may be so or not, each for itself, until its directory is
// synced. A rename is two such changes when it leads to another directory, and giving a name
// replaces what had it. Stricter than a journaling file system, where a synced file also has its
// name. Not in the model: sectors that tear within themselves, and bytes that rot.
#pragma once

#include "adapters/filesystem/files.hpp"
#include "support/manual_clock.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace stoa::power {

using node_id = std::size_t;  // of a file or directory; 0 is the directory that stands for good

struct disk_change {
    enum class kind : std::uint8_t { name, unname, write, sync_file, sync_all, sync_directory };
    kind is;
    node_id where = 0;  // the directory of a name, or the file
    std::string text;   // the name, or the bytes
    node_id what = 0;   // name: whose it is
};

// Which of the disk's promises it breaks: a checker that finds nothing then finds nothing at all.
enum class lie : std::uint8_t { none, every_sync, files, directories };

// Does the work on real files below `root`, but for syncs, which are only written down. Thread
// rule: any thread.
class recorded_disk final : public files::disk {
 public:
    recorded_disk(std::string root, lie told) : root_(std::move(root)), lie_(told) {}

    int make_directory(const std::string& path) override;
    int create(const std::string& path, int& descriptor) override;
    int write(int descriptor, std::string_view bytes) override;
    int rename(const std::string& from, const std::string& to) override;
    int remove(const std::string& path) override;
    int sync_file(int descriptor) override;
    int sync_file_system(int descriptor) override;
    int sync_directory(const std::string& path) override;

    std::size_t moment() const;  // how many changes there were
    std::vector<disk_change> history() const;
    std::vector<bool> directories() const;  // by node_id

    // The process dies: the change with this number and all later ones do not happen. They fail
    // towards a caller that is no more.
    void die_at(std::size_t moment);
    void live_again();

 private:
    struct place {
        node_id directory = 0;
        std::string name;
    };
    bool dead() const { return history_.size() >= dies_at_; }
    place place_of(const std::string& path) const;
    node_id node_of(const std::string& path) const;
    node_id name_new(const std::string& path, bool directory);
    int synced(disk_change what, lie unless);

    std::string root_;
    lie lie_;
    mutable std::mutex mutex_;
    std::size_t dies_at_ = SIZE_MAX;
    std::vector<disk_change> history_;
    std::vector<bool> is_directory_{true};
    std::map<std::pair<node_id, std::string>, node_id> names_;
    std::map<int, node_id> open_;
};

// What of the unsynced survives the cut: nothing, all that was done up to some moment, or each
// change by chance.
enum class surviving : std::uint8_t { none, prefix, random };

// Makes the disk as the power left it, at `moment`, in the (new) directory `root`.
void restore_disk(const std::vector<disk_change>& history, const std::vector<bool>& directories,
                  std::size_t moment, surviving which, testing::seeded_random& chance,
                  const std::string& root);

}  // namespace stoa::power
