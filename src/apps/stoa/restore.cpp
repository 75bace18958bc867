#include "apps/stoa/restore.hpp"

#include "adapters/security/key_file.hpp"
#include "adapters/sqlite/sqlite_records.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/backup_format.hpp"
#include "ports/item_codec.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stoa {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view staging_name = "restore.part", complete_name = "complete",
                           lock_name = "shop.lock";

std::unexpected<error> unusable(const std::string& what, int why) {
    if (why == ENOSPC || why == EDQUOT)
        return fail(errc::storage_full, "storage_full",
                    what + " cannot be written: no space is left. Nothing was restored");
    return fail(errc::internal, "restore_failed", what + ": " + std::strerror(why));
}

result<void> sync_path(const std::string& path, int flags, int (*sync)(int)) {
    const int file = ::open(path.c_str(), flags | O_CLOEXEC);
    if (file < 0) return unusable(path, errno);
    const int failed = sync(file) == 0 ? 0 : errno;
    ::close(file);
    if (failed) return unusable(path, failed);
    return {};
}
result<void> sync_directory(const std::string& path) {
    return sync_path(path, O_RDONLY | O_DIRECTORY, ::fsync);
}

// One file of the staging directory, readable by its owner alone.
class staged_file {
 public:
    static result<staged_file> create(const std::string& path) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0) return unusable(path, errno);
        return staged_file(file, path);
    }
    staged_file(staged_file&& other) noexcept
        : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)) {}
    staged_file& operator=(staged_file&&) = delete;
    ~staged_file() {
        if (file_ >= 0) ::close(file_);
    }
    result<void> append(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto n = ::write(file_, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return unusable(path_, errno);
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return {};
    }

 private:
    staged_file(int file, std::string path) : file_(file), path_(std::move(path)) {}
    int file_;
    std::string path_;
};

// A path's part from a file that somebody may have made up.
bool safe_part(std::string_view path) {
    if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos)
        return false;
    for (std::size_t start = 0; start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        const auto part = path.substr(start, end - start);
        if (part.empty() || part == "." || part == "..") return false;
        start = end + 1;
    }
    return true;
}

class restorer {
 public:
    restorer(const restore_plan& what, clock& time) : what_(what), time_(time) {}

    result<restore_report> run(const std::function<void(std::int64_t, std::int64_t)>& told) {
        STOA_TRY(const auto from, backups::reader::open(what_.file));
        report_.stoa = from->head().stoa;
        report_.taken_at = from->head().taken_at;
        if (from->head().currency != what_.currency)
            return fail(errc::conflict, "currency_differs",
                        "the backup is of a shop in " + std::string(from->head().currency.text()) +
                            "; give that currency (--currency) here, and when you start it");
        // Before the lock, too, which is a file: a directory that is not for us stays as it is.
        if (!fs::exists(staging())) STOA_TRY_VOID(check_empty());
        const auto lock = directory_lock::take(what_.directory);
        if (!lock) return std::unexpected(lock.error());
        STOA_TRY_VOID(settle_finished());
        STOA_TRY_VOID(check_empty());
        STOA_TRY_VOID(make_staging());
        auto loaded = load(*from, told);
        if (loaded) loaded = check();
        if (!loaded) {
            std::error_code ignored;  // what stays behind is refused, and removed by the next try
            fs::remove_all(staging(), ignored);
            return std::unexpected(std::move(loaded).error());
        }
        STOA_TRY_VOID(finish());
        return report_;
    }

 private:
    std::string staging() const { return what_.directory + '/' + std::string(staging_name); }

    // One that died in its last step is whole: the directory is not empty then.
    result<void> settle_finished() {
        std::error_code ignored;
        if (!fs::exists(staging() + '/' + std::string(complete_name), ignored))
            fs::remove_all(staging(), ignored);
        return {};
    }

    result<void> check_empty() const {
        std::error_code why;
        if (!fs::exists(what_.directory, why)) return {};
        for (fs::directory_iterator each(what_.directory, why), end; !why && each != end;
             each.increment(why)) {
            const auto name = each->path().filename().string();
            if (name == lock_name) continue;
            return fail(errc::conflict, "not_empty",
                        what_.directory + " has " + name +
                            " in it: a backup is restored into an empty directory, and nothing is "
                            "overwritten. Give another one (--data-dir), or move this one away");
        }
        if (why) return fail(errc::internal, "restore_failed", why.message());
        return {};
    }

    result<void> make_staging() {
        if (::mkdir(staging().c_str(), 0700) != 0) return unusable(staging(), errno);
        return sync_directory(what_.directory);
    }

