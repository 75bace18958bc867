#include "adapters/vips/isolated_renderer.hpp"

#include "adapters/vips/picture_frames.hpp"
#include "base/json.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace stoa {
namespace {

constexpr timeval answer_within{30, 0};

// A GIF of one pixel.
constexpr char dot[] =
    "GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02"
    "D\x01\0;";

error worker_failed(std::string what) {
    return {.kind = errc::unavailable,
            .code = "picture_worker_failed",
            .detail = std::move(what),
            .retry_after_s = 1};
}

}  // namespace

// The process, and the socket to it. One thread's.
class isolated_renderer::worker {
 public:
    explicit worker(std::vector<std::string> command) : command_(std::move(command)) {}
    ~worker() { stop(); }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    result<rendered_picture> render(std::string_view original, std::span<const int> within_px) {
        const picture_limits limits;
        if (static_cast<std::int64_t>(original.size()) > limits.bytes)
            return fail(errc::too_large, "picture_too_large",
                        "the picture has " + std::to_string(original.size()) + " bytes; at most " +
                            std::to_string(limits.bytes) + " are taken");
        vips::asked_picture asked;
        for (const auto each : within_px) asked.within_px.push_back(each);
        auto request = to_json(asked);
        request += '\0';
        request += original;
        std::string answer;
        // One that was there before may have ended meanwhile, for want of work.
        const bool stood = pid_ > 0;
        if (!exchange(request, answer) && !(stood && exchange(request, answer)))
            return fail(worker_failed("the process that decodes pictures does not answer"));
        return vips::unpack(answer);
    }

    result<void> check() {
        const bool stood = pid_ > 0;
        const auto made = render({dot, sizeof dot - 1}, std::array{1});
        if (!stood) stop();
        if (made) return {};
        return fail(made.error());
    }

 private:
    bool exchange(std::string_view request, std::string& answer) {
        if (pid_ <= 0 && !start()) return false;
        if (vips::write_frame(socket_, request) &&
            vips::read_frame(socket_, answer, vips::largest_answer_bytes + 1'024))
            return true;
        stop();
        return false;
    }

    bool start() {
        std::array<int, 2> ends{};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
        setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &answer_within, sizeof answer_within);
        setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &answer_within, sizeof answer_within);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
        // None of the shop's: a listening socket that lives on here takes connections for nobody.
        posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        posix_spawnattr_t how;
        posix_spawnattr_init(&how);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setsigdefault(&how, &all);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        std::vector<char*> arguments;
        for (auto& each : command_) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        // No variable of the shop's, some of which are secrets.
        std::string libraries = "LD_LIBRARY_PATH=";
        if (const char* at = std::getenv("LD_LIBRARY_PATH")) libraries += at;
        std::array<char*, 2> environment{libraries.data(), nullptr};
        const int failed = posix_spawn(&pid_, command_.front().c_str(), &files, &how,
                                       arguments.data(), environment.data());
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&how);
        close(ends[1]);
        socket_ = ends[0];
        if (failed) pid_ = 0, close(socket_), socket_ = -1;
        return !failed;
    }

    void stop() {
        if (pid_ <= 0) return;
        close(socket_);
        kill(pid_, SIGKILL);
        while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        socket_ = -1;
    }

    std::vector<std::string> command_;
    pid_t pid_ = 0;
    int socket_ = -1;
};

isolated_renderer::isolated_renderer(isolated_renderer_options options)
    : worker_(std::make_shared<worker>(std::move(options.worker))),
      thread_("pictures", 1, options.most_waiting) {}
isolated_renderer::~isolated_renderer() = default;

task<result<rendered_picture>> isolated_renderer::render(std::string original,
                                                         std::vector<int> within_px) {
    auto work = [with = worker_, original = std::move(original),
                 within_px = std::move(within_px)]() -> result<rendered_picture> {
        return with->render(original, within_px);
    };
    co_return co_await offload(thread_, std::move(work));
}

task<result<void>> isolated_renderer::check() {
    auto work = [with = worker_] { return with->check(); };
    co_return co_await offload(thread_, std::move(work));
}

}  // namespace stoa
