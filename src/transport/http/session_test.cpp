// The server over real loopback sockets: what two readers of the same bytes could disagree on is
// refused, limits hold, and no request that was taken is lost on the way down.
#include "transport/http/server.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

namespace stoa::http {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using gate_timer =
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>;

// Answers with what it got. /gate waits until the test opens it, /big has 8 MiB, /stream counts its
// upload.
class echo final : public handler {
 public:
    explicit echo(loop& on) : gate_(on, gate_timer::time_point::max()) {
        upload_.method = verb::post;
        upload_.path = "/stream";
        upload_.body_limit_bytes = 4 << 20;
        upload_.stream = [](request_context, exchange&, route::parameters) -> task<> { co_return; };
        download_.path = "/download";
    }
    task<response> handle(request in) override {
        ++handled;
        if (in.path == "/gate") {
            ++waiting;
            boost::system::error_code woken;
            co_await gate_.async_wait(asio::redirect_error(use_task, woken));
        }
        response out;
        if (in.path == "/big") out.set_body(std::string(8 << 20, 'x'));
        else if (in.path == "/packed") {
            out.headers.push_back({"Content-Encoding", "br"});
            out.set_body(std::string(8 << 20, 'x'));
        } else out.set_body(in.body.empty() ? in.path : in.body);
        co_return out;
    }
    const route* streams(const request& head) override {
        if (head.path == "/download") return &download_;
        return head.path == "/stream" ? &upload_ : nullptr;
    }
    task<> handle_stream(const route& to, exchange& with) override {
        if (&to == &download_) {
            (void)co_await with.begin({.content_type = "text/csv"});
            (void)co_await with.write_chunk("one,");
            (void)co_await with.write_chunk("two");
            (void)co_await with.finish();
            co_return;
        }
        std::size_t total = 0;
        for (;;) {
            auto chunk = co_await with.read_chunk();
            if (!chunk) {
                (void)co_await with.answer(problem_response(chunk.error(), ""));
                co_return;
            }
            if (chunk->empty()) break;
            total += chunk->size();
        }
        response out;
        out.set_body(std::to_string(total));
        (void)co_await with.answer(std::move(out));
    }
    response refuse(const error& why, int status, const request& head) override {
        const auto given = head.find("x-request-id");
        return problem_response(why, given.empty() ? "made" : given, status);
    }
    void open_gate() { gate_.cancel(); }

    std::atomic<int> handled = 0, waiting = 0;

 private:
    gate_timer gate_;
    route upload_, download_;
};

class client {
 public:
    explicit client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
            throw std::runtime_error("connect");
    }
    client(client&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {}
    ~client() {
        if (fd_ >= 0) ::close(fd_);
    }
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    void half_close() const { ::shutdown(fd_, SHUT_WR); }
    // Everything until the server closes, `enough` holds, or five seconds are over.
    std::string read(const std::function<bool(const std::string&)>& enough = [](const auto&) {
        return false;
    }) {
        std::string out;
        const auto end = steady::now() + 5s;
        closed = false;
        while (!enough(out) && steady::now() < end) {
            pollfd one{fd_, POLLIN, 0};
            if (::poll(&one, 1, 100) <= 0) continue;
            char piece[65536];
            const auto n = ::recv(fd_, piece, sizeof piece, 0);
            if (n <= 0) {
                closed = true;
                break;
            }
            out.append(piece, static_cast<std::size_t>(n));
        }
        return out;
    }
    bool closed = false;

 private:
    int fd_;
};

bool has_head(const std::string& text) { return text.find("\r\n\r\n") != std::string::npos; }
std::size_t count_of(const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size()))
        ++n;
    return n;
}
int status_of(const std::string& text) {
    return text.size() > 12 ? std::stoi(text.substr(9, 3)) : 0;
}