    result<void> load(backups::reader& from,
                      const std::function<void(std::int64_t, std::int64_t)>& told) {
        for (;;) {
            STOA_TRY(const auto section, from.next_section());
            if (!section) break;
            STOA_TRY_VOID(begin(*section));
            for (std::int64_t n = 0;; ++n) {
                STOA_TRY(const auto record, from.next_record());
                if (!record) break;
                STOA_TRY_VOID(add(*section, *record));
                ++report_.records;
                if (n % 4'096 == 0) told(from.read_bytes(), from.file_bytes());
            }
        }
        if (loader_) STOA_TRY_VOID(loader_->finish());
        loader_.reset();
        told(from.file_bytes(), from.file_bytes());
        return {};
    }

    result<void> begin(const backups::section& section) {
        if (section.store == "blobs" || section.store == "files") return {};
        const bool shop = section.store == "shop";
        if (!shop && section.store != "provider")
            return fail(errc::conflict, "backup_newer",
                        "the backup has a part named " + section.store +
                            ", which this version does not know");
        if (store_ != section.store) {
            if (loader_) STOA_TRY_VOID(loader_->finish());
            loader_.reset();
            const auto directory =
                shop ? staging() : staging() + '/' + std::string(provider_directory);
            STOA_TRY(loader_, sqlite_loader::open(
                                  shop ? what_.shop(directory) : what_.provider(directory), time_));
            store_ = section.store;
            stores_ += 1;
        }
        return loader_->begin({section.kind, section.name});
    }

    result<void> add(const backups::section& section, std::string_view record) {
        if (section.store == "shop" || section.store == "provider") return loader_->add(record);
        item one;
        try {
            one = decode_item(record);
        } catch (const sql_failure& failure) {
            return fail(failure.why);
        }
        if (section.store == "blobs") return add_blob(one);
        if (one.text("name") != keys_file)
            return fail(errc::conflict, "backup_newer",
                        "the backup has a file that this version does not know");
        has_keys_ = true;
        STOA_TRY(const auto file, staged_file::create(staging() + '/' + std::string(keys_file)));
        return file.append(one.text("bytes"));
    }

    result<void> add_blob(const item& one) {
        const std::string bucket(one.text("bucket")), key(one.text("key"));
        if (!safe_part(bucket) || !safe_part(key))
            return fail(errc::invalid, "backup_ill_formed", "a blob has no sensible name");
        if (one.integer("at") == 0) {
            const auto path =
                staging() + '/' + std::string(blobs_directory) + '/' + bucket + '/' + key;
            std::error_code why;
            fs::create_directories(fs::path(path).parent_path(), why);
            if (why) return unusable(path, why.value());
            STOA_TRY(auto file, staged_file::create(path));
            blob_.emplace(std::move(file));
            ++report_.blobs;
        }
        if (!blob_) return fail(errc::invalid, "backup_ill_formed", "a blob has no beginning");
        STOA_TRY_VOID(blob_->append(one.text("bytes")));
        const auto* last = one.find("last");
        if (last && *last == attribute(true)) blob_.reset();
        return {};
    }

    // Whole parts, and keys that a shop takes.
    result<void> check() {
        if (stores_ != 2 || !has_keys_)
            return fail(errc::invalid, "backup_ill_formed", "the backup lacks a part of the shop");
        const auto keys = load_keys(staging() + '/' + std::string(keys_file));
        if (!keys) return std::unexpected(keys.error());
        return {};
    }

    result<void> finish() {
        STOA_TRY_VOID(sync_path(staging(), O_RDONLY | O_DIRECTORY, ::syncfs));
        const auto mark = staging() + '/' + std::string(complete_name);
        {
            STOA_TRY(const auto made, staged_file::create(mark));
            STOA_TRY_VOID(made.append("1\n"));
        }
        STOA_TRY_VOID(sync_directory(staging()));
        return settle_restore_locked(what_.directory);
    }

 public:
    // Everything up, the mark last: whoever finds the mark goes on.
    static result<void> settle_restore_locked(const std::string& directory) {
        const auto staging = directory + '/' + std::string(staging_name);
        std::error_code why;
        std::vector<std::string> names;
        for (const auto& each : fs::directory_iterator(staging, why))
            names.push_back(each.path().filename().string());
        if (why) return unusable(staging, why.value());
        for (const auto& name : names) {
            if (name == complete_name) continue;
            if (::rename((staging + '/' + name).c_str(), (directory + '/' + name).c_str()) != 0)
                return unusable(name, errno);
        }
        STOA_TRY_VOID(sync_directory(directory));
        ::unlink((staging + '/' + std::string(complete_name)).c_str());
        if (::rmdir(staging.c_str()) != 0) return unusable(staging, errno);
        return sync_directory(directory);
    }

 private:
    const restore_plan& what_;
    clock& time_;
    restore_report report_;
    std::unique_ptr<sqlite_loader> loader_;
    std::string store_;
    std::optional<staged_file> blob_;
    int stores_ = 0;
    bool has_keys_ = false;
};

}  // namespace

result<restore_report> restore_backup(
    const restore_plan& what, clock& time,
    const std::function<void(std::int64_t done, std::int64_t all)>& told) {
    return restorer(what, time).run(told);
}

result<void> settle_restore(const std::string& directory) {
    const auto staging = directory + '/' + std::string(staging_name);
    std::error_code ignored;
    if (!fs::exists(staging, ignored)) return {};
    const auto lock = directory_lock::take(directory);
    if (!lock) return std::unexpected(lock.error());
    // Empty beside a shop: it died between its last two steps.
    const bool whole =
        fs::exists(staging + '/' + std::string(complete_name), ignored) ||
        (fs::is_empty(staging, ignored) && fs::exists(directory + "/shop.db", ignored));
    if (whole) return restorer::settle_restore_locked(directory);
    return fail(errc::conflict, "restore_interrupted",
                "a restore into " + directory +
                    " did not end, so there is no whole shop in it: run `stoa restore` again (it "
                    "begins anew), or remove " +
                    staging);
}

}  // namespace stoa
