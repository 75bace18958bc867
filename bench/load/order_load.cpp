// Sends N POSTs over kept-alive connections and prints what came back as one line of JSON. One
// thread, epoll; knows just enough HTTP/1.1 for our own server (answers with Content-Length). The
// bodies come from a file, one a line, each connection its own line in turn; every "{n}" in them
// becomes the number of the request.
//
//   order_load PORT PATH CONNECTIONS REQUESTS BODIES [TOKENS]
//
// TOKENS: a file with a bearer token a line; connection i uses line i mod their number. Each
// request carries an Idempotency-Key of its own. Exit 1 if any request got no 2xx.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

struct plan {
    std::uint16_t port = 0;
    std::string path;
    std::size_t connections = 0, requests = 0;
    std::vector<std::string> bodies, tokens;
    std::string run;  // makes the keys of two runs differ
};

struct connection {
    int socket = -1;
    std::size_t index = 0, sent = 0;  // of `out`
    std::string out, in;
    bool busy = false;
    steady::time_point began;
};

struct tally {
    std::size_t started = 0, done = 0;
    std::map<int, std::size_t> by_status;
    std::vector<double> millis;
    std::string first_refusal;
};

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::vector<std::string> lines_of(const char* file) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error(std::string("cannot read ") + file);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) out.push_back(line);
    if (out.empty()) throw std::runtime_error(std::string(file) + " is empty");
    return out;
}

std::string numbered(std::string text, std::size_t n) {
    for (auto at = text.find("{n}"); at != std::string::npos; at = text.find("{n}", at))
        text.replace(at, 3, std::to_string(n));
    return text;
}

std::string request_of(const plan& of, std::size_t index, std::size_t n) {
    const auto body = numbered(of.bodies[(index + n) % of.bodies.size()], n);
    std::string out =
        "POST " + of.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
    if (!of.tokens.empty())
        out += "Authorization: Bearer " + of.tokens[index % of.tokens.size()] + "\r\n";
    out += "Idempotency-Key: " + of.run + '-' + std::to_string(n) + "\r\nContent-Length: ";
    return out + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int connect_to(std::uint16_t port) {
    const int made = ::socket(AF_INET, SOCK_STREAM, 0);
    if (made < 0) fail("socket");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
    const int on = 1;
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
}

// Status and size in bytes of the answer that `in` starts with; size 0 while it is not whole.
std::pair<int, std::size_t> answer_in(std::string_view in) {
    const auto head = in.find("\r\n\r\n");
    if (head == std::string_view::npos) return {0, 0};
    int status = 0;
    std::from_chars(in.data() + 9, in.data() + 12, status);
    std::size_t length = 0;
    static constexpr std::string_view name = "content-length:";
    const auto found = std::search(
        in.begin(), in.begin() + static_cast<std::ptrdiff_t>(head), name.begin(), name.end(),
        [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    if (found != in.begin() + static_cast<std::ptrdiff_t>(head)) {
        auto at = static_cast<std::size_t>(found - in.begin()) + name.size();
        while (in[at] == ' ') ++at;
        std::from_chars(in.data() + at, in.data() + head, length);
    }
    const auto whole = head + 4 + length;
    return {status, whole <= in.size() ? whole : 0};
}

class load {
 public:
    explicit load(plan of)
        : plan_(std::move(of)), all_(plan_.connections), poll_(::epoll_create1(0)) {
        if (poll_ < 0) fail("epoll_create1");
        for (std::size_t i = 0; i < all_.size(); ++i) {
            all_[i].index = i;
            all_[i].socket = connect_to(plan_.port);
            epoll_event wanted{};
            wanted.events = EPOLLIN;
            wanted.data.u64 = i;
            if (::epoll_ctl(poll_, EPOLL_CTL_ADD, all_[i].socket, &wanted) != 0) fail("epoll_ctl");
        }
    }
    ~load() {
        for (const auto& each : all_) ::close(each.socket);
        ::close(poll_);
    }
    load(const load&) = delete;
    load& operator=(const load&) = delete;

    const tally& run() {
        for (auto& each : all_) start_next(each);
        epoll_event got[64];
        while (count_.done < plan_.requests) {
            const int n = ::epoll_wait(poll_, got, 64, 30'000);
            if (n == 0) throw std::runtime_error("no answer for 30 s");
            if (n < 0 && errno != EINTR) fail("epoll_wait");
            for (int i = 0; i < n; ++i) read_from(all_[got[i].data.u64]);
        }
        return count_;
    }

 private:
    // Requests are small against a socket's buffer: a blocking send does not wait.
    void start_next(connection& on) {
        on.busy = count_.started < plan_.requests;
        if (!on.busy) return;
        on.out = request_of(plan_, on.index, count_.started++);
        on.began = steady::now();
        for (std::string_view rest = on.out; !rest.empty();) {
            const auto n = ::send(on.socket, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (n < 0) fail("send");
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    void read_from(connection& on) {
        char buffer[65'536];
        const auto n = ::recv(on.socket, buffer, sizeof buffer, 0);
        if (n <= 0) throw std::runtime_error("the server closed a connection");
        on.in.append(buffer, static_cast<std::size_t>(n));
        const auto [status, bytes] = answer_in(on.in);
        if (bytes == 0) return;
        ++count_.done;
        ++count_.by_status[status];
        if (status >= 300 && count_.first_refusal.empty())
            count_.first_refusal = on.in.substr(0, bytes);
        count_.millis.push_back(
            std::chrono::duration<double, std::milli>(steady::now() - on.began).count());
        on.in.erase(0, bytes);
        start_next(on);
    }

    plan plan_;
    std::vector<connection> all_;
    int poll_;
    tally count_;
};

plan plan_of(int count, char** given) {
    if (count < 6 || count > 7)
        throw std::runtime_error("order_load PORT PATH CONNECTIONS REQUESTS BODIES [TOKENS]");
    plan out;
    out.port = static_cast<std::uint16_t>(std::stoul(given[1]));
    out.path = given[2];
    out.connections = std::stoul(given[3]);
    out.requests = std::stoul(given[4]);
    out.bodies = lines_of(given[5]);
    if (count == 7) out.tokens = lines_of(given[6]);
    out.run = std::to_string(steady::now().time_since_epoch().count());
    return out;
}

}  // namespace

int main(int count, char** given) {
    try {
        load all(plan_of(count, given));
        const auto began = steady::now();
        const auto& got = all.run();
        const auto took_s = std::chrono::duration<double>(steady::now() - began).count();
        auto millis = got.millis;
        std::sort(millis.begin(), millis.end());
        const auto at = [&](double part) {
            return millis[static_cast<std::size_t>(part * static_cast<double>(millis.size() - 1))];
        };
        std::printf(
            "{\"requests\":%zu,\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"status\":{",
            got.done, took_s, at(0.5), at(0.99));
        bool first = true, good = true;
        for (const auto& [status, n] : got.by_status) {
            std::printf("%s\"%d\":%zu", first ? "" : ",", status, n);
            first = false;
            good = good && status / 100 == 2;
        }
        std::printf("}}\n");
        if (!good) std::fprintf(stderr, "first refusal: %s\n", got.first_refusal.c_str());
        return good ? 0 : 1;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "order_load: %s\n", e.what());
        return 1;
    }
}
