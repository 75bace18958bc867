#include "apps/stoa/drop_folder.hpp"

#include "base/ids.hpp"
#include "runtime/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <fstream>

namespace stoa {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_waiting = 100;
// Where the system does not say whether somebody writes: what nobody changed for so long is whole.
constexpr std::time_t settled_s = 10;

void sync(const fs::path& what) {
    const int file = ::open(what.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    fsync(file);
    close(file);
}

// A lease for reading is granted only where nobody has the file open for writing, so that no
// notification has to be waited for (there are none on network folders, nor while the shop is
// down).
bool is_whole(const fs::path& path, std::int64_t& size_bytes) {
    const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return false;
    struct stat told{};
    bool whole = fstat(file, &told) == 0 && S_ISREG(told.st_mode);
    if (whole) {
        if (fcntl(file, F_SETLEASE, F_RDLCK) == 0) fcntl(file, F_SETLEASE, F_UNLCK);
        else whole = errno != EAGAIN && told.st_mtime + settled_s < std::time(nullptr);
    }
    close(file);
    size_bytes = told.st_size;
    return whole;
}

}  // namespace

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
                              const std::string& of) const {
    std::error_code failed;
    for (fs::directory_iterator each(in, failed), end; !failed && each != end;
         each.increment(failed)) {
        if (to.size() >= most_waiting) return;
        waiting_file one{.path = each->path(), .of = of, .name = each->path().filename().string()};
        if (!one.name.starts_with('.') && is_whole(one.path, one.size_bytes))
            to.push_back(std::move(one));
    }
}

std::vector<drop_folder::waiting_file> drop_folder::waiting() const {
    std::vector<waiting_file> out;
    add_waiting(out, root_, {});
    std::error_code failed;
    for (fs::directory_iterator each(root_ / "pictures", failed), end; !failed && each != end;
         each.increment(failed)) {
        const auto sku = each->path().filename().string();
        if (!sku.starts_with('.') && each->is_directory(failed) && !each->is_symlink(failed))
            add_waiting(out, each->path(), sku);
    }
    return out;
}

bool drop_folder::take(const waiting_file& file, const std::string& id) const {
    std::error_code failed;
    fs::rename(file.path, root_ / "taken" / (id + '-' + file.name), failed);
    if (failed) return false;
    sync(root_ / "taken");
    sync(root_);
    return true;
}

std::vector<drop_folder::taken_file> drop_folder::taken() const {
    std::vector<taken_file> out;
    std::error_code failed;
    for (fs::directory_iterator each(root_ / "taken", failed), end; !failed && each != end;
         each.increment(failed)) {
        const auto name = each->path().filename().string();
        constexpr std::size_t of_id = 36;
        if (name.size() > of_id + 1 && is_uuid(name.substr(0, of_id)))
            out.push_back({each->path(), name.substr(0, of_id), name.substr(of_id + 1)});
    }
    return out;
}

void drop_folder::finish(const fs::path& file, const std::string& as, bool well,
                         const std::string& report) const {
    const auto to = root_ / (well ? "done" : "failed");
    const auto beside = to / (as + ".report.json");
    {
        std::ofstream out(beside);
        out << report << '\n';
    }
    sync(beside);
    std::error_code failed;
    fs::rename(file, to / as, failed);
    if (failed)
        log_warning("import_folder_stuck", {{"file", file.string()}, {"why", failed.message()}});
    sync(to);
}

}  // namespace stoa
