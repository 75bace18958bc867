// The client against servers of a few lines on real loopback sockets: what they do wrong is a clear
// error, and nothing that may have acted is asked twice.
#include "transport/http/client.hpp"

#include "runtime/supervisor.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace stoa::http {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// What a test's server does with one connection.
class peer {
 public:
    peer(int fd, const std::atomic<bool>& over) : fd_(fd), over_(over) {}
    ~peer() { close(); }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    // A whole request with its body; empty when the client has closed or the test is over.
    std::string read() {
        for (;;) {
            const auto head = in_.find("\r\n\r\n");
            if (head != std::string::npos) {
                std::size_t length = 0;
                if (const auto at = in_.find("Content-Length: "); at < head)
                    length = std::stoul(in_.substr(at + 16));
                if (in_.size() >= head + 4 + length) {
                    auto out = in_.substr(0, head + 4 + length);
                    in_.erase(0, out.size());
                    return out;
                }
            }
            if (!wait_for(POLLIN)) return {};
            char bytes[4096];
            const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
            if (n <= 0) return {};
            in_.append(bytes, static_cast<std::size_t>(n));
        }
    }
    void write(std::string_view bytes) {
        while (!bytes.empty() && wait_for(POLLOUT)) {
            const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    // Until the client closes: true. Until the test is over: false.
    bool wait_for_close() { return read().empty() && !over_; }

 private:
    bool wait_for(short what) const {
        while (!over_) {
            pollfd on{.fd = fd_, .events = what, .revents = 0};
            if (::poll(&on, 1, 10) > 0) return true;
        }
        return false;
    }
    int fd_;
    const std::atomic<bool>& over_;
    std::string in_;
};

// Calls `serve` with the number of each connection, on a thread of its own.
class small_server {
 public:
    explicit small_server(std::function<void(peer&, int)> serve) : serve_(std::move(serve)) {
        fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
            ::listen(fd_, 64) != 0 ||
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
            throw std::runtime_error("no listener");
        port_ = ntohs(at.sin_port);
        accepting_ = std::jthread([this] { accept_all(); });
    }
    ~small_server() {
        over_ = true;
        accepting_.join();
        serving_.clear();
        ::close(fd_);
    }
    std::string url(std::string_view target = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
    }
    int connections() const { return connections_; }

 private:
    void accept_all() {
        while (!over_) {
            pollfd on{.fd = fd_, .events = POLLIN, .revents = 0};
            if (::poll(&on, 1, 10) <= 0) continue;
            const int fd = ::accept(fd_, nullptr, nullptr);
            if (fd < 0) continue;
            const int n = connections_++;
            serving_.emplace_back([this, fd, n] {
                peer one(fd, over_);
                serve_(one, n);
            });
        }
    }
    std::function<void(peer&, int)> serve_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> over_ = false;
    std::atomic<int> connections_ = 0;
    std::vector<std::jthread> serving_;
    std::jthread accepting_;
};

class client_test : public ::testing::Test {
 protected:
    result<http_response> send(http_request what, milliseconds deadline = 10s) {
        if (!client_) client_.emplace(io.on(), settings);
        return io.run([&] { return client_->send(what, deadline); });
    }
    result<http_response> get(const std::string& url, milliseconds deadline = 10s) {
        return send({.url = url}, deadline);
    }
    // Drives the loop until another thread has done what is waited for.
    bool see(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) return false;
            io.on().run_for(1ms);
        }
        return true;
    }
    static std::string code_of(const result<http_response>& of) {
        return of ? "answered " + std::to_string(of->status) : of.error().code;
    }

    stoa::testing::test_loop io;
    client_settings settings;
    std::optional<async_client> client_;
};

