#include "adapters/security/key_file.hpp"

#include "adapters/security/base64url.hpp"
#include "adapters/security/sodium.hpp"
#include "base/json.hpp"
#include "runtime/crash_point.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace stoa {
namespace {

constexpr std::size_t longest_file_bytes = 64 * 1024;

class open_file {
 public:
    open_file(const std::string& path, int flags, mode_t mode = 0)
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

 private:
    int fd_;
};

std::unexpected<error> unusable(const std::string& path, std::string_view doing) {
    return fail(errc::internal, "key_file_unusable",
                "cannot " + std::string(doing) + ' ' + path + ": " + std::strerror(errno));
}

std::unexpected<error> ill_formed(const std::string& path, std::string why) {
    return fail(errc::invalid, "key_file_ill_formed",
                path + " is not a file of keys (" + std::move(why) +
                    "); restore it from a backup, or remove it to sign everybody out");
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    randombytes_buf(out.data(), out.size());
    return out;
}

signing_key make_signing_key(timestamp now) {
    return {base64url(random_bytes(12)), base64url(random_bytes(crypto_sign_SEEDBYTES)), now};
}

bool is_key(std::string_view text) {
    const auto bytes = read_base64url(text);
    return bytes && bytes->size() == 32;
}

result<std::string> read_all(const open_file& file, const std::string& path) {
    std::string out;
    char chunk[4096];
    for (;;) {
        const auto n = ::read(file.get(), chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unusable(path, "read");
        if (n == 0) return out;
        out.append(chunk, static_cast<std::size_t>(n));
        if (out.size() > longest_file_bytes) return ill_formed(path, "it is longer than 64 KiB");
    }
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Writes beside the file first, so that a crash leaves the old keys or the new, never a half.
result<std::string> write_beside(const std::string& path, const key_ring& ring) {
    const auto beside = path + '.' + base64url(random_bytes(6)) + ".new";
    open_file file(beside, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return unusable(beside, "create");
    const auto text = to_json(ring) + '\n';
    for (std::size_t done = 0; done < text.size();) {
        const auto n = ::write(file.get(), text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            auto why = unusable(beside, "write");
            ::unlink(beside.c_str());
            return why;
        }
        done += static_cast<std::size_t>(n);
    }
    if (::fsync(file.get()) != 0) {
        auto why = unusable(beside, "sync");
        ::unlink(beside.c_str());
        return why;
    }
    return beside;
}

result<void> sync_folder(const std::string& path) {
    const open_file folder(folder_of(path), O_RDONLY | O_DIRECTORY);
    if (!folder || ::fsync(folder.get()) != 0) return unusable(folder_of(path), "sync");
    return {};
}

}  // namespace

bool only_we_read(mode_t mode, uid_t owner, uid_t we) {
    // A secret that an orchestrator mounts belongs to root, and is ours by its group.
    const bool mounted = owner != we && owner == 0;
    return (mode & (mounted ? 037 : 077)) == 0;
}

key_ring make_key_ring(timestamp now) {
    start_sodium();
    auto first = make_signing_key(now);
    auto kid = first.kid;
    return {
        std::move(kid), {std::move(first)}, base64url(random_bytes(crypto_generichash_KEYBYTES))};
}

result<key_ring> load_keys(const std::string& path) {
    start_sodium();
    const open_file file(path, O_RDONLY);
    if (!file && errno == ENOENT)
        return fail(errc::not_found, "key_file_missing", "there is no " + path);
    if (!file) return unusable(path, "open");
    struct stat about{};
    if (::fstat(file.get(), &about) != 0) return unusable(path, "look at");
    if (!only_we_read(about.st_mode, about.st_uid, ::geteuid())) {
        char mode[8];
        std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(about.st_mode & 07777));
        return fail(errc::forbidden, "key_file_permissions",
                    "others may read " + path + " (mode " + mode + "); run: chmod 600 " + path);
    }
    STOA_TRY(const auto text, read_all(file, path));
    auto ring = from_json<key_ring>(text);
    if (!ring) return ill_formed(path, ring.error().detail);
    if (!is_key(ring->digest_key)) return ill_formed(path, "digest_key is not 32 bytes");
    for (const auto& key : ring->keys)
        if (key.kid.empty() || !is_key(key.seed)) return ill_formed(path, "key " + key.kid);
    if (std::ranges::find(ring->keys, ring->active, &signing_key::kid) == ring->keys.end())
        return ill_formed(path, "the active key is not among the keys");
    return ring;
}

result<key_ring> load_or_create_keys(const std::string& path, timestamp now) {
    auto found = load_keys(path);
    if (found || found.error().code != "key_file_missing") return found;
    STOA_TRY(const auto beside, write_beside(path, make_key_ring(now)));
    crash_point("keys_written");
    // link() and not rename(): whoever comes second must not replace keys that already sign.
    const bool linked = ::link(beside.c_str(), path.c_str()) == 0;
    const int why = errno;
    crash_point("keys_named");
    ::unlink(beside.c_str());
    errno = why;
    if (!linked && why != EEXIST) return unusable(path, "create");
    STOA_TRY_VOID(sync_folder(path));
    return load_keys(path);
}

result<key_ring> rotate_keys(const std::string& path, timestamp now, std::size_t keep) {
    STOA_TRY(auto ring, load_keys(path));
    ring.keys.insert(ring.keys.begin(), make_signing_key(now));
    ring.active = ring.keys.front().kid;
    if (ring.keys.size() > std::max<std::size_t>(keep, 1))
        ring.keys.resize(std::max<std::size_t>(keep, 1));
    STOA_TRY(const auto beside, write_beside(path, ring));
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        auto why = unusable(path, "replace");
        ::unlink(beside.c_str());
        return why;
    }
    STOA_TRY_VOID(sync_folder(path));
    return ring;
}

}  // namespace stoa
