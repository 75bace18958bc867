#include "runtime/process_metrics.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace stoa {
namespace {

using series = std::vector<std::pair<metric_labels, double>>;

series one(std::optional<double> value) { return value ? series{{{}, *value}} : series{}; }

struct process_times {
    double cpu_s = 0, started_s = 0;  // the latter after the machine's boot
};

// proc(5): the program's name, which may hold anything, ends at the last bracket; then come state,
// ppid and on. utime and stime are fields 14 and 15 of the whole, starttime is 22.
std::optional<process_times> read_times() {
    std::ifstream file("/proc/self/stat");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto bracket = text.rfind(')');
    if (bracket == std::string::npos) return {};
    std::istringstream rest(text.substr(bracket + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field) rest >> skipped;
    double user = 0, system = 0, started = 0;
    rest >> user >> system;
    for (int field = 16; field < 22; ++field) rest >> skipped;
    rest >> started;
    if (!rest) return {};
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    return process_times{(user + system) / ticks, started / ticks};
}

std::optional<double> boot_time() {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;) {
        double at = 0;
        if (word == "btime" && file >> at) return at;
    }
    return {};
}

std::optional<double> resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double whole = 0, resident = 0;
    if (!(file >> whole >> resident)) return {};
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::optional<double> open_files() {
    std::error_code why;
    double count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", why), end; !why && at != end;
         at.increment(why))
        ++count;
    if (why) return {};
    return count;
}

std::optional<double> most_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void add_process_metrics(metrics& to, const std::string& version, const std::string& targets) {
    to.counts("process_cpu_seconds_total", "CPU time of the process, user and system.", [] {
        const auto times = read_times();
        return one(times ? std::optional(times->cpu_s) : std::nullopt);
    });
    to.gauges("process_resident_memory_bytes", "Memory that the process has in RAM.",
              [] { return one(resident_bytes()); });
    to.gauges("process_open_fds", "Open files and sockets.", [] { return one(open_files()); });
    to.gauges("process_max_fds", "How many there may be.", [] { return one(most_files()); });
    to.gauges("process_start_time_seconds", "When the process began, as seconds of Unix time.", [] {
        const auto times = read_times();
        const auto boot = boot_time();
        return one(times && boot ? std::optional(*boot + times->started_s) : std::nullopt);
    });
    to.gauge("stoa_build_info", "1; which version serves which targets.",
             {{"version", version}, {"target", targets}}, [] { return 1.0; });
}

}  // namespace stoa
