#include "simulation/blob_power_loss.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace stoa::power {
namespace {

constexpr std::size_t sector = 512;

}  // namespace

recorded_disk::place recorded_disk::place_of(const std::string& path) const {
    if (!path.starts_with(root_ + '/')) throw std::logic_error(path + " is not below " + root_);
    const auto slash = path.rfind('/');
    return {node_of(path.substr(0, slash)), path.substr(slash + 1)};
}

node_id recorded_disk::node_of(const std::string& path) const {
    if (path == root_) return 0;
    const auto at = place_of(path);
    const auto found = names_.find({at.directory, at.name});
    if (found == names_.end()) throw std::logic_error(path + " is not known");
    return found->second;
}

node_id recorded_disk::name_new(const std::string& path, bool directory) {
    const auto at = place_of(path);
    const auto id = is_directory_.size();
    is_directory_.push_back(directory);
    names_[{at.directory, at.name}] = id;
    history_.push_back({disk_change::kind::name, at.directory, at.name, id});
    return id;
}

int recorded_disk::make_directory(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    if (dead()) return EIO;
    const int failed = disk::make_directory(path);
    if (!failed) name_new(path, true);
    return failed;
}

int recorded_disk::create(const std::string& path, int& descriptor) {
    const std::scoped_lock lock(mutex_);
    if (dead()) return EIO;
    const int failed = disk::create(path, descriptor);
    if (!failed) open_[descriptor] = name_new(path, false);
    return failed;
}

int recorded_disk::write(int descriptor, std::string_view bytes) {
    const std::scoped_lock lock(mutex_);
    if (dead()) return EIO;
    const int failed = disk::write(descriptor, bytes);
    if (!failed)
        history_.push_back({disk_change::kind::write, open_.at(descriptor), std::string(bytes), 0});
    return failed;
}

int recorded_disk::rename(const std::string& from, const std::string& to) {
    const std::scoped_lock lock(mutex_);
    if (dead()) return EIO;
    const int failed = disk::rename(from, to);
    if (failed) return failed;
    const auto old = place_of(from), fresh = place_of(to);
    const auto id = names_.at({old.directory, old.name});
    names_.erase({old.directory, old.name});
    names_[{fresh.directory, fresh.name}] = id;
    history_.push_back({disk_change::kind::name, fresh.directory, fresh.name, id});
    history_.push_back({disk_change::kind::unname, old.directory, old.name, 0});
    return 0;
}

int recorded_disk::remove(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    if (dead()) return EIO;
    const int failed = disk::remove(path);
    if (failed) return failed;
    const auto at = place_of(path);
    names_.erase({at.directory, at.name});
    history_.push_back({disk_change::kind::unname, at.directory, at.name, 0});
    return 0;
}

int recorded_disk::synced(disk_change what, lie unless) {
    if (dead()) return EIO;
    if (lie_ == lie::none || (lie_ != lie::every_sync && lie_ != unless))
        history_.push_back(std::move(what));
    return 0;
}
int recorded_disk::sync_file(int descriptor) {
    const std::scoped_lock lock(mutex_);
    return synced({disk_change::kind::sync_file, open_.at(descriptor), {}, 0}, lie::files);
}
// Of the names it promises nothing here: the directories are synced for themselves.
int recorded_disk::sync_file_system(int) {
    const std::scoped_lock lock(mutex_);
    return synced({disk_change::kind::sync_all, 0, {}, 0}, lie::files);
}
int recorded_disk::sync_directory(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    if (!std::filesystem::is_directory(path)) return ENOENT;
    return synced({disk_change::kind::sync_directory, node_of(path), {}, 0}, lie::directories);
}

std::size_t recorded_disk::moment() const {
    const std::scoped_lock lock(mutex_);
    return history_.size();
}
std::vector<disk_change> recorded_disk::history() const {
    const std::scoped_lock lock(mutex_);
    return history_;
}
std::vector<bool> recorded_disk::directories() const {
    const std::scoped_lock lock(mutex_);
    return is_directory_;
}
void recorded_disk::die_at(std::size_t moment) {
    const std::scoped_lock lock(mutex_);
    dies_at_ = moment;
}
void recorded_disk::live_again() { die_at(SIZE_MAX); }

