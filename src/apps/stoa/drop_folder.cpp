#include "apps/stoa/drop_folder.hpp"

#include "base/ids.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>

namespace stoa {
namespace {

namespace fs = std::filesystem;

constexpr std::ptrdiff_t most_waiting = 100;
// Where the system does not say whether somebody writes: what nobody changed for so long is whole.
constexpr std::time_t settled_s = 10;

void sync(const fs::path& what) {
    const int file = ::open(what.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    fsync(file);
    close(file);
}

enum class state : std::uint8_t { whole, open, unreadable, nothing };

// A lease for reading is granted only where nobody has the file open for writing, so that no
// notification has to be waited for (there are none on network folders, nor while the shop is
// down).
state state_of(const fs::path& path, std::int64_t& size_bytes) {
    const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return errno == EACCES ? state::unreadable : state::nothing;
    struct stat told{};
    auto out = state::nothing;
    if (fstat(file, &told) == 0 && S_ISREG(told.st_mode)) {
        out = state::whole;
        if (fcntl(file, F_SETLEASE, F_RDLCK) == 0) fcntl(file, F_SETLEASE, F_UNLCK);
        else if (errno == EAGAIN || told.st_mtime + settled_s >= std::time(nullptr))
            out = state::open;
    }
    close(file);
    size_bytes = told.st_size;
    return out;
}

bool ends_in_csv(const std::string& name) {
    if (name.size() <= 4) return false;
    auto ending = name.substr(name.size() - 4);
    for (auto& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return ending == ".csv";
}

// Folders of skus in such a folder. What appears or goes meanwhile is seen the next time.
std::vector<std::string> folders_in(const fs::path& where) {
    std::vector<std::string> out;
    std::error_code failed;
    for (fs::directory_iterator each(where, failed), end; !failed && each != end;
         each.increment(failed)) {
        auto name = each->path().filename().string();
        if (!name.starts_with('.') && each->is_directory(failed) && !each->is_symlink(failed))
            out.push_back(std::move(name));
    }
    return out;
}

void add_taken(std::vector<drop_folder::taken_file>& to, const fs::path& in,
               const std::string& of) {
    std::error_code failed;
    for (fs::directory_iterator each(in, failed), end; !failed && each != end;
         each.increment(failed)) {
        const auto name = each->path().filename().string();
        constexpr std::size_t of_id = 36;
        if (name.size() > of_id + 1 && is_uuid(name.substr(0, of_id)))
            to.push_back({each->path(), of, name.substr(0, of_id), name.substr(of_id + 1)});
    }
}

std::unexpected<error> not_moved(const fs::path& file, const std::string& why) {
    return fail(errc::unavailable, "file_not_moved", file.string() + ": " + why);
}

}  // namespace

// Short enough that a report's name fits beside it.
std::string drop_folder::name_with(const std::string& id, const std::string& name) {
    constexpr std::size_t longest = 200;
    return id + '-' + (name.size() > longest ? name.substr(name.size() - longest) : name);
}

result<drop_folder> drop_folder::open(const std::string& path) {
    std::error_code failed;
    for (const auto* each : {"", "taken", "done", "failed", "pictures"}) {
        fs::create_directories(fs::path(path) / each, failed);
        if (failed)
            return fail(errc::invalid, "import_folder_unusable",
                        "import_folder " + path + ": " + failed.message());
    }
    if (access(path.c_str(), R_OK | W_OK | X_OK) != 0)
        return fail(errc::invalid, "import_folder_unusable",
                    "import_folder " + path + " must be readable and writable by the shop");
    return drop_folder(path);
}

void drop_folder::add_waiting(std::vector<waiting_file>& to, const fs::path& in,
                              const std::string& of, const std::set<fs::path>& but) const {
    std::error_code failed;
    for (fs::directory_iterator each(in, failed), end; !failed && each != end;
         each.increment(failed)) {
        if (std::ranges::count(to, false, &waiting_file::is_open) >= most_waiting) return;
        waiting_file one{.path = each->path(), .of = of, .name = each->path().filename().string()};
        if (one.name.starts_with('.') || (of.empty() && !ends_in_csv(one.name))) continue;
        if (but.contains(one.path)) continue;
        const auto now = state_of(one.path, one.size_bytes);
        one.is_open = now == state::open;
        if (now == state::nothing || (one.is_open && !of.empty())) continue;
        to.push_back(std::move(one));
    }
}

std::vector<drop_folder::waiting_file> drop_folder::waiting(const std::set<fs::path>& but) const {
    std::vector<waiting_file> files, out;
    add_waiting(files, root_, {}, but);
    for (const auto& sku : folders_in(root_ / "pictures"))
        add_waiting(out, root_ / "pictures" / sku, sku, but);
    std::ranges::move(files, std::back_inserter(out));
    return out;
}

fs::path drop_folder::taken_of(const std::string& of) const {
    return of.empty() ? root_ / "taken" : root_ / "taken" / "pictures" / of;
}

result<bool> drop_folder::take(const waiting_file& file, const std::string& id) const {
    auto size_bytes = file.size_bytes;
    const auto now = state_of(file.path, size_bytes);
    if (now == state::unreadable)
        return fail(errc::unavailable, "file_unreadable",
                    file.path.string() + ": the shop may not read it; let its user do so");
    if (now != state::whole) return false;  // somebody went on with it
    const auto to = taken_of(file.of);
    std::error_code failed;
    fs::create_directories(to, failed);
    fs::rename(file.path, to / name_with(id, file.name), failed);
    if (failed == std::errc::no_such_file_or_directory && !fs::exists(file.path)) return false;
    if (failed) return not_moved(file.path, failed.message());
    for (auto at = to; at != root_; at = at.parent_path()) sync(at);
    sync(file.path.parent_path());
    return true;
}

std::vector<drop_folder::taken_file> drop_folder::taken() const {
    std::vector<taken_file> out;
    add_taken(out, taken_of({}), {});
    for (const auto& sku : folders_in(root_ / "taken" / "pictures"))
        add_taken(out, taken_of(sku), sku);
    std::ranges::sort(out, {}, &taken_file::id);
    return out;
}

result<void> drop_folder::finish(const fs::path& file, const std::string& as, bool well,
                                 const std::string& report) const {
    const auto to = root_ / (well ? "done" : "failed");
    std::error_code failed;
    fs::create_directories(to, failed);  // somebody may have tidied up
    const auto beside = to / (as + ".report.json");
    {
        std::ofstream out(beside);
        out << report << '\n';
        if (!out.flush()) return not_moved(file, beside.string() + " cannot be written");
    }
    sync(beside);
    fs::rename(file, to / as, failed);
    if (failed) return not_moved(file, failed.message());
    sync(to);
    if (file.parent_path().parent_path() == root_ / "taken" / "pictures")
        fs::remove(file.parent_path(), failed);  // where it held the last picture of its product
    return {};
}

}  // namespace stoa
