#include "engines/kafka_support.hpp"

#include "adapters/outbox/relay.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace stoa::testing {
namespace {

using steady = std::chrono::steady_clock;

bool is_free(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool out = bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    close(fd);
    return out;
}

// The first of nine in a row, below the ports that the system hands out by itself.
int free_ports() {
    system_random random;
    for (;;) {
        const int first = 12'000 + 10 * static_cast<int>(random.below(1'900));
        bool all = true;
        for (int i = 0; i < 9; ++i) all = all && is_free(first + i);
        if (all) return first;
    }
}

pid_t spawn(const std::vector<std::string>& words, const std::string& said,
            const std::string& format, const std::string& java) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, said.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    std::vector<char*> arguments, environment;
    for (const auto& each : words) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    for (char** each = environ; *each; ++each) environment.push_back(*each);
    auto added = "STOA_KAFKA_FORMAT=" + format;
    environment.push_back(added.data());
    auto source = "STOA_KAFKA_JAVA=" + java;
    environment.push_back(source.data());
    environment.push_back(nullptr);
    pid_t out = 0;
    const int wrong =
        posix_spawn(&out, arguments.front(), &files, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    if (wrong != 0) throw std::runtime_error(words.front() + " does not start");
    return out;
}

}  // namespace

std::string new_kafka_prefix() {
    system_random random;
    return "t" + std::to_string(random.below(1'000'000'000'000)) + "-";
}

kafka_options kafka_test_options(const std::string& brokers) {
    return {.brokers = brokers,
            .prefix = new_kafka_prefix(),
            .topics = {std::begin(kafka_test_topics), std::end(kafka_test_topics)},
            .replication = 1,
            .min_insync = 1};
}

void make_topics(const kafka_options& options) {
    if (const auto made = make_kafka_topics(options); !made)
        throw std::runtime_error(made.error().detail);
}

kafka_test_store::kafka_test_store(const std::string& directory) {
    auto opened = sqlite_shop::open(
        {.directory = directory,
         .tables = {&outbox_table, &inbox_table, &leases_table, &parked_table, &effects_table}},
        time);
    if (!opened) throw std::runtime_error(opened.error().detail);
    shop = *std::move(opened);
}

kafka_broker::kafka_broker(std::string properties, std::string format, std::string java)
    : port_(free_ports()), format_(std::move(format)), java_(std::move(java)) {
    for (int i = 8; i >= 1; --i)
        properties = std::regex_replace(properties, std::regex("PORT\\+" + std::to_string(i)),
                                        std::to_string(port_ + i));
    properties = std::regex_replace(properties, std::regex("PORT"), std::to_string(port_));
    properties = std::regex_replace(properties, std::regex("FOLDER"), folder_.path());
    std::ofstream(folder_ / "more.properties") << properties << "\n";
}

kafka_broker::~kafka_broker() {
    if (pid_ > 0) send(SIGCONT);
    stop(SIGKILL);
}

void kafka_broker::start() {
    pid_ = spawn({"deploy/local/kafka.sh", "run", folder_ / "data", std::to_string(port_),
                  folder_ / "more.properties"},
                 folder_ / "said.log", format_, java_);
}

void kafka_broker::wait_until_ready() {
    const auto until = steady::now() + std::chrono::seconds(90);
    while (steady::now() < until) {
        const pid_t asks =
            spawn({"deploy/local/kafka.sh", "ready", std::to_string(port_)}, "/dev/null", "", "");
        int status = 0;
        waitpid(asks, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // between two looks
        if (waitpid(pid_, &status, WNOHANG) == pid_) break;
    }
    std::ifstream said(folder_ / "said.log");
    throw std::runtime_error("the broker did not start: " +
                             std::string(std::istreambuf_iterator<char>(said), {}));
}

void kafka_broker::stop(int how) {
    if (pid_ <= 0) return;
    send(how);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void kafka_broker::send(int signal) const { kill(pid_, signal); }

kafka_listener::kafka_listener(test_loop& on, event_log& log, std::string group, lane share)
    : loop_(on), may_go_on_(on.on(), steady::time_point::max()) {
    auto made = log.subscribe(std::move(group), {"news"}, share);
    if (!made) throw std::runtime_error(made.error().detail);
    from_ = *std::move(made);
    asio::co_spawn(loop_.on(), run(),
                   asio::bind_cancellation_slot(cancel_.slot(),
                                                [this](std::exception_ptr) { ended_ = true; }));
}

void kafka_listener::stop() {
    if (!from_) return;
    cancel_.emit(asio::cancellation_type::terminal);
    loop_.run_until([this] { return ended_; });
    from_.reset();
}

void kafka_listener::go_on() {
    holds_ = false;
    may_go_on_.cancel();
}

task<> kafka_listener::run() {
    for (;;) {
        auto batch = co_await from_->next(20);
        if (!batch) continue;
        in_hand_ = true;
        if (holds_) {
            boost::system::error_code woken;
            co_await may_go_on_.async_wait(asio::redirect_error(use_task, woken));
            const auto asked = co_await asio::this_coro::cancellation_state;
            if (asked.cancelled() != asio::cancellation_type::none) co_return;
        }
        const auto behind = batch->events.back().offset + 1;
        for (auto& each : batch->events) {
            ids.insert(each.message.id);
            got.push_back(std::move(each));
        }
        (void)co_await from_->done(batch->topic, batch->partition, behind);
        in_hand_ = false;
    }
}

}  // namespace stoa::testing
