// `stoa audit`, `backup` and `restore`: asked of the shop that runs on the data directory, or done
// on its stores where none runs.
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/backup_pages.hpp"
#include "apps/stoa/commands.hpp"
#include "apps/stoa/house_out.hpp"
#include "apps/stoa/restore.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/tools.hpp"
#include "apps/stoa/wiring.hpp"
#include "apps/stoa/wiring_house.hpp"
#include "base/json.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stoa {
namespace {

using file_handle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// A line on stderr, written over on a terminal and now and then elsewhere.
class progress_line {
 public:
    void show(std::string_view what, std::int64_t done, std::int64_t all, std::string_view unit) {
        const bool terminal = isatty(STDERR_FILENO) != 0;
        const auto now = std::chrono::steady_clock::now();
        if (now - shown_ < (terminal ? milliseconds(200) : milliseconds(5'000))) return;
        shown_ = now;
        std::fprintf(stderr, terminal ? "\r\x1b[K%.*s" : "%.*s", static_cast<int>(what.size()),
                     what.data());
        if (all > 0)
            std::fprintf(stderr, " %3d %%", static_cast<int>(std::min(done, all) * 100 / all));
        else
            std::fprintf(stderr, " %lld %.*s", static_cast<long long>(done),
                         static_cast<int>(unit.size()), unit.data());
        std::fputs(terminal ? "" : "\n", stderr);
        open_ = terminal;
    }
    ~progress_line() {
        if (open_) std::fputs("\r\x1b[K", stderr);
    }

 private:
    // Short work says nothing.
    std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
    bool open_ = false;
};

// A stream whose bytes go to a function: what the client downloads is looked at as it comes.
file_handle stream_to(std::function<bool(std::string_view)>& take) {
    const cookie_io_functions_t calls{
        .read = nullptr,
        .write = [](void* to, const char* bytes, std::size_t size) -> ssize_t {
            auto& call = *static_cast<std::function<bool(std::string_view)>*>(to);
            return call({bytes, size}) ? static_cast<ssize_t>(size) : 0;
        },
        .seek = nullptr,
        .close = nullptr};
    file_handle out(fopencookie(&take, "wb", calls), std::fclose);
    if (out) std::setvbuf(out.get(), nullptr, _IONBF, 0);
    return out;
}

result<audit_report> audit_running(http::blocking_client& shop, progress_line& shown) {
    std::string left;
    std::optional<audit_line> last;
    std::function<bool(std::string_view)> take = [&](std::string_view bytes) {
        left += bytes;
        for (auto end = left.find('\n'); end != std::string::npos; end = left.find('\n')) {
            auto line = from_json<audit_line>(left.substr(0, end));
            left.erase(0, end + 1);
            if (!line) return false;
            if (line->step) shown.show("Looking at " + *line->step, line->done, line->all, "");
            last = *std::move(line);
        }
        return true;
    };
    const auto to = stream_to(take);
    STOA_TRY(const auto answer, shop.download("/local/audit", to.get()));
    if (answer.status >= 400) return fail(error_of(answer));
    if (last && last->failure) return fail(errc::internal, "audit_failed", *last->failure);
    if (!last || !last->report)
        return fail(errc::unavailable, "audit_cut_off", "the shop stopped before the audit ended");
    return *std::move(last->report);
}

result<audit_report> audit_stopped(const settings& from, progress_line& shown) {
    STOA_TRY_VOID(require_shop(from));
    STOA_TRY(const auto whole, from.with({{"target", "all"}}));
    STOA_TRY(const auto stopped, shop::open(whole));
    return stopped->audit([&](std::string_view step, std::int64_t done, std::int64_t all) {
        shown.show("Looking at " + std::string(step), done, all, "");
    });
}

// The backup's bytes to a file that has no name yet that anybody looks for.
class backup_file {
 public:
    explicit backup_file(std::string path) : path_(std::move(path)), partial_(path_ + ".part") {}
    ~backup_file() {
        if (file_ >= 0) {
            ::close(file_);
            ::unlink(partial_.c_str());
        }
    }

    result<void> open() {
        if (::access(path_.c_str(), F_OK) == 0)
            return fail(errc::conflict, "file_exists",
                        path_ + " is there already: give another name, nothing is overwritten");
        // One may be there of a backup that died; or of one that is being written.
        file_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file_ < 0) return trouble();
        if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
            ::close(std::exchange(file_, -1));
            return fail(errc::conflict, "file_in_use",
                        partial_ + " is being written by another backup");
        }
        if (ftruncate(file_, 0) != 0 || fchmod(file_, 0600) != 0) return trouble();
        return {};
    }
    bool append(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto n = ::write(file_, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                failed_ = errno;
                return false;
            }
            bytes_ += n;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    // Read back, synced, named, in this order.
    result<backups::header> finish(progress_line& shown) {
        STOA_TRY(const auto back, backups::reader::open(partial_));
        for (;;) {
            STOA_TRY(const auto section, back->next_section());
            if (!section) break;
            shown.show("Checking", back->read_bytes(), back->file_bytes(), "");
        }
        if (fsync(file_) != 0 || ::rename(partial_.c_str(), path_.c_str()) != 0) return trouble();
        ::close(std::exchange(file_, -1));
        std::string directory = path_;
        const int parent = ::open(dirname(directory.data()), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool synced = parent >= 0 && fsync(parent) == 0;
        if (!synced) return trouble();
        ::close(parent);
        return back->head();
    }
    std::unexpected<error> trouble() const {
        return fail(errc::internal, "backup_not_written",
                    partial_ + ": " + std::strerror(failed_ ? failed_ : errno));
    }
    bool failed() const { return failed_ != 0; }
    std::int64_t size_bytes() const { return bytes_; }

 private:
    std::string path_, partial_;
    int file_ = -1, failed_ = 0;
    std::int64_t bytes_ = 0;
};

result<void> back_up_running(http::blocking_client& shop, backup_file& to, progress_line& shown) {
    std::function<bool(std::string_view)> take = [&](std::string_view bytes) {
        shown.show("Backing up", to.size_bytes() >> 20, 0, "MB");
        return to.append(bytes);
    };
    const auto sink = stream_to(take);
    auto answer = shop.download("/local/backup", sink.get());
    if (to.failed()) return to.trouble();
    if (!answer) return std::unexpected(std::move(answer).error());
    if (answer->status >= 400) return fail(error_of(*answer));
    return {};
}

// Opening the shop would make new ones, by which nobody's sessions are known.
result<void> require_keys(const settings& from) {
    const auto path = keys_path(from);
    if (from.text("sql") == "sqlite" || ::access(path.c_str(), R_OK) == 0) return {};
    return fail(errc::not_found, "keys_missing",
                "the shop's signing keys are not in " + path +
                    ": name the file that its processes have with keys_file");
}

result<void> back_up_stopped(const settings& from, backup_file& to, progress_line& shown) {
    STOA_TRY(const auto whole, from.with({{"target", "all"}}));
    STOA_TRY_VOID(require_keys(whole));
    STOA_TRY(const auto stopped, shop::open(whole));
    STOA_TRY(const auto stream,
             stopped->backup([&](std::string_view step, std::int64_t done, std::int64_t all) {
                 shown.show("Copying " + std::string(step), done, all, "");
             }));
    for (;;) {
        STOA_TRY(const auto chunk, stream->next());
        if (chunk.empty()) return {};
        if (!to.append(chunk)) return to.trouble();
        shown.show("Backing up", to.size_bytes() >> 20, 0, "MB");
    }
}

result<backups::header> back_up(const settings& from, backup_file& to) {
    progress_line shown;
    const auto running = running_shop(from);
    if (!running) STOA_TRY_VOID(require_shop(from));
    STOA_TRY_VOID(to.open());
    if (running) STOA_TRY_VOID(back_up_running(*running, to, shown));
    else STOA_TRY_VOID(back_up_stopped(from, to, shown));
    return to.finish(shown);
}

void print_audit(const audit_report& report) {
    for (const auto& bad : report.findings)
        std::printf("rule %d %s  %s  %s\n", bad.rule, bad.name.c_str(), bad.subject.c_str(),
                    bad.what.c_str());
    if (report.broken > std::ssize(report.findings))
        std::printf("… and %lld more\n",
                    static_cast<long long>(report.broken - std::ssize(report.findings)));
    std::printf(
        "%s: %lld products, %lld orders, %lld payments, %lld events, %lld notifications, %lld "
        "carts; %lld orders with events on their way, %lld dead letters\n",
        report.clean ? "Clean" : "NOT clean", static_cast<long long>(report.products),
        static_cast<long long>(report.orders), static_cast<long long>(report.payments),
        static_cast<long long>(report.events), static_cast<long long>(report.notifications),
        static_cast<long long>(report.carts), static_cast<long long>(report.in_flight),
        static_cast<long long>(report.dead_letters));
}

}  // namespace

int run_audit(const settings& from, bool as_json) {
    result<audit_report> report;
    {
        progress_line shown;
        if (const auto running = running_shop(from)) report = audit_running(*running, shown);
        else report = audit_stopped(from, shown);
    }
    if (!report) return complain(report.error());
    if (as_json) std::puts(to_json(*report).c_str());
    else print_audit(*report);
    return report->clean ? 0 : 1;
}

int run_backup(const settings& from, const std::string& file) {
    backup_file to(file);
    const auto head = back_up(from, to);
    if (!head) return complain(head.error());
    std::printf(
        "%s written: the shop as of %s, %lld bytes. It holds the shop's secrets: guard it\n",
        file.c_str(), rfc3339(head->taken_at).c_str(), static_cast<long long>(to.size_bytes()));
    return 0;
}

int run_restore(const settings& from, const std::string& file) {
    system_clock time;
    const auto& directory = from.text("data_dir");
    const bool embedded = from.text("sql") == "sqlite";
    result<restore_report> done;
    if (!embedded) {
        progress_line shown;
        done = restore_into_engines(from, file,
                                    [&](std::string_view step, std::int64_t at, std::int64_t all) {
                                        shown.show("Restoring " + std::string(step), at, all, "");
                                    });
    } else {
        progress_line shown;
        done = restore_backup(
            {.file = file,
             .directory = directory,
             .shop = [&](const std::string& where) { return shop_options(from, where); },
             .provider = [&](const std::string& where) { return provider_options(from, where); },
             .currency = from.currency("currency")},
            time, [&](std::int64_t at, std::int64_t all) { shown.show("Restoring", at, all, ""); });
    }
    if (!done) return complain(done.error());
    std::printf(
        "%s ha%s the shop as of %s: %lld records, %lld files. Next: stoa audit, then serve\n",
        embedded ? directory.c_str() : "The engines", embedded ? "s" : "ve",
        rfc3339(done->taken_at).c_str(), static_cast<long long>(done->records),
        static_cast<long long>(done->blobs));
    return 0;
}

}  // namespace stoa
