// Stands between a client and a server on loopback, and lets a test cut, refuse or swallow.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace stoa::testing {

// Thread rule: any thread.
class cutting_proxy {
 public:
    explicit cutting_proxy(int server_port) : server_port_(server_port) {
        listener_ = listening(0);
        port_ = port_of(listener_);
        thread_ = std::jthread([this](std::stop_token ended) { work(ended); });
    }
    ~cutting_proxy() {
        thread_.request_stop();
        thread_.join();
        for (auto& each : pairs_) close_pair(each);
        if (listener_ >= 0) ::close(listener_);
    }
    cutting_proxy(const cutting_proxy&) = delete;
    cutting_proxy& operator=(const cutting_proxy&) = delete;

    int port() const { return port_; }
    // Ends every connection that stands.
    void cut() {
        const std::scoped_lock lock(mutex_);
        for (auto& each : pairs_) close_pair(each);
        pairs_.clear();
    }
    // Nobody listens any more; and again.
    void refuse() {
        const std::scoped_lock lock(mutex_);
        for (auto& each : pairs_) close_pair(each);
        pairs_.clear();
        if (listener_ >= 0) ::close(listener_);
        listener_ = -1;
    }
    void accept() {
        const std::scoped_lock lock(mutex_);
        if (listener_ < 0) listener_ = listening(port_);
    }
    // The server's next answer is not handed on: its connection is ended instead. Once.
    void swallow_next_answer() { swallow_ = true; }

 private:
    struct pair {
        int client, server;
    };
    static sockaddr_in loopback(int port) {
        sockaddr_in out{};
        out.sin_family = AF_INET;
        out.sin_port = htons(static_cast<std::uint16_t>(port));
        out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return out;
    }
    static int listening(int port) {
        const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int yes = 1;
        ::setsockopt(out, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        const auto at = loopback(port);
        if (::bind(out, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
            ::listen(out, 64) != 0)
            throw std::runtime_error("the proxy cannot listen");
        return out;
    }
    static int port_of(int socket) {
        sockaddr_in at{};
        socklen_t size = sizeof at;
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size);
        return ntohs(at.sin_port);
    }
    static void close_pair(const pair& p) {
        ::close(p.client);
        ::close(p.server);
    }
    void take_client() {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto at = loopback(server_port_);
        if (::connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
            ::close(client);
            ::close(server);
            return;
        }
        pairs_.push_back({client, server});
    }
    // False: the connection has ended.
    bool hand_on(int from, int to, bool from_server) {
        char bytes[16 * 1024];
        const auto n = ::recv(from, bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        if (from_server && swallow_.exchange(false)) return false;
        for (ssize_t done = 0; done < n;) {
            const auto sent =
                ::send(to, bytes + done, static_cast<std::size_t>(n - done), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            done += sent;
        }
        return true;
    }
    void work(const std::stop_token& ended) {
        while (!ended.stop_requested()) {
            std::vector<pollfd> watched;
            {
                const std::scoped_lock lock(mutex_);
                if (listener_ >= 0) watched.push_back({listener_, POLLIN, 0});
                for (const auto& each : pairs_) {
                    watched.push_back({each.client, POLLIN, 0});
                    watched.push_back({each.server, POLLIN, 0});
                }
            }
            // Short: connections come and go under the poll.
            ::poll(watched.data(), watched.size(), 5);
            const std::scoped_lock lock(mutex_);
            const auto ready = [&](int socket) {
                for (const auto& each : watched)
                    if (each.fd == socket) return each.revents != 0;
                return false;
            };
            if (listener_ >= 0 && ready(listener_)) take_client();
            for (auto at = pairs_.begin(); at != pairs_.end();) {
                const bool stands =
                    (!ready(at->client) || hand_on(at->client, at->server, false)) &&
                    (!ready(at->server) || hand_on(at->server, at->client, true));
                if (stands) {
                    ++at;
                    continue;
                }
                close_pair(*at);
                at = pairs_.erase(at);
            }
        }
    }

    const int server_port_;
    int listener_ = -1, port_ = 0;
    std::atomic<bool> swallow_{false};
    std::mutex mutex_;
    std::list<pair> pairs_;
    std::jthread thread_;
};

}  // namespace stoa::testing
