#include "transport/http/client_stream.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <charconv>
#include <chrono>
#include <vector>

#include <sys/socket.h>

namespace stoa::http {
namespace {

using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;
using tcp_socket = asio::basic_stream_socket<tcp, loop::executor_type>;
using resolver = asio::ip::basic_resolver<tcp, loop::executor_type>;
using steady = std::chrono::steady_clock;
using signal_timer =
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>;

class tcp_stream final : public byte_stream {
 public:
    explicit tcp_stream(loop& on) : socket_(on) {}

    task<error_code> open(tcp::endpoint to) {
        error_code error;
        socket_.close(error);
        co_await socket_.async_connect(to, asio::redirect_error(use_task, error));
        if (!error) socket_.set_option(tcp::no_delay(true), error);
        co_return error;
    }
    task<error_code> write(std::string bytes) override {
        error_code error;
        co_await asio::async_write(socket_, asio::buffer(bytes),
                                   asio::redirect_error(use_task, error));
        co_return error;
    }
    task<outcome> read_some(asio::mutable_buffer room) override {
        error_code error;
        const auto got =
            co_await socket_.async_read_some(room, asio::redirect_error(use_task, error));
        co_return outcome{error, got};
    }
    bool quiet() override {
        char one = 0;
        const auto got = ::recv(socket_.native_handle(), &one, sizeof one, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }

 private:
    tcp_socket socket_;
};

// A name look-up runs on a thread of Asio's and cannot be stopped: who gives up leaves it behind,
// and it owns what it needs to end later.
struct look_up {
    explicit look_up(loop& on) : resolving(on), ended(on, signal_timer::time_point::max()) {}
    resolver resolving;
    signal_timer ended;
    bool done = false;
    error_code error;
    std::vector<tcp::endpoint> found;
};

task<std::pair<error_code, std::vector<tcp::endpoint>>> find_addresses(
    loop& on, origin to, std::shared_ptr<call_cut> cut) {
    error_code error;
    std::uint16_t port = 0;
    const auto* end = to.port.data() + to.port.size();
    if (std::from_chars(to.port.data(), end, port).ptr != end)
        co_return std::pair(error_code(asio::error::service_not_found),
                            std::vector<tcp::endpoint>());
    const auto address = asio::ip::make_address(to.host, error);
    if (!error) co_return std::pair(error, std::vector{tcp::endpoint(address, port)});
    const auto asked = std::make_shared<look_up>(on);
    asked->resolving.async_resolve(to.host, to.port,
                                   [asked](error_code e, const resolver::results_type& results) {
                                       asked->error = e;
                                       for (const auto& each : results)
                                           asked->found.push_back(each.endpoint());
                                       asked->done = true;
                                       asked->ended.cancel();
                                   });
    cut->interrupt = [asked] { asked->ended.cancel(); };
    if (!asked->done) co_await asked->ended.async_wait(asio::redirect_error(use_task, error));
    if (!asked->done)
        co_return std::pair(error_code(asio::error::operation_aborted),
                            std::vector<tcp::endpoint>());
    co_return std::pair(asked->error, asked->found);
}

}  // namespace

class trust {
 public:
    trust() : context(asio::ssl::context::tls_client) {}
    asio::ssl::context context;
};

result<std::shared_ptr<trust>> load_trust(const std::string& ca_file) {
    auto out = std::make_shared<trust>();
    error_code error;
    out->context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
    if (!error) out->context.set_verify_mode(asio::ssl::verify_peer, error);
    if (!error) {
        if (ca_file.empty()) out->context.set_default_verify_paths(error);
        else out->context.load_verify_file(ca_file, error);
    }
    if (!error) return out;
    return fail(errc::invalid, "ca_file_unreadable",
                "the certificates to trust in " + (ca_file.empty() ? "the system" : ca_file) +
                    " cannot be read: " + error.message());
}

namespace {

class tls_stream final : public byte_stream {
 public:
    tls_stream(loop& on, const origin& to, std::shared_ptr<trust> by)
        : by_(std::move(by)), stream_(on, by_->context), host_(to.host) {
        error_code ignored;
        asio::ip::make_address(host_, ignored);
        // RFC 6066: a server's name is never an address.
        if (ignored) SSL_set_tlsext_host_name(stream_.native_handle(), host_.c_str());
        constexpr unsigned char http1[] = "\x08http/1.1";
        SSL_set_alpn_protos(stream_.native_handle(), http1, sizeof http1 - 1);
        stream_.set_verify_callback(asio::ssl::host_name_verification(host_));
    }

    task<error_code> open(tcp::endpoint to) {
        error_code error;
        auto& socket = stream_.next_layer();
        socket.close(error);
        co_await socket.async_connect(to, asio::redirect_error(use_task, error));
        if (error) co_return error;
        socket.set_option(tcp::no_delay(true), error);
        co_await stream_.async_handshake(asio::ssl::stream_base::client,
                                         asio::redirect_error(use_task, error));
        shaken_ = true;
        co_return error;
    }
    // A handshake is made once: after it, no other address is tried with this stream.
    bool shaken() const { return shaken_; }
    std::string refusal() const {
        const auto verdict = SSL_get_verify_result(
            const_cast<asio::ssl::stream<tcp_socket>&>(stream_).native_handle());
        if (verdict == X509_V_OK) return {};
        return "the certificate of " + host_ +
               " is refused: " + X509_verify_cert_error_string(verdict);
    }
    task<error_code> write(std::string bytes) override {
        error_code error;
        co_await asio::async_write(stream_, asio::buffer(bytes),
                                   asio::redirect_error(use_task, error));
        co_return error;
    }
    task<outcome> read_some(asio::mutable_buffer room) override {
        error_code error;
        const auto got =
            co_await stream_.async_read_some(room, asio::redirect_error(use_task, error));
        co_return outcome{error, got};
    }
    bool quiet() override {
        char one = 0;
        const auto got =
            ::recv(stream_.next_layer().native_handle(), &one, sizeof one, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
    void close() override {
        error_code ignored;
        stream_.next_layer().close(ignored);
    }

 private:
    std::shared_ptr<trust> by_;
    asio::ssl::stream<tcp_socket> stream_;
    std::string host_;
    bool shaken_ = false;
};

}  // namespace

task<connected> connect_stream(loop& on, origin to, std::shared_ptr<trust> by,
                               std::shared_ptr<call_cut> cut) {
    auto [error, addresses] = co_await find_addresses(on, to, cut);
    if (error) co_return connected{error, nullptr};
    error = asio::error::host_not_found;
    if (by) {
        std::unique_ptr<tls_stream> stream;
        for (const auto& each : addresses) {
            stream = std::make_unique<tls_stream>(on, to, by);
            cut->interrupt = [s = stream.get()] { s->close(); };
            error = co_await stream->open(each);
            if (!error || stream->shaken() || cut->expired) break;
        }
        cut->interrupt = [] {};  // the caller's from here on
        if (error) co_return connected{error, nullptr, stream ? stream->refusal() : ""};
        co_return connected{error, std::move(stream)};
    }
    auto stream = std::make_unique<tcp_stream>(on);
    cut->interrupt = [s = stream.get()] { s->close(); };
    for (const auto& each : addresses) {
        error = co_await stream->open(each);
        if (!error || error == asio::error::operation_aborted || cut->expired) break;
    }
    cut->interrupt = [] {};
    if (error) co_return connected{error, nullptr};
    co_return connected{error, std::move(stream)};
}

}  // namespace stoa::http