TEST_F(client_test, a_request_goes_out_as_asked_and_its_answer_comes_back_whole) {
    std::mutex mutex;
    std::string got;
    small_server at([&](peer& with, int) {
        const auto text = with.read();
        const std::scoped_lock lock(mutex);
        got = text;
        with.write("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-Kind: good\r\n\r\nhello");
    });
    const auto answer = send({.method = "POST",
                              .url = at.url("/v1/traces?x=1%20a"),
                              .headers = {{"Content-Type", "application/json"}},
                              .body = "{}"});
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->status, 201);
    EXPECT_EQ(answer->body, "hello");
    EXPECT_EQ(answer->find("x-kind"), "good");
    const std::scoped_lock lock(mutex);
    EXPECT_TRUE(got.starts_with("POST /v1/traces?x=1%20a HTTP/1.1\r\nHost: 127.0.0.1:")) << got;
    EXPECT_NE(got.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
    EXPECT_TRUE(got.ends_with("Content-Length: 2\r\n\r\n{}")) << got;
}

TEST_F(client_test, a_name_is_looked_up) {
    small_server at([](peer& with, int) {
        with.read();
        with.write(good);
    });
    auto url = at.url();
    url.replace(7, 9, "localhost");
    EXPECT_EQ(code_of(get(url)), "answered 200");
    EXPECT_EQ(code_of(get("http://no-such-host.invalid/")), "no_connection");
}

TEST_F(client_test, chunks_interim_answers_and_answers_that_end_with_the_connection_are_read) {
    small_server at([](peer& with, int n) {
        with.read();
        if (n == 0)
            with.write(
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"
                "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        else with.write("HTTP/1.1 200 OK\r\n\r\nto the end");
    });
    auto answer = get(at.url());
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "abcde");
    answer = get(at.url());
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "to the end");
    EXPECT_EQ(client_->idle_connections(), 0);
}

TEST_F(client_test, head_has_no_body_whatever_its_length_says) {
    small_server at([](peer& with, int) {
        while (!with.read().empty()) with.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    });
    EXPECT_EQ(code_of(send({.method = "HEAD", .url = at.url()})), "answered 200");
    EXPECT_EQ(code_of(send({.method = "HEAD", .url = at.url()})), "answered 200");
    EXPECT_EQ(at.connections(), 1);
}

TEST_F(client_test, a_kept_alive_connection_serves_the_next_request) {
    small_server at([](peer& with, int) {
        while (!with.read().empty()) with.write(good);
    });
    for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(at.connections(), 1);
    EXPECT_EQ(client_->idle_connections(), 1);
}

TEST_F(client_test, calls_side_by_side_have_connections_of_their_own_and_few_stay) {
    settings.idle_per_origin = 2;
    std::mutex mutex;
    std::condition_variable all_here;
    int here = 0;
    small_server at([&](peer& with, int) {
        with.read();
        std::unique_lock lock(mutex);
        ++here;
        all_here.notify_all();
        all_here.wait_for(lock, 10s, [&] { return here == 5; });
        lock.unlock();
        with.write(good);
        with.wait_for_close();
    });
    client_.emplace(io.on(), settings);
    int answered = 0;
    for (int i = 0; i < 5; ++i)
        io.spawn([&]() -> task<> {
            const auto answer = co_await client_->send({.url = at.url()}, 10s);
            answered += answer.has_value();
        });
    ASSERT_TRUE(io.run_until([&] { return answered == 5; }, 20s));
    EXPECT_EQ(at.connections(), 5);
    EXPECT_EQ(client_->idle_connections(), 2);
}

TEST_F(client_test, calls_beyond_the_limit_of_an_origin_are_refused) {
    settings.connections_per_origin = 1;
    std::atomic<bool> asked = false;
    small_server at([&](peer& with, int) {
        with.read();
        asked = true;
        with.wait_for_close();
    });
    client_.emplace(io.on(), settings);
    bool ended = false;
    io.spawn([&]() -> task<> {
        (void)co_await client_->send({.url = at.url()}, 500ms);
        ended = true;
    });
    ASSERT_TRUE(see([&] { return asked.load(); }));
    EXPECT_EQ(code_of(get(at.url())), "too_many_connections");
    ASSERT_TRUE(io.run_until([&] { return ended; }, 10s));
    EXPECT_EQ(at.connections(), 1);
}

