#include "adapters/filesystem/files.hpp"

#include "runtime/crash_point.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace stoa::files {
namespace {

// `~` is in no key, so a temporary name never meets an object.
constexpr std::string_view temporary_mark = "~upload-";
constexpr std::size_t longest_key = 1024, longest_part = 200;

bool allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}
bool good_part(std::string_view part) {
    return !part.empty() && part != "." && part != ".." && part.size() <= longest_part &&
           std::ranges::all_of(part, allowed);
}

class sha256 {
 public:
    sha256() : state_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(state_, EVP_sha256(), nullptr); }
    sha256(const sha256&) = delete;
    sha256& operator=(const sha256&) = delete;
    ~sha256() { EVP_MD_CTX_free(state_); }
    void add(std::string_view bytes) { EVP_DigestUpdate(state_, bytes.data(), bytes.size()); }
    std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
        unsigned size = 0;
        EVP_DigestFinal_ex(state_, raw.data(), &size);
        std::string out;
        for (unsigned i = 0; i < size; ++i) {
            out += "0123456789abcdef"[raw[i] >> 4];
            out += "0123456789abcdef"[raw[i] & 15];
        }
        return out;
    }

 private:
    EVP_MD_CTX* state_;
};

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

error failure(const std::string& what, int error_number) {
    if (error_number == ENOSPC || error_number == EDQUOT)
        return {.kind = errc::storage_full,
                .code = "storage_full",
                .detail = "no space is left for files; nothing was written"};
    return {.kind = errc::internal,
            .code = "storage_failed",
            .detail = what + ": " + std::strerror(error_number)};
}

