#include "transport/http/blocking_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>

#include <sys/socket.h>
#include <sys/time.h>

namespace stoa::http {
namespace {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;
using error_code = boost::system::error_code;
constexpr int quiet_for_s = 120;  // a server that says nothing for so long has gone

}  // namespace

struct blocking_client::state {
    asio::io_context io;
    asio::ip::tcp::socket socket{io};
    boost::beast::flat_buffer buffer;
    std::string address, token;

    std::unexpected<error> lost(const error_code& why) const {
        return fail(errc::unavailable, "connection_lost",
                    "no answer from " + address + ": " + why.message());
    }

    result<void> connect() {
        error_code error;
        const auto cut = address.rfind(':');
        asio::ip::tcp::resolver resolver(io);
        const auto places =
            resolver.resolve(address.substr(0, cut), address.substr(cut + 1), error);
        if (!error) asio::connect(socket, places, error);
        // A head and its body are two writes: held back, the second would wait 40 ms for the
        // first's acknowledgement.
        if (!error) socket.set_option(asio::ip::tcp::no_delay(true), error);
        if (error) return lost(error);
        const timeval limit{.tv_sec = quiet_for_s, .tv_usec = 0};
        setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        return {};
    }
    // The head of a request whose body has `length` bytes.
    result<void> send_head(std::string_view method, std::string_view target, std::int64_t length) {
        if (!socket.is_open()) STOA_TRY_VOID(connect());
        std::string head(method);
        ((head += ' ') += target) += " HTTP/1.1\r\nHost: " + address + "\r\n";
        if (!token.empty()) head += "Authorization: Bearer " + token + "\r\n";
        head += "Content-Length: " + std::to_string(length) + "\r\n\r\n";
        return send(head);
    }
    result<void> send(std::string_view bytes) {
        error_code error;
        asio::write(socket, asio::buffer(bytes.data(), bytes.size()), error);
        if (error) return lost(error);
        return {};
    }
    result<client_answer> receive() {
        bhttp::response_parser<bhttp::string_body> parser;
        parser.body_limit(boost::none);
        error_code error;
        bhttp::read(socket, buffer, parser, error);
        if (error) return lost(error);
        client_answer out{static_cast<int>(parser.get().result_int()),
                          std::move(parser.get().body())};
        if (!parser.get().keep_alive()) socket.close(error);
        return out;
    }
};

blocking_client::blocking_client(std::string address, std::string token)
    : state_(std::make_unique<state>()) {
    state_->address = std::move(address);
    state_->token = std::move(token);
}
blocking_client::~blocking_client() = default;

result<client_answer> blocking_client::call(std::string_view method, std::string_view target,
                                            std::string_view body) {
    STOA_TRY_VOID(state_->send_head(method, target, static_cast<std::int64_t>(body.size())));
    if (!body.empty()) STOA_TRY_VOID(state_->send(body));
    return state_->receive();
}

result<client_answer> blocking_client::upload(std::string_view target, std::FILE* file,
                                              std::int64_t size_bytes,
                                              const std::function<void(std::int64_t)>& sent) {
    STOA_TRY_VOID(state_->send_head("POST", target, size_bytes));
    std::array<char, 256 * 1024> chunk;
    for (std::int64_t done = 0; done < size_bytes;) {
        const auto got = std::fread(chunk.data(), 1, chunk.size(), file);
        if (got == 0)
            return fail(errc::internal, "file_changed",
                        "the file became shorter while it was sent");
        // A server that refuses early answers while we still send: read what it says.
        if (auto written = state_->send({chunk.data(), got}); !written) {
            if (auto answer = state_->receive()) return answer;
            return std::unexpected(std::move(written).error());
        }
        done += static_cast<std::int64_t>(got);
        sent(done);
    }
    return state_->receive();
}

result<client_answer> blocking_client::download(std::string_view target, std::FILE* to) {
    STOA_TRY_VOID(state_->send_head("GET", target, 0));
    bhttp::response_parser<bhttp::buffer_body> parser;
    parser.body_limit(boost::none);
    error_code error;
    bhttp::read_header(state_->socket, state_->buffer, parser, error);
    if (error) return state_->lost(error);
    client_answer out{.status = static_cast<int>(parser.get().result_int())};
    std::array<char, 64 * 1024> chunk;
    while (!parser.is_done()) {
        parser.get().body().data = chunk.data();
        parser.get().body().size = chunk.size();
        bhttp::read(state_->socket, state_->buffer, parser, error);
        if (error && error != bhttp::error::need_buffer) return state_->lost(error);
        const auto got = chunk.size() - parser.get().body().size;
        if (out.status >= 400) out.body.append(chunk.data(), got);
        else if (std::fwrite(chunk.data(), 1, got, to) != got)
            return fail(errc::storage_full, "file_not_written",
                        "the file cannot be written; is the disk full?");
    }
    return out;
}

}  // namespace stoa::http