class running_server {
 public:
    explicit running_server(limits bounds)
        : loops_(1), handler_(loops_.at(0)), server_(loops_, bounds) {
        if (auto listening = server_.listen("127.0.0.1", 0, {&handler_}); !listening)
            throw std::runtime_error(listening.error().detail);
        thread_ = std::jthread([this] { loops_.run(); });
    }
    ~running_server() {
        drain(200ms);
        loops_.stop();
    }
    client connect() { return client(server_.port()); }
    // Sends all at once and reads to the end of the connection.
    std::string ask(std::string_view bytes) {
        auto one = connect();
        one.send(bytes);
        auto out = one.read();
        EXPECT_TRUE(one.closed) << "the server kept the connection open";
        return out;
    }
    void drain(std::chrono::milliseconds grace) { start_drain(grace).wait(); }
    std::future<void> start_drain(std::chrono::milliseconds grace) {
        return asio::co_spawn(loops_.at(0), server_.drain(grace), asio::use_future);
    }
    void open_gate() {
        asio::post(loops_.at(0), [this] { handler_.open_gate(); });
    }
    bool eventually(const std::function<bool()>& holds) {
        const auto end = steady::now() + 30s;
        while (!holds()) {
            if (steady::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }
    echo& requests() { return handler_; }
    int connections() const { return server_.connections(); }

 private:
    loop_set loops_;
    echo handler_;
    server server_;
    std::jthread thread_;
};

limits quick() {
    return {.header_timeout = 300ms,
            .body_timeout = 300ms,
            .idle_timeout = 300ms,
            .write_timeout = 500ms};
}

// --- what is refused
// ----------------------------------------------------------------------------------------

struct bad_request {
    std::string name, bytes;
    int status = 400;
};

std::string post_with(const std::string& headers, const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

std::vector<bad_request> smuggling_cases() {
    const std::string get = "GET /x HTTP/1.1\r\n", chunked = "Transfer-Encoding: chunked\r\n",
                      zero = "0\r\n\r\n";
    std::vector<bad_request> out{
        {"length_and_encoding", post_with("Content-Length: 5\r\n" + chunked, zero)},
        {"encoding_and_length", post_with(chunked + "Content-Length: 5\r\n", zero)},
        {"two_lengths_that_differ",
         post_with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")},
        {"two_lengths_that_agree",
         post_with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
        {"list_of_lengths", post_with("Content-Length: 5, 5\r\n", "hello")},
        {"plus_before_length", post_with("Content-Length: +5\r\n", "hello")},
        {"minus_before_length", post_with("Content-Length: -5\r\n", "hello")},
        {"hexadecimal_length", post_with("Content-Length: 0x5\r\n", "hello")},
        {"fraction_of_a_length", post_with("Content-Length: 5.0\r\n", "hello")},
        {"empty_length", post_with("Content-Length:\r\n", "hello")},
        {"length_with_a_space_within", post_with("Content-Length: 5 5\r\n", "hello")},
        {"length_over_64_bits", post_with("Content-Length: 99999999999999999999\r\n", "hello")},
        {"length_of_letters", post_with("Content-Length: five\r\n", "hello")},
        {"space_before_colon_of_length", post_with("Content-Length : 5\r\n", "hello")},
        {"two_encodings", post_with(chunked + chunked, zero)},
        {"chunked_then_identity", post_with("Transfer-Encoding: chunked, identity\r\n", zero)},
        {"identity_then_chunked", post_with("Transfer-Encoding: identity, chunked\r\n", zero)},
        {"gzip_then_chunked", post_with("Transfer-Encoding: gzip, chunked\r\n", zero)},
        {"chunked_twice_in_one", post_with("Transfer-Encoding: chunked, chunked\r\n", zero)},
        {"identity", post_with("Transfer-Encoding: identity\r\n", "hello")},
        {"unknown_encoding", post_with("Transfer-Encoding: xchunked\r\n", zero)},
        {"quoted_encoding", post_with("Transfer-Encoding: \"chunked\"\r\n", zero)},
        {"empty_encoding", post_with("Transfer-Encoding:\r\n", zero)},
        {"encoding_with_parameter", post_with("Transfer-Encoding: chunked;q=1\r\n", zero)},
        {"encoding_with_vertical_tab", post_with("Transfer-Encoding: \vchunked\r\n", zero)},
        {"space_before_colon_of_encoding", post_with("Transfer-Encoding : chunked\r\n", zero)},
        {"encoding_hidden_after_bare_cr", post_with("X: y\rTransfer-Encoding: chunked\r\n", zero)},
        {"encoding_in_http_1_0", "POST /echo HTTP/1.0\r\nHost: a\r\n" + chunked + "\r\n" + zero},
        {"folded_header", get + "Host: a\r\nX: one\r\n two\r\n\r\n"},
        {"folded_with_a_tab", get + "Host: a\r\nX: one\r\n\ttwo\r\n\r\n"},
        {"folded_encoding", post_with("Transfer-Encoding:\r\n chunked\r\n", zero)},
        {"folded_first_header", get + " Host: a\r\n\r\n"},
        {"bare_lf_after_the_start", "GET /x HTTP/1.1\nHost: a\r\n\r\n"},
        {"bare_lf_between_headers", get + "Host: a\nX: y\r\n\r\n"},
        {"bare_cr_in_a_value", get + "Host: a\r\nX: a\rb\r\n\r\n"},
        {"nul_in_a_value", get + "Host: a\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n"},
        {"nul_in_a_name", get + "Host: a\r\nX" + std::string(1, '\0') + ": b\r\n\r\n"},
        {"nul_in_the_target", "GET /x" + std::string(1, '\0') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"space_in_a_name", get + "Host: a\r\nX Y: b\r\n\r\n"},
        {"empty_name", get + "Host: a\r\n: b\r\n\r\n"},
        {"no_colon", get + "Host: a\r\nnonsense\r\n\r\n"},
        {"no_host", get + "\r\n"},
        {"two_hosts", get + "Host: a\r\nHost: b\r\n\r\n"},
        {"two_hosts_that_agree", get + "Host: a\r\nHost: a\r\n\r\n"},
        {"host_with_a_path", get + "Host: a/b\r\n\r\n"},
        {"host_with_a_user", get + "Host: u@a\r\n\r\n"},
        {"host_with_a_comma", get + "Host: a, b\r\n\r\n"},
        {"host_with_a_space", get + "Host: a b\r\n\r\n"},
        {"absolute_form", "GET http://other/x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"authority_form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"asterisk_form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"two_spaces_in_the_start", "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"tab_in_the_start", "GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"http_0_9", "GET /x\r\n\r\n"},
        {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"http_1_2", "GET /x HTTP/1.2\r\nHost: a\r\n\r\n"},
        {"lower_case_protocol", "GET /x http/1.1\r\nHost: a\r\n\r\n"},
        {"no_protocol_name", "GET /x ABCD/1.1\r\nHost: a\r\n\r\n"},
        {"tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n"},
        {"bad_escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"cut_escape", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"nul_escape", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"line_end_escape", "GET /%0d%0aX:y HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"bytes_that_are_no_utf8", "GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"fragment", "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n"},
    };
    for (const auto& [name, size] : std::initializer_list<std::pair<const char*, std::string>>{
             {"letters", "xyz"},
             {"minus", "-1"},
             {"plus", "+1"},
             {"prefix", "0x1"},
             {"space", " 1"},
             {"empty", ""},
             {"over_64_bits", "fffffffffffffffff"},
             {"semicolon_only", ";"},
             {"bare_lf", "1\n"}})
        out.push_back(
            {std::string("chunk_size_") + name, post_with(chunked, size + "\r\na\r\n0\r\n\r\n")});
    out.push_back({"chunk_longer_than_its_size", post_with(chunked, "1\r\nab\r\n0\r\n\r\n")});
    out.push_back({"chunk_without_its_end", post_with(chunked, "1\r\na0\r\n\r\n\r\n")});
    return out;
}

class refuses : public ::testing::TestWithParam<bad_request> {};

TEST_P(refuses, with_400_and_closes_and_serves_nothing) {
    static running_server shared({.header_timeout = 2s, .body_timeout = 2s});
    const int before = shared.requests().handled;
    // A second request behind it is what smuggling would get served.
    const auto answer = shared.ask(GetParam().bytes + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(answer), GetParam().status) << answer;
    EXPECT_EQ(count_of(answer, "\r\nDate: "), 1U) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
    EXPECT_EQ(answer.find("smuggled"), std::string::npos);
    EXPECT_EQ(shared.requests().handled, before);
}
INSTANTIATE_TEST_SUITE_P(server, refuses, ::testing::ValuesIn(smuggling_cases()),
                         [](const auto& one) { return one.param.name; });

// --- limits
// -------------------------------------------------------------------------------------------------

TEST(session_limits, headers_end_at_their_limit_with_431) {
    running_server with({.header_bytes = 1024});
    const std::string start = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ";
    const auto sized = [&](std::size_t total) {
        return start + std::string(total - start.size() - 4, 'y') + "\r\n\r\n";
    };
    EXPECT_EQ(status_of(with.ask(sized(1024))), 200);
    EXPECT_EQ(status_of(with.ask(sized(1100))), 431);
    EXPECT_EQ(status_of(with.ask(sized(100'000))), 431);
    EXPECT_EQ(status_of(with.ask("GET /" + std::string(5'000, 'a'))), 431)
        << "a line that never ends";
}

TEST(session_limits, a_hundred_headers_pass_and_one_more_is_431) {
    running_server with({});
    const auto many = [](int n) {
        std::string out = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        for (int i = 2; i < n; ++i) out += "X" + std::to_string(i) + ": y\r\n";
        return out + "\r\n";
    };
    EXPECT_EQ(status_of(with.ask(many(100))), 200);
    EXPECT_EQ(status_of(with.ask(many(101))), 431);
}

TEST(session_limits, a_target_ends_at_8_kib_with_414) {
    running_server with({});
    const auto target = [](std::size_t n) {
        return "GET /" + std::string(n - 1, 'a') +
               " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    };
    EXPECT_EQ(status_of(with.ask(target(8 * 1024))), 200);
    EXPECT_EQ(status_of(with.ask(target(8 * 1024 + 1))), 414);
}

TEST(session_limits, a_body_ends_at_1_mib_with_413_and_the_client_reads_why) {
    running_server with({});
    const auto sized = [](std::size_t n) {
        return "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
               std::to_string(n) + "\r\n\r\n" + std::string(n, 'b');
    };
    const auto whole = with.ask(sized(1 << 20));
    EXPECT_EQ(status_of(whole), 200);
    EXPECT_EQ(whole.size() - whole.find("\r\n\r\n") - 4, std::size_t{1} << 20);
    const auto refused = with.ask(sized((1 << 20) + 1));
    EXPECT_EQ(status_of(refused), 413);
    EXPECT_NE(refused.find("body_too_large"), std::string::npos);
}

TEST(session_limits, a_refusal_names_its_own_request_and_not_the_one_before) {
    running_server with({.body_bytes = 10, .header_bytes = 1024});
    const auto too_large =
        with.ask(post_with("X-Request-Id: mine\r\nContent-Length: 11\r\n", "hello world"));
    EXPECT_EQ(status_of(too_large), 413);
    EXPECT_NE(too_large.find(R"("request_id":"mine")"), std::string::npos) << too_large;
    const std::string before = "HEAD /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: before\r\n\r\n";
    for (const auto& unread :
         {std::string("GET /x HTTP/1.1\r\n\r\n"), std::string("no request\r\n\r\n"),
          "GET /x HTTP/1.1\r\nHost: a\r\nX: " + std::string(2'000, 'x') + "\r\n\r\n"}) {
        const auto answer = with.ask(before + unread);
        EXPECT_EQ(answer.find("before"), std::string::npos) << answer;
        EXPECT_NE(answer.find(R"("request_id":"made")"), std::string::npos) << answer;
    }
}

TEST(session_limits, a_chunked_body_ends_at_the_limit_too) {
    running_server with({.body_bytes = 1000});
    const auto chunks = [](int n) {
        std::string out =
            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: "
            "chunked\r\n\r\n";
        for (int i = 0; i < n; ++i) out += "64\r\n" + std::string(100, 'c') + "\r\n";
        return out + "0\r\n\r\n";
    };
    EXPECT_EQ(status_of(with.ask(chunks(10))), 200);
    EXPECT_EQ(status_of(with.ask(chunks(11))), 413);
    EXPECT_EQ(status_of(with.ask(chunks(200))), 413);
}

TEST(session_limits, a_chunk_extension_does_not_grow_without_end) {
    running_server with({.header_bytes = 1024});
    const auto answer =
        with.ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" +
                 std::string(100'000, 'y') + "\r\na\r\n0\r\n\r\n");
    EXPECT_GE(status_of(answer), 400);
    EXPECT_LT(status_of(answer), 500);
    EXPECT_EQ(with.requests().handled, 0);
}

TEST(session_limits, trailers_do_not_grow_without_end) {
    running_server with({.header_bytes = 1024});
    const auto answer =
        with.ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " +
                 std::string(100'000, 'y') + "\r\n\r\n");
    EXPECT_GE(status_of(answer), 400);
    EXPECT_LT(status_of(answer), 500);
    EXPECT_EQ(with.requests().handled, 0);
}

TEST(session_limits, connections_beyond_the_limit_get_503) {
    running_server with({.connections = 2});
    auto first = with.connect(), second = with.connect();
    ASSERT_TRUE(with.eventually([&] { return with.connections() == 2; }));
    EXPECT_EQ(status_of(with.connect().read()), 503);
    first.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(first.read(has_head)), 200);
}

// --- time
// -------------------------------------------------------------------------------------------

TEST(session_time, a_header_that_trickles_is_closed_at_its_limit) {
    running_server with(quick());
    auto one = with.connect();
    const auto began = steady::now();
    one.send("GET /x HTTP/1.1\r\nHost: ");
    while (one.send("a") && steady::now() - began < 5s) {
        one.read([end = steady::now() + 20ms](const auto&) { return steady::now() > end; });
        if (one.closed) break;
    }
    EXPECT_TRUE(one.closed);
    EXPECT_LT(steady::now() - began, 2s);
    EXPECT_EQ(with.requests().handled, 0);
}

TEST(session_time, a_connection_that_says_nothing_is_closed) {
    auto bounds = quick();
    bounds.idle_timeout = 60s;  // of a kept-alive connection: not of one that never asked
    running_server with(bounds);
    auto one = with.connect();
    EXPECT_EQ(one.read(), "");
    EXPECT_TRUE(one.closed);
}

TEST(session_time, a_body_that_does_not_come_is_closed) {
    running_server with(quick());
    auto one = with.connect();
    one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
    EXPECT_EQ(one.read(), "");
    EXPECT_TRUE(one.closed);
    EXPECT_EQ(with.requests().handled, 0);
}

TEST(session_time, an_idle_connection_is_closed_after_its_time) {
    running_server with(quick());
    auto one = with.connect();
    one.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(one.read(has_head)), 200);
    EXPECT_EQ(one.read(), "");
    EXPECT_TRUE(one.closed);
}

TEST(session_time, a_client_that_does_not_read_is_cut_off) {
    running_server with(quick());
    auto one = with.connect();
    one.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(with.eventually([&] { return with.requests().handled == 1; }));
    EXPECT_TRUE(with.eventually([&] { return with.connections() == 0; }));
}

// --- what is served
// -----------------------------------------------------------------------------------------

TEST(session, twenty_pipelined_requests_are_answered_in_order) {
    running_server with({});
    std::string all;
    for (int i = 0; i < 20; ++i)
        all += "GET /n" + std::to_string(i) + "- HTTP/1.1\r\nHost: a\r\n" +
               (i == 19 ? "Connection: close\r\n" : "") + "\r\n";
    const auto answer = with.ask(all);
    EXPECT_EQ(count_of(answer, "HTTP/1.1 200 OK"), 20U);
    std::size_t at = 0;
    for (int i = 0; i < 20; ++i) {
        at = answer.find("/n" + std::to_string(i) + "-", at);
        ASSERT_NE(at, std::string::npos) << i;
    }
}

TEST(session, a_request_sent_byte_by_byte_is_the_same_request) {
    running_server with({});
    auto one = with.connect();
    for (const char c : std::string("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                    "chunked\r\nConnection: close\r\n\r\n"
                                    "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"))
        ASSERT_TRUE(one.send({&c, 1}));
    EXPECT_TRUE(one.read().ends_with("\r\n\r\nabcde"));
}

TEST(session, http_1_0_is_answered_and_closed_unless_it_asks_to_stay) {
    running_server with({});
    EXPECT_EQ(status_of(with.ask("GET /x HTTP/1.0\r\n\r\n")), 200);
    auto stays = with.connect();
    stays.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(
        stays.read([](const auto& t) { return t.ends_with("/x"); }).find("Connection: keep-alive"),
        std::string::npos);
    EXPECT_FALSE(stays.closed);
}

TEST(session, continue_is_said_before_a_body_that_will_be_taken_only) {
    running_server with({});
    auto one = with.connect();
    one.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(one.read(has_head), "HTTP/1.1 100 Continue\r\n\r\n");
    one.send("ok");
    EXPECT_EQ(status_of(one.read(has_head)), 200);
    EXPECT_EQ(status_of(with.ask("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: "
                                 "100-continue\r\nContent-Length: 9999999\r\n\r\n")),
              413);
}

TEST(session, head_has_the_length_and_no_body) {
    running_server with({});
    const auto answer = with.ask("HEAD /abc HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_NE(answer.find("Content-Length: 4"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST(session, large_answers_are_packed_for_those_who_take_gzip) {
    running_server with({});
    const auto ask = [&](const std::string& accepts) {
        return with.ask("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + accepts + "\r\n");
    };
    const auto packed = ask("Accept-Encoding: br, gzip\r\n");
    EXPECT_NE(packed.find("Content-Encoding: gzip"), std::string::npos);
    EXPECT_LT(packed.size(), 100'000U);
    EXPECT_GT(ask("").size(), std::size_t{8} << 20);
    EXPECT_GT(ask("Accept-Encoding: gzip;q=0\r\n").size(), std::size_t{8} << 20)
        << "q=0 means: not gzip";
    EXPECT_NE(ask("Accept-Encoding: gzip;q=0.5\r\n").find("Content-Encoding: gzip"),
              std::string::npos);
}

TEST(session, what_comes_packed_is_not_packed_again) {
    running_server with({});
    const auto answer = with.ask(
        "GET /packed HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Encoding: br, "
        "gzip\r\n\r\n");
    EXPECT_NE(answer.find("Content-Encoding: br"), std::string::npos);
    EXPECT_EQ(answer.find("Content-Encoding: gzip"), std::string::npos);
    EXPECT_GT(answer.size(), std::size_t{8} << 20);
}

TEST(session, data_says_that_it_is_no_page) {
    running_server with({});
    const auto answer = with.ask("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for (const auto* header :
         {"X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
          "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
          "Cross-Origin-Resource-Policy: same-origin"})
        EXPECT_EQ(count_of(answer, header), 1U) << header;
}

TEST(session, a_client_that_half_closes_still_gets_its_answer) {
    running_server with({});
    auto one = with.connect();
    one.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    one.half_close();
    EXPECT_TRUE(one.read().ends_with("/half"));
    EXPECT_TRUE(one.closed);
}

TEST(session, a_client_that_goes_away_costs_nothing) {
    running_server with({});
    for (int i = 0; i < 50; ++i) with.connect().send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(
        with.eventually([&] { return with.requests().handled == 50 && with.connections() == 0; }));
    EXPECT_EQ(status_of(with.ask("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), 200);
}

TEST(session, a_thousand_connections_are_served_side_by_side) {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8'192);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
    ASSERT_GE(files.rlim_cur, 2'200U) << "raise the limit of open files (ulimit -n)";
    running_server with({});
    std::vector<client> all;
    for (int i = 0; i < 1'000; ++i) all.push_back(with.connect());
    ASSERT_TRUE(with.eventually([&] { return with.connections() == 1'000; }));
    for (int i = 0; i < 1'000; ++i)
        ASSERT_TRUE(all[static_cast<std::size_t>(i)].send("GET /c HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (auto& each : all)
        ASSERT_EQ(status_of(each.read([](const auto& t) { return t.ends_with("/c"); })), 200);
}

// --- streams
// ------------------------------------------------------------------------------------------------

TEST(session_stream, an_upload_larger_than_a_body_may_be_is_read_in_pieces) {
    running_server with({});
    const std::size_t size = 3 << 20;
    auto one = with.connect();
    one.send("POST /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
             std::to_string(size) + "\r\n\r\n" + std::string(size, 'u'));
    EXPECT_TRUE(one.read().ends_with("\r\n\r\n" + std::to_string(size)));
}

TEST(session_stream, an_upload_over_its_limit_is_told_so) {
    running_server with({});
    EXPECT_EQ(
        status_of(with.ask("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 4194305\r\n\r\n" +
                           std::string(1 << 20, 'u'))),
        413);
}

TEST(session_stream, an_empty_upload_ends_at_once) {
    running_server with({});
    EXPECT_TRUE(with.ask("POST /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: "
                         "0\r\n\r\n")
                    .ends_with("\r\n\r\n0"));
}

TEST(session_stream, a_download_is_chunked_for_1_1_plain_for_1_0_and_bodyless_for_head) {
    running_server with({});
    const auto modern = with.ask("GET /download HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(modern.ends_with("4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n")) << modern;
    const auto old = with.ask("GET /download HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(old.ends_with("\r\n\r\none,two")) << old;
    EXPECT_EQ(old.find("Transfer-Encoding"), std::string::npos);
    EXPECT_TRUE(with.ask("HEAD /download HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    .ends_with("\r\n\r\n"));
}

// --- the way down
// -------------------------------------------------------------------------------------------

TEST(session_drain, what_is_in_work_is_answered_and_idle_connections_close) {
    running_server with({});
    auto idle = with.connect(), busy = with.connect();
    idle.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(idle.read(has_head)), 200);
    busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(with.eventually([&] { return with.requests().waiting == 1; }));
    auto drained = with.start_drain(10s);
    EXPECT_EQ(idle.read(), "");
    EXPECT_TRUE(idle.closed);
    EXPECT_EQ(drained.wait_for(0s), std::future_status::timeout)
        << "the drain waits for what is in work";
    with.open_gate();
    const auto answer = busy.read();
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(busy.closed);
    EXPECT_EQ(drained.wait_for(5s), std::future_status::ready);
}

TEST(session_drain, what_is_in_work_past_the_grace_is_cut) {
    running_server with({});
    auto busy = with.connect();
    busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(with.eventually([&] { return with.requests().waiting == 1; }));
    auto drained = with.start_drain(100ms);
    EXPECT_EQ(busy.read(), "");
    with.open_gate();
    EXPECT_EQ(drained.wait_for(5s), std::future_status::ready);
}

TEST(session_drain, nobody_is_let_in_any_more) {
    running_server with({});
    auto early = with.connect();
    with.drain(1s);
    EXPECT_EQ(early.read(), "");
    EXPECT_THROW(with.connect(), std::runtime_error);
}

}  // namespace
}  // namespace stoa::http