namespace {

// One cut: first which changes were made to last, then which of the others happened to be.
class cut_disk {
 public:
    cut_disk(const std::vector<disk_change>& history, const std::vector<bool>& directories,
             std::size_t moment)
        : history_(history), is_directory_(directories), moment_(moment), lasts_(moment, false) {
        // Backwards: a change lasts if a sync that covers it came later.
        std::vector<bool> synced(is_directory_.size(), false);
        bool all_files = false;
        for (std::size_t i = moment; i-- > 0;) {
            const auto& each = history_[i];
            switch (each.is) {
                case disk_change::kind::sync_all:
                    all_files = true;
                    break;
                case disk_change::kind::sync_file:
                case disk_change::kind::sync_directory:
                    synced[each.where] = true;
                    break;
                case disk_change::kind::write:
                    lasts_[i] = all_files || synced[each.where];
                    break;
                case disk_change::kind::name:
                case disk_change::kind::unname:
                    lasts_[i] = synced[each.where];
                    break;
            }
        }
    }

    void survive(surviving which, testing::seeded_random& chance) {
        const auto until = which == surviving::prefix ? chance.below(moment_ + 1) : 0;
        for (std::size_t i = 0; i < moment_; ++i) {
            const auto& each = history_[i];
            const bool by_chance = which == surviving::random && chance.below(2) == 0;
            const bool whole = lasts_[i] || i < until || by_chance;
            if (each.is == disk_change::kind::name && whole)
                names_[each.where][each.text] = each.what;
            if (each.is == disk_change::kind::unname && whole) names_[each.where].erase(each.text);
            if (each.is == disk_change::kind::write)
                write(each, whole, which == surviving::random, chance);
        }
    }

    void make(node_id directory, const std::string& path) const {
        std::filesystem::create_directory(path);
        const auto found = names_.find(directory);
        if (found == names_.end()) return;
        for (const auto& [name, id] : found->second) {
            auto at = path;
            (at += '/') += name;
            if (is_directory_[id]) {
                make(id, at);
                continue;
            }
            std::ofstream to(at, std::ios::binary);
            if (const auto file = files_.find(id); file != files_.end())
                to.write(file->second.content.data(), std::ssize(file->second.content));
            if (!to) throw std::runtime_error("the disk cannot be made");
        }
    }

 private:
    struct file {
        std::string content;
        std::size_t end = 0;  // where the next write begins, whatever came of the last
    };
    // Files are only ever written on at their end.
    void write(const disk_change& what, bool whole, bool in_part, testing::seeded_random& chance) {
        auto& to = files_[what.where];
        const auto begin = std::exchange(to.end, to.end + what.text.size());
        for (std::size_t at = 0; at < what.text.size(); at += sector) {
            if (!whole && !(in_part && chance.below(2))) continue;
            const auto piece = std::string_view(what.text).substr(at, sector);
            if (to.content.size() < begin + at + piece.size())
                to.content.resize(begin + at + piece.size());
            to.content.replace(begin + at, piece.size(), piece);
        }
    }

    const std::vector<disk_change>& history_;
    const std::vector<bool>& is_directory_;
    std::size_t moment_;
    std::vector<bool> lasts_;
    std::map<node_id, std::map<std::string, node_id>> names_;
    std::map<node_id, file> files_;
};

}  // namespace

void restore_disk(const std::vector<disk_change>& history, const std::vector<bool>& directories,
                  std::size_t moment, surviving which, testing::seeded_random& chance,
                  const std::string& root) {
    cut_disk cut(history, directories, moment);
    cut.survive(which, chance);
    std::filesystem::remove_all(root);
    cut.make(0, root);
}

}  // namespace stoa::power