int disk::make_directory(const std::string& path) {
    return mkdir(path.c_str(), 0700) == 0 ? 0 : errno;
}
int disk::create(const std::string& path, int& descriptor) {
    descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return descriptor < 0 ? errno : 0;
}
int disk::write(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::write(descriptor, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}
int disk::rename(const std::string& from, const std::string& to) {
    return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}
int disk::remove(const std::string& path) { return unlink(path.c_str()) == 0 ? 0 : errno; }
int disk::sync_file(int descriptor) { return fsync(descriptor) == 0 ? 0 : errno; }
int disk::sync_file_system(int descriptor) { return syncfs(descriptor) == 0 ? 0 : errno; }
int disk::sync_directory(const std::string& path) {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return errno;
    const int failed = fsync(directory) == 0 ? 0 : errno;
    close(directory);
    return failed;
}

bool volume::knows(const std::string& path) const {
    const std::scoped_lock lock(mutex_);
    return known_.contains(path);
}

void volume::remember(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    // Forgetting costs a sync a directory, no more.
    if (known_.size() >= most_known) known_.clear();
    known_.insert(path);
}

result<void> volume::sync_directory(const std::string& path) {
    if (const int failed = disk_->sync_directory(path))
        return fail(failure("fsync " + path, failed));
    return {};
}

result<void> volume::make_directories(const std::string& root, const std::string& below) {
    auto at = root;
    std::size_t start = 0;
    while (start < below.size()) {
        const auto end = std::min(below.find('/', start), below.size());
        const auto parent = at;
        at += "/" + below.substr(start, end - start);
        start = end + 1;
        const int failed = disk_->make_directory(at);
        if (failed && failed != EEXIST) return fail(failure("mkdir " + at, failed));
        if (failed == EEXIST && knows(at)) continue;
        STOA_TRY_VOID(sync_directory(parent));
        remember(at);
    }
    return {};
}

result<void> check_bucket(const std::string& bucket) {
    if (good_part(bucket)) return {};
    return fail(errc::invalid, "bucket",
                "a bucket's name has letters, digits, dot, dash and underscore");
}

result<place> place_of(const std::string& root, std::string bucket, std::string key) {
    STOA_TRY_VOID(check_bucket(bucket));
    bool good = !key.empty() && key.size() <= longest_key && key.back() != '/';
    for (std::size_t start = 0; good && start < key.size();) {
        const auto end = std::min(key.find('/', start), key.size());
        good = good_part(std::string_view(key).substr(start, end - start));
        start = end + 1;
    }
    if (!good)
        return fail(
            errc::invalid, "key",
            "a key is a relative path of letters, digits, dot, dash and underscore, without `..`");
    return place{root, std::move(bucket), std::move(key)};
}

struct upload::digest : sha256 {};

upload::upload(place where, std::shared_ptr<volume> to)
    : where_(std::move(where)), volume_(std::move(to)), digest_(std::make_unique<digest>()) {}

result<std::unique_ptr<upload>> upload::begin(place where, std::shared_ptr<volume> to) {
    static std::atomic<std::uint64_t> number{0};
    std::unique_ptr<upload> out(new upload(std::move(where), std::move(to)));
    const auto& at = out->where_;
    STOA_TRY_VOID(out->volume_->make_directories(at.root, at.bucket));
    out->temporary_ = at.root + "/" + at.bucket + "/" + std::string(temporary_mark) +
                      std::to_string(getpid()) + "-" + std::to_string(++number);
    if (const int failed = out->volume_->on().create(out->temporary_, out->file_))
        return fail(failure("open " + out->temporary_, failed));
    return out;
}

upload::~upload() {
    if (file_ < 0) return;
    close(file_);
    // Where it cannot go, the next start removes it.
    (void)volume_->on().remove(temporary_);
}

result<void> upload::append(std::string_view chunk) {
    digest_->add(chunk);
    size_bytes_ += std::ssize(chunk);
    if (const int failed = volume_->on().write(file_, chunk))
        return fail(failure("write " + temporary_, failed));
    return {};
}

result<void> upload::sync() {
    crash_point("file_written");
    if (const int failed = volume_->on().sync_file(file_))
        return fail(failure("fsync " + temporary_, failed));
    crash_point("file_synced");
    return {};
}

result<void> upload::sync_all() {
    crash_point("file_written");
    if (const int failed = volume_->on().sync_file_system(file_))
        return fail(failure("syncfs at " + temporary_, failed));
    crash_point("file_synced");
    return {};
}

std::string upload::directory() const { return parent_of(where_.path()); }

result<blob_info> upload::give_name() {
    const auto slash = where_.key.rfind('/');
    if (slash != std::string::npos)
        STOA_TRY_VOID(volume_->make_directories(where_.root + "/" + where_.bucket,
                                                where_.key.substr(0, slash)));
    const auto path = where_.path();
    auto etag = digest_->hex();
    if (const int failed = volume_->on().rename(temporary_, path)) {
        if (failed == ENOTDIR || failed == EISDIR)
            return fail(errc::conflict, "key_conflict",
                        "files cannot hold an object whose key goes on where another one's ends: " +
                            where_.key);
        return fail(failure("rename to " + path, failed));
    }
    crash_point("file_named");
    close(std::exchange(file_, -1));
    return blob_info{where_.key, size_bytes_, std::move(etag)};
}

result<blob_info> upload::finish() {
    STOA_TRY_VOID(sync());
    STOA_TRY(auto named, give_name());
    STOA_TRY_VOID(volume_->sync_directory(directory()));
    crash_point("file_directory_synced");
    return named;
}

result<std::unique_ptr<open_file>> open_file::open(const place& where) {
    const int file = ::open(where.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail(errc::not_found, "no_such_object", "there is no object " + where.key);
    if (file < 0) return fail(failure("open " + where.path(), errno));
    std::unique_ptr<open_file> out(new open_file(file));
    struct stat about{};
    if (fstat(file, &about) != 0) return fail(failure("stat " + where.path(), errno));
    if (!S_ISREG(about.st_mode))
        return fail(errc::not_found, "no_such_object", "there is no object " + where.key);
    out->size_bytes_ = about.st_size;
    return out;
}

open_file::~open_file() { close(file_); }

result<std::string> open_file::read(std::size_t max_bytes) {
    std::string out(max_bytes, '\0');
    std::size_t filled = 0;
    while (filled < max_bytes) {
        const auto n = ::read(file_, out.data() + filled, max_bytes - filled);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(failure("read", errno));
        if (n == 0) break;
        filled += static_cast<std::size_t>(n);
    }
    out.resize(filled);
    return out;
}

result<std::string> read_all(const place& where) {
    STOA_TRY(const auto file, open_file::open(where));
    return file->read(static_cast<std::size_t>(file->size_bytes()));
}

namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;

}  // namespace

result<blob_info> info_of(const place& where) {
    STOA_TRY(const auto file, open_file::open(where));
    sha256 digest;
    for (;;) {
        STOA_TRY(const auto chunk, file->read(chunk_bytes));
        if (chunk.empty()) break;
        digest.add(chunk);
    }
    return blob_info{where.key, file->size_bytes(), digest.hex()};
}

result<std::vector<blob_info>> list(const std::string& root, const std::string& bucket,
                                    const std::string& prefix) {
    namespace fs = std::filesystem;
    std::vector<blob_info> out;
    std::error_code why;
    const auto top = root + "/" + bucket;
    fs::recursive_directory_iterator each(top, why), end;
    if (why == std::errc::no_such_file_or_directory) return out;
    for (; !why && each != end; each.increment(why)) {
        const auto key = each->path().string().substr(top.size() + 1);
        if (!each->is_regular_file() || !key.starts_with(prefix) || key.contains(temporary_mark))
            continue;
        auto info = info_of({root, bucket, key});
        if (info) out.push_back(*std::move(info));
        else if (info.error().kind != errc::not_found)
            return fail(info.error());  // erased meanwhile
    }
    if (why) return fail(failure("list " + top, why.value()));
    std::ranges::sort(out, {}, &blob_info::key);
    return out;
}

result<void> erase(const place& where, volume& from) {
    const auto path = where.path();
    const int failed = from.on().remove(path);
    // A directory is no object: its name was never a key's whole path.
    if (failed == ENOTDIR || failed == EISDIR || failed == EPERM) return {};
    if (failed && failed != ENOENT) return fail(failure("unlink " + path, failed));
    const auto directory = parent_of(path);
    if (const int unsynced = from.on().sync_directory(directory); unsynced && unsynced != ENOENT)
        return fail(failure("fsync " + directory, unsynced));
    return {};
}

result<void> prepare(const std::string& root, volume& on) {
    namespace fs = std::filesystem;
    std::error_code why;
    // From the deepest directory that stands, but for the root itself: a process that died may not
    // have come to sync that.
    auto standing = fs::absolute(root, why).lexically_normal();
    if (!standing.has_filename()) standing = standing.parent_path();
    const auto whole = standing;
    do standing = standing.parent_path();
    while (!why && !fs::exists(standing, why) && standing != standing.root_path());
    if (why) return fail(failure("create " + root, why.value()));
    STOA_TRY_VOID(on.make_directories(standing == standing.root_path() ? "" : standing.string(),
                                      whole.lexically_relative(standing).string()));
    std::vector<fs::path> leftovers;
    for (fs::directory_iterator bucket(root, why), end; !why && bucket != end;
         bucket.increment(why)) {
        if (!bucket->is_directory()) continue;
        for (const auto& each : fs::directory_iterator(bucket->path(), why))
            if (each.path().filename().string().starts_with(temporary_mark))
                leftovers.push_back(each.path());
    }
    if (why) return fail(failure("clean " + root, why.value()));
    for (const auto& each : leftovers)
        if (const int failed = on.on().remove(each.string()); failed && failed != ENOENT)
            return fail(failure("clean " + root, failed));
    return {};
}

}  // namespace stoa::files
