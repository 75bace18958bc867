#include "adapters/vips/picture_worker.hpp"

#include "adapters/vips/picture_frames.hpp"
#include "adapters/vips/picture_sandbox.hpp"
#include "adapters/vips/picture_work.hpp"
#include "base/json.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>

namespace stoa::vips {
namespace {

constexpr int idle_ms = 60'000;
constexpr std::chrono::seconds answer_within{20};  // by the clock, on a machine that is busy

[[noreturn]] void decode_and_exit(const library& with, std::string_view request, int answer_to) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Standard input and output are the shop's socket: only the worker may speak there.
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    const auto cut = request.find('\0');
    const auto asked = from_json<asked_picture>(request.substr(0, cut));
    std::string answer;
    if (!enter_sandbox() || !asked || cut == std::string_view::npos) {
        answer = pack(error{.kind = errc::unavailable,
                            .code = "picture_worker_failed",
                            .detail = "this machine offers no sandbox to decode pictures in"});
    } else {
        try {
            const auto made = render_here(with, request.substr(cut + 1), asked->within_px);
            answer = made ? pack(*made) : pack(made.error());
        } catch (const std::bad_alloc&) {
            _exit(3);
        }
    }
    while (!answer.empty()) {
        const auto n = write(answer_to, answer.data(), answer.size());
        if (n <= 0) _exit(4);
        answer.erase(0, static_cast<std::size_t>(n));
    }
    _exit(0);
}

// Everything that the child says, until it is silent, says too much, or takes too long.
std::string listen_to(int child, int from) {
    const auto until = std::chrono::steady_clock::now() + answer_within;
    std::string out;
    std::array<char, 64 * 1'024> chunk{};
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        pollfd waits{from, POLLIN, 0};
        const int ready =
            poll(&waits, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready < 0 && errno == EINTR) continue;
        const auto n = ready > 0 ? read(from, chunk.data(), chunk.size()) : -1;
        if (n == 0) return out;
        if (n < 0 || static_cast<std::int64_t>(out.size()) + n > largest_answer_bytes) {
            kill(child, SIGKILL);
            return {};
        }
        out.append(chunk.data(), static_cast<std::size_t>(n));
    }
}

error end_of(int status) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const bool memory = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    const bool time = signal == SIGPROF || signal == SIGXCPU || signal == SIGKILL;
    // GLib ends the process where it gets no memory.
    if (memory || signal == SIGTRAP || signal == SIGABRT)
        return {.kind = errc::invalid,
                .code = "picture_needs_too_much",
                .detail = "decoding the picture takes more than the memory it may have"};
    if (time)
        return {.kind = errc::invalid,
                .code = "picture_needs_too_much",
                .detail = "decoding the picture takes more than the two seconds it may have"};
    return {.kind = errc::invalid,
            .code = "picture_broken",
            .detail = "the picture broke its decoder, which was stopped"};
}

std::string answer_apart(const library& with, std::string_view request) {
    std::array<int, 2> ends{};
    const error failed{.kind = errc::unavailable,
                       .code = "picture_worker_failed",
                       .detail = "no process could be started to decode the picture in"};
    if (pipe(ends.data()) != 0) return pack(failed);
    const auto child = fork();
    if (child == 0) {
        close(ends[0]);
        decode_and_exit(with, request, ends[1]);
    }
    close(ends[1]);
    auto answer = child > 0 ? listen_to(child, ends[0]) : std::string();
    close(ends[0]);
    if (child < 0) return pack(failed);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (answer.empty() || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return pack(end_of(status));
    return answer;
}

}  // namespace

int run_picture_worker() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_range(3, ~0U, 0);
    const auto with = load_library();
    std::string request;
    for (;;) {
        pollfd waits{STDIN_FILENO, POLLIN, 0};
        const int ready = poll(&waits, 1, idle_ms);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0 || !read_frame(STDIN_FILENO, request, picture_limits{}.bytes + 64 * 1'024))
            return 0;
        if (!write_frame(STDOUT_FILENO, with ? answer_apart(*with, request) : pack(with.error())))
            return 0;
    }
}

}  // namespace stoa::vips
