#include "apps/stoa/run_file.hpp"

#include "base/json.hpp"
#include "runtime/crash_point.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

namespace stoa {
namespace {

std::string path_in(const std::string& data_dir) { return data_dir + "/run.json"; }

}  // namespace

result<void> write_run_file(const std::string& data_dir, const run_file& content) {
    const auto path = path_in(data_dir), fresh = path + ".new";
    unlink(fresh.c_str());
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const auto text = to_json(content);
    bool written = file >= 0 && ::write(file, text.data(), text.size()) == std::ssize(text);
    int why = errno;
    if (file >= 0) ::close(file);
    crash_point("run_file_written");
    if (written && ::rename(fresh.c_str(), path.c_str()) != 0) {
        written = false;
        why = errno;
    }
    if (written) return {};
    unlink(fresh.c_str());
    unlink(path.c_str());  // of a run that was killed: where it listened is another's now
    return fail(errc::internal, "run_file", "cannot write " + path + ": " + std::strerror(why));
}

void remove_run_file(const std::string& data_dir) { unlink(path_in(data_dir).c_str()); }

std::optional<run_file> read_run_file(const std::string& data_dir) {
    std::ifstream in(path_in(data_dir));
    if (!in) return {};
    std::stringstream text;
    text << in.rdbuf();
    auto read = from_json<run_file>(text.str());
    if (!read) return {};
    return *std::move(read);
}

std::string tokens_of_chance(random_source& random) {
    std::string out;
    while (out.size() < 32) {
        const auto bits = random.next();
        for (int i = 0; i < 10; ++i)
            out += "abcdefghijkmnpqrstuvwxyz23456789"[bits >> (6 * i) & 31];
    }
    out.resize(32);
    return out;
}

}  // namespace stoa
