#include "transport/http/client_stream.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
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

task<connected> connect_stream(loop& on, origin to, std::shared_ptr<call_cut> cut) {
    auto [error, addresses] = co_await find_addresses(on, std::move(to), cut);
    if (error) co_return connected{error, nullptr};
    auto stream = std::make_unique<tcp_stream>(on);
    cut->interrupt = [s = stream.get()] { s->close(); };
    error = asio::error::host_not_found;
    for (const auto& each : addresses) {
        error = co_await stream->open(each);
        if (!error || error == asio::error::operation_aborted || cut->expired) break;
    }
    cut->interrupt = [] {};  // the caller's from here on
    if (error) co_return connected{error, nullptr};
    co_return connected{error, std::move(stream)};
}

}  // namespace stoa::http