TEST_F(client_test, an_old_idle_connection_is_not_used_again) {
    settings.idle_for = 0ms;
    small_server at([](peer& with, int) {
        while (!with.read().empty()) with.write(good);
    });
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(at.connections(), 2);
}

TEST_F(client_test, a_connection_closed_between_requests_is_replaced) {
    std::atomic<int> closed = 0;
    small_server at([&](peer& with, int) {
        with.read();
        with.write(good);
        with.close();
        ++closed;
    });
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    ASSERT_TRUE(see([&] { return closed == 1; }));
    EXPECT_EQ(code_of(send({.method = "POST", .url = at.url(), .body = "x"})), "answered 200");
    EXPECT_EQ(at.connections(), 2);
}

TEST_F(client_test, what_is_idempotent_is_asked_again_when_a_kept_connection_closes_unanswered) {
    std::atomic<int> requests = 0;
    small_server at([&](peer& with, int n) {
        with.read();
        ++requests;
        with.write(good);
        if (n > 0) return;
        with.read();  // the second request on the first connection: gone without a word
        ++requests;
    });
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(requests, 3);
    EXPECT_EQ(at.connections(), 2);
}

TEST_F(client_test, what_is_not_idempotent_is_never_asked_twice) {
    std::atomic<int> requests = 0;
    small_server at([&](peer& with, int) {
        with.read();
        ++requests;
        with.write(good);
        with.read();
        ++requests;
    });
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(code_of(send({.method = "POST", .url = at.url(), .body = "pay"})), "connection_lost");
    EXPECT_EQ(requests, 2);
    EXPECT_EQ(at.connections(), 1);
}

TEST_F(client_test, a_fresh_connection_that_closes_unanswered_is_not_tried_again) {
    small_server at([](peer& with, int) { with.read(); });
    EXPECT_EQ(code_of(get(at.url())), "connection_lost");
    EXPECT_EQ(at.connections(), 1);
}

TEST_F(client_test, an_answer_that_began_is_not_asked_for_again) {
    small_server at([](peer& with, int) {
        with.read();
        with.write(good);
        with.read();
        with.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    });
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
    EXPECT_EQ(code_of(get(at.url())), "connection_lost");
    EXPECT_EQ(at.connections(), 1);
}

TEST_F(client_test, a_slow_server_is_a_timeout_wherever_it_stops) {
    for (const std::string_view first :
         {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha"}) {
        std::atomic<bool> let_go = false;
        small_server at([&](peer& with, int) {
            with.read();
            with.write(first);
            let_go = with.wait_for_close();
        });
        const auto began = std::chrono::steady_clock::now();
        const auto answer = get(at.url(), 50ms);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, errc::timeout) << answer.error().detail;
        EXPECT_GE(std::chrono::steady_clock::now() - began, 50ms);
        EXPECT_TRUE(see([&] { return let_go.load(); })) << "the connection stays open";
        EXPECT_EQ(client_->idle_connections(), 0);
    }
}

TEST_F(client_test, a_server_that_does_not_read_is_a_timeout) {
    // Accepted by the kernel, read by nobody: the backlog of a listener that never accepts.
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof to;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&to), &size), 0);
    const auto answer = send({.method = "POST",
                              .url = "http://127.0.0.1:" + std::to_string(ntohs(to.sin_port)) + "/",
                              .body = std::string(32 << 20, 'x')},
                             100ms);
    ::close(fd);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "no_answer_in_time");
}

