#include "adapters/mailbox/outbox_file.hpp"

#include "runtime/crash_point.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace stoa {
namespace {

auto broken(const std::string& path, const char* what) {
    const auto kind = errno == ENOSPC || errno == EDQUOT ? errc::storage_full : errc::unavailable;
    return fail(kind, "mailbox_unwritable",
                std::string(what) + ' ' + path + ": " + std::strerror(errno));
}

class descriptor {
 public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const { return fd_; }

 private:
    int fd_;
};

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool is_from_line(std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of('>'), line.size()));
    return line.starts_with("From ");
}

// The mail as it stands in a mailbox: a From_ line, the text with lines that look like one quoted,
// an empty line. Content-Length says how long the body is, so that a torn one is known by its end.
std::string mailbox_entry(const mail& what) {
    const auto text = mail_text(what, true);
    const auto cut = text.find("\n\n") + 2;
    std::string body;
    for (std::size_t at = cut; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const auto line = std::string_view(text).substr(at, end - at);
        if (is_from_line(line)) body += '>';
        body += line;
        at = end;
    }
    const std::time_t seconds = what.date.unix_s();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char date[32];
    asctime_r(&parts, date);  // ends with \n
    std::string out = "From " + what.from + ' ' + date;
    out.append(text, 0, cut - 1);
    out += "Content-Length: " + std::to_string(body.size()) + "\n\n";
    return out + body + '\n';
}

// A From_ line counts only after an empty line, which another program's last message may lack.
std::string missing_line_ends(int fd, off_t size) {
    char tail[2] = {'\n', '\n'};
    const auto known = std::min<off_t>(size, 2);
    if (known > 0 &&
        ::pread(fd, tail + 2 - known, static_cast<std::size_t>(known), size - known) < 0)
        return "\n\n";
    return tail[1] != '\n' ? "\n\n" : tail[0] != '\n' ? "\n" : "";
}

struct mailbox_content {
    std::unordered_set<std::string> ids;
    std::int64_t whole_bytes = 0;  // up to the end of the last whole message
};

mailbox_content read_mailbox(const std::string& path) {
    mailbox_content out;
    std::ifstream in(path, std::ios::binary);
    std::string line, id;
    std::int64_t at = 0, entry = 0, body_until = -1;  // -1: no length was given
    bool in_headers = false, blank_before = true;
    while (std::getline(in, line)) {
        const bool torn = in.eof();  // the last line has no end
        const auto line_at = at;
        at += std::ssize(line) + (torn ? 0 : 1);
        // A crash may have left even less than the first word.
        const bool begins =
            line.starts_with("From ") || (torn && std::string_view("From ").starts_with(line));
        if (blank_before && !in_headers && line_at >= body_until && begins) {
            if (!id.empty()) out.ids.insert(std::exchange(id, {}));
            entry = line_at;
            in_headers = true;
            body_until = -1;
        } else if (in_headers && line.empty()) {
            in_headers = false;
            if (body_until >= 0) body_until += at;
        } else if (in_headers && line.starts_with("Message-ID: ")) {
            id = line.substr(12);
        } else if (in_headers && line.starts_with("Content-Length: ")) {
            body_until = std::strtoll(line.c_str() + 16, nullptr, 10);
        }
        blank_before = line.empty();
    }
    // A body is followed by an empty line: one byte more than its length.
    const bool half = in_headers || (body_until >= 0 && at < body_until + 1);
    if (!half && !id.empty()) out.ids.insert(std::move(id));
    out.whole_bytes = half ? entry : at;
    return out;
}

// The file as it is now, for this process alone while the descriptor lives; made where there is
// none.
result<descriptor> open_locked(const std::string& path) {
    descriptor file(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (file.get() < 0) return broken(path, "cannot open");
    if (::flock(file.get(), LOCK_EX) != 0) return broken(path, "cannot lock");
    return file;
}

result<std::int64_t> size_of(const descriptor& file, const std::string& path) {
    struct stat now{};
    if (::fstat(file.get(), &now) != 0) return broken(path, "cannot look at");
    return now.st_size;
}

result<void> sync_folder_of(const std::string& path) {
    const auto folder = path.substr(0, path.rfind('/') + 1);
    const descriptor directory(
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0)
        return broken(folder, "cannot make durable");
    return {};
}

}  // namespace

struct outbox_file::shared {
    std::string path;
    std::int64_t most_bytes = 0;
    std::mutex mutex;
    std::unordered_set<std::string> ids, ids_before;  // of the file, and of the full one before it

    std::string path_before() const { return path + ".1"; }
    result<void> append(const mail& what);
    result<descriptor> begin_another();
};

// Called with the full file locked: a mail program that reads it holds the same lock.
result<descriptor> outbox_file::shared::begin_another() {
    if (::rename(path.c_str(), path_before().c_str()) != 0) return broken(path, "cannot put aside");
    STOA_TRY(auto file, open_locked(path));
    STOA_TRY_VOID(sync_folder_of(path));
    ids_before = std::exchange(ids, {});
    return file;
}

result<void> outbox_file::shared::append(const mail& what) {
    const std::scoped_lock lock(mutex);
    const auto id = message_id_of(what.id);
    if (ids.contains(id) || ids_before.contains(id)) return {};
    STOA_TRY(auto file, open_locked(path));
    STOA_TRY(auto size, size_of(file, path));
    auto entry = mailbox_entry(what);
    if (most_bytes > 0 && size > 0 && size + std::ssize(entry) > most_bytes) {
        STOA_TRY(file, begin_another());
        size = 0;
    }
    entry.insert(0, missing_line_ends(file.get(), size));
    const bool written = write_all(file.get(), entry);
    crash_point("mail_written");
    if (!written || ::fsync(file.get()) != 0) {
        auto failed = broken(path, "cannot write");
        // What was written of it must not look like a message.
        if (::ftruncate(file.get(), size) != 0) return broken(path, "cannot cut back");
        return failed;
    }
    crash_point("mail_synced");
    ids.insert(id);
    return {};
}

result<std::unique_ptr<outbox_file>> outbox_file::open(std::string path, std::string from,
                                                       clock& time, blocking_pool& pool,
                                                       std::int64_t most_bytes) {
    auto state = std::make_shared<shared>();
    state->path = std::move(path);
    state->most_bytes = most_bytes;
    {
        STOA_TRY(const auto file, open_locked(state->path));
        STOA_TRY(const auto size, size_of(file, state->path));
        auto content = read_mailbox(state->path);
        if (content.whole_bytes < size &&
            (::ftruncate(file.get(), content.whole_bytes) != 0 || ::fsync(file.get()) != 0))
            return broken(state->path, "cannot cut back");
        state->ids = std::move(content.ids);
        if (most_bytes > 0) state->ids_before = read_mailbox(state->path_before()).ids;
    }
    STOA_TRY_VOID(sync_folder_of(state->path));
    return std::unique_ptr<outbox_file>(
        new outbox_file(std::move(state), std::move(from), time, pool));
}

task<result<void>> outbox_file::send(message what) {
    mail out{.from = from_,
             .to = std::move(what.to),
             .subject = std::move(what.subject),
             .body = std::move(what.body),
             .id = std::move(what.id),
             .date = time_.now()};
    STOA_CO_TRY_VOID(check_mail(out));
    auto append = [state = state_, out = std::move(out)]() -> result<void> {
        return state->append(out);
    };
    co_return co_await offload(pool_, std::move(append));
}

}  // namespace stoa
