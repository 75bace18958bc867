#include "simulation/power_loss.hpp"

#include "support/passing_file.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace stoa::power {
namespace {

constexpr std::int64_t sector = 512;

std::mutex recorders_mutex;
std::map<std::string, recorder*> recorders;  // by directory

recorder* recorder_of(const char* path, std::string& name) {
    const std::string_view all(path);
    const auto slash = all.rfind('/');
    if (slash == std::string_view::npos) return nullptr;
    name = all.substr(slash + 1);
    const std::scoped_lock lock(recorders_mutex);
    const auto found = recorders.find(std::string(all.substr(0, slash)));
    return found == recorders.end() ? nullptr : found->second;
}

// What is kept of a recorded file.
struct recording {
    recorder* by;
    char name[64];
    void write_down(operation::kind is, std::int64_t at = 0, std::string bytes = {}) const {
        if (by) by->write_down({is, name, at, std::move(bytes)});
    }
};
using recorded_file = testing::passing_file<recording>;
recording& mine(sqlite3_file* f) { return recorded_file::of(f).own; }
sqlite3_file* real(sqlite3_file* f) { return recorded_file::real(f); }

int recorded_write(sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
    const int code = real(f)->pMethods->xWrite(real(f), bytes, n, at);
    if (code == SQLITE_OK)
        mine(f).write_down(
            operation::kind::write, at,
            std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(n)));
    return code;
}
int recorded_truncate(sqlite3_file* f, sqlite3_int64 size) {
    const int code = real(f)->pMethods->xTruncate(real(f), size);
    if (code == SQLITE_OK) mine(f).write_down(operation::kind::truncate, size);
    return code;
}
int recorded_sync(sqlite3_file* f, int) {
    const auto* by = mine(f).by;
    if (!by || !by->lies) mine(f).write_down(operation::kind::sync);
    return SQLITE_OK;
}

constexpr sqlite3_io_methods recorded_methods = [] {
    auto out = recorded_file::methods(2);
    out.xWrite = recorded_write;
    out.xTruncate = recorded_truncate;
    out.xSync = recorded_sync;
    return out;
}();

int recorded_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* f, int flags, int* out) {
    auto* system = static_cast<sqlite3_vfs*>(vfs->pAppData);
    auto& file = mine(f);
    file.by = nullptr;
    file.name[0] = '\0';
    int there = 0;
    if (path) {
        std::string name;
        file.by = recorder_of(path, name);
        std::strncpy(file.name, name.c_str(), sizeof file.name - 1);
        file.name[sizeof file.name - 1] = '\0';
        system->xAccess(system, path, SQLITE_ACCESS_EXISTS, &there);
    }
    const int code = system->xOpen(system, path, real(f), flags, out);
    f->pMethods = code == SQLITE_OK ? &recorded_methods : nullptr;
    if (code == SQLITE_OK && !there) file.write_down(operation::kind::create);
    return code;
}

int recorded_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    auto* system = static_cast<sqlite3_vfs*>(vfs->pAppData);
    const int code = system->xDelete(system, path, 0);
    std::string name;
    if (auto* by = recorder_of(path, name); by && code == SQLITE_OK)
        by->write_down({operation::kind::remove, name, sync_directory, {}});
    return code;
}

void apply(std::string& content, const operation& what) {
    const auto at = static_cast<std::size_t>(what.at);
    if (what.is == operation::kind::truncate) {
        content.resize(at);
        return;
    }
    if (content.size() < at + what.bytes.size()) content.resize(at + what.bytes.size());
    content.replace(at, what.bytes.size(), what.bytes);
}

// Each sector of the write on its own: there or not.
void apply_some_sectors(std::string& content, const operation& what,
                        testing::seeded_random& chance) {
    const auto end = what.at + std::ssize(what.bytes);
    for (auto at = what.at; at < end;) {
        const auto next = std::min(end, (at / sector + 1) * sector);
        if (chance.below(2))
            apply(content, {operation::kind::write, what.file, at,
                            what.bytes.substr(static_cast<std::size_t>(at - what.at),
                                              static_cast<std::size_t>(next - at))});
        at = next;
    }
}

}  // namespace

recorder::recorder(std::string directory) : directory_(std::move(directory)) {
    const std::scoped_lock lock(recorders_mutex);
    recorders[directory_] = this;
}
recorder::~recorder() {
    const std::scoped_lock lock(recorders_mutex);
    recorders.erase(directory_);
}

const char* recorder::vfs() {
    static sqlite3_vfs vfs = [] {
        auto* system = sqlite3_vfs_find(nullptr);
        sqlite3_vfs out = *system;
        out.szOsFile = static_cast<int>(sizeof(recorded_file)) + system->szOsFile;
        out.zName = "stoa-recorded";
        out.pAppData = system;
        out.xOpen = recorded_open;
        out.xDelete = recorded_delete;
        return out;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    if (registered != SQLITE_OK) throw std::runtime_error("the VFS cannot be registered");
    return vfs.zName;
}

void recorder::write_down(operation what) {
    const std::scoped_lock lock(mutex_);
    history_.push_back(std::move(what));
}
std::size_t recorder::moment() const {
    const std::scoped_lock lock(mutex_);
    return history_.size();
}
std::vector<operation> recorder::history() const {
    const std::scoped_lock lock(mutex_);
    return history_;
}

void cutter::advance_to(std::size_t moment) {
    while (at_ < moment && at_ < history_.size()) follow(history_[at_++]);
}

void cutter::follow(const operation& what) {
    auto& f = files_[what.file];
    switch (what.is) {
        case operation::kind::create:
            f.exists = true;
            f.pending.clear();
            if (!f.exists_for_good) f.synced.clear();
            return;
        case operation::kind::remove:
            f.exists = false;
            if (what.at) f.exists_for_good = false;  // the directory was synced with it
            return;
        case operation::kind::write:
        case operation::kind::truncate:
            f.pending.push_back(&what);
            return;
        case operation::kind::sync:
            for (const auto* each : f.pending) apply(f.synced, *each);
            f.pending.clear();
            f.exists_for_good = f.exists;
            return;
    }
}

image cutter::cut(survivors which, testing::seeded_random& chance) const {
    image out;
    for (const auto& [name, f] : files_) {
        // Made or removed since the last sync: either way.
        const bool there = f.exists == f.exists_for_good ? f.exists : chance.below(2) == 0;
        if (!there) continue;
        auto content = f.synced;
        if (which == survivors::prefix) {
            const auto some = chance.below(f.pending.size() + 1);
            for (std::size_t i = 0; i < some; ++i) apply(content, *f.pending[i]);
        } else if (which == survivors::random_sectors) {
            for (const auto* each : f.pending) {
                if (each->is == operation::kind::write) apply_some_sectors(content, *each, chance);
                else if (chance.below(2)) apply(content, *each);
            }
        }
        out[name] = std::move(content);
    }
    return out;
}

void write_image(const image& what, const std::string& directory) {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    for (const auto& [name, content] : what) {
        std::ofstream to(directory + '/' + name, std::ios::binary);
        to.write(content.data(), std::ssize(content));
        if (!to) throw std::runtime_error("the image cannot be written");
    }
}

}  // namespace stoa::power