TEST_F(client_test, an_oversized_answer_is_refused_whether_its_length_is_told_or_not) {
    settings.answer_limit_bytes = 1'000;
    small_server at([](peer& with, int n) {
        with.read();
        if (n == 0) with.write("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
        else if (n == 1)
            with.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                       std::string(1'001, 'x'));
        else
            with.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1'000, 'x'));
        with.wait_for_close();
    });
    EXPECT_EQ(code_of(get(at.url())), "answer_too_large");
    EXPECT_EQ(code_of(get(at.url())), "answer_too_large");
    EXPECT_EQ(code_of(get(at.url())), "answered 200");
}

TEST_F(client_test, a_malformed_answer_is_told_so_and_its_connection_closed) {
    const std::vector<std::string> wrong{
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x'),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(60'000, 'x')};
    for (const auto& each : wrong) {
        small_server at([&](peer& with, int) {
            with.read();
            with.write(each);
            with.wait_for_close();
        });
        const auto answer = get(at.url());
        EXPECT_EQ(code_of(answer), "answer_malformed") << each.substr(0, 60);
        EXPECT_EQ(client_->idle_connections(), 0);
    }
}

TEST_F(client_test, bytes_behind_an_answer_are_not_the_next_one) {
    small_server at([](peer& with, int) {
        with.read();
        with.write(std::string(good) + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
        with.wait_for_close();
    });
    EXPECT_EQ(get(at.url())->body, "ok");
    EXPECT_EQ(get(at.url())->body, "ok");
    EXPECT_EQ(at.connections(), 2);
}

TEST_F(client_test, a_refused_connection_names_its_address) {
    std::string url;
    {
        small_server gone([](peer&, int) {});
        url = gone.url();
    }
    const auto answer = get(url);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, errc::unavailable);
    EXPECT_EQ(answer.error().code, "no_connection");
    EXPECT_NE(answer.error().detail.find(url.substr(7, url.size() - 8)), std::string::npos)
        << answer.error().detail;
}

TEST_F(client_test, what_cannot_be_sent_is_said_before_anything_is) {
    const auto code = [&](http_request what) { return code_of(send(std::move(what))); };
    for (const auto bad : {"", "nonsense", "/path", "http://", "http:///x", "http://a:70000/",
                           "http://a b/", "http://user:secret@host/"})
        EXPECT_EQ(code({.url = bad}), "url_ill_formed") << bad;
    EXPECT_EQ(code({.url = "ftp://collector/"}), "scheme_not_supported");
    const std::string url = "http://127.0.0.1:1/";
    EXPECT_EQ(code({.method = "GET /x HTTP/1.1\r\n", .url = url}), "request_ill_formed");
    EXPECT_EQ(code({.url = url, .headers = {{"X", "a\r\nY: b"}}}), "request_ill_formed");
    EXPECT_EQ(code({.url = url, .headers = {{"X: a\r\nY", "b"}}}), "request_ill_formed");
    EXPECT_EQ(code({.url = url, .headers = {{"content-length", "3"}}}), "request_ill_formed");
    EXPECT_TRUE(check_url("http://[::1]:4318"));
    EXPECT_FALSE(check_url("http://[::1"));
}

TEST_F(client_test, a_cancelled_call_ends_at_once_and_closes_its_connection) {
    std::atomic<bool> asked = false, let_go = false;
    small_server at([&](peer& with, int) {
        with.read();
        asked = true;
        let_go = with.wait_for_close();
    });
    client_.emplace(io.on(), settings);
    supervisor tasks(io.on());
    bool aborted = false, answered = false;
    tasks.spawn("call", [&]() -> task<> {
        try {
            (void)co_await client_->send({.url = at.url()}, 60s);
            answered = true;
        } catch (const boost::system::system_error& e) {
            aborted = e.code() == asio::error::operation_aborted;
        }
    });
    ASSERT_TRUE(see([&] { return asked.load(); }));
    io.run([&] { return tasks.stop(); }, 5s);
    EXPECT_TRUE(aborted);
    EXPECT_FALSE(answered);
    EXPECT_TRUE(see([&] { return let_go.load(); }));
    EXPECT_EQ(client_->idle_connections(), 0);
}

}  // namespace
}  // namespace stoa::http
