#include "transport/http/session.hpp"

#include "base/problem.hpp"
#include "runtime/log.hpp"
#include "transport/http/target.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <optional>

#include <zlib.h>

namespace stoa::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using error_code = boost::system::error_code;

void append_number(std::string& out, std::uint64_t n) {
    char text[24];
    out.append(text, std::to_chars(text, text + sizeof text, n).ptr);
}

std::optional<std::string> gzip(const std::string& plain) {
    z_stream z{};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
    std::string out(deflateBound(&z, plain.size()), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    z.avail_in = static_cast<uInt>(plain.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    const int ended = deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    if (ended != Z_STREAM_END) return {};
    return out;
}

// Packed by whoever made it: once is enough.
bool is_encoded(const response& what) {
    return std::ranges::find(what.headers, "Content-Encoding", &header::name) != what.headers.end();
}

bool compresses_well(std::string_view content_type) {
    return content_type.starts_with("application/json") || content_type.starts_with("text/") ||
           content_type.starts_with("application/problem+json") ||
           content_type.starts_with("application/javascript") ||
           content_type.starts_with("image/svg");
}

bool same_word(std::string_view a, std::string_view b) { return beast::iequals(a, b); }

bool plain_number(std::string_view text) {
    return !text.empty() && text.size() <= 18 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The characters of RFC 3986 hosts and ports: nothing that another reader could take for the end of
// the name.
bool plain_host(std::string_view text) {
    return text.size() <= 255 && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_' ||
                      c == '~';
           });
}

// RFC 9110 §12.5.3, as far as it decides between gzip and nothing.
bool accepts_gzip(std::string_view header) {
    while (!header.empty()) {
        const auto end = std::min(header.find(','), header.size());
        auto each = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
        if (!same_word(each.substr(0, 4), "gzip")) continue;
        const auto q = each.find("q=0");
        return q == std::string_view::npos ||
               each.find_first_not_of("0.", q + 3) != std::string_view::npos;
    }
    return false;
}

std::optional<verb> verb_of(bhttp::verb v) {
    switch (v) {
        case bhttp::verb::get:
        case bhttp::verb::head:
            return verb::get;
        case bhttp::verb::post:
            return verb::post;
        case bhttp::verb::put:
            return verb::put;
        case bhttp::verb::patch:
            return verb::patch;
        case bhttp::verb::delete_:
            return verb::erase;
        default:
            return {};
    }
}

// What a malformed request is told: RFC 9112 by way of Beast's error codes. 0: close without a
// word.
error refusal_of(const error_code& why) {
    if (why == bhttp::error::header_limit)
        return {.kind = errc::malformed,
                .code = "headers_too_large",
                .detail = "headers are limited to 16 KiB"};
    if (why == bhttp::error::body_limit)
        return {.kind = errc::too_large,
                .code = "body_too_large",
                .detail = "the body is over the limit"};
    return {.kind = errc::malformed, .code = "malformed_request", .detail = why.message()};
}

}  // namespace

// One connection. The coroutine owns it; the group knows it only to drain.
class session final : public deadline_entry, public exchange {
 public:
    session(socket connection, session_group& group)
        : socket_(std::move(connection)), group_(group) {
        error_code ignored;
        socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
        const auto peer = socket_.remote_endpoint(ignored);
        if (!ignored) address_ = peer.address().to_string();
    }

    task<> run() {
        while (co_await serve_one()) {
        }
        error_code ignored;
        socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
        if (lingers_) co_await linger();
        socket_.close(ignored);
    }
    void drain() {
        if (idle_) cut();
    }
    void cut() {
        error_code ignored;
        socket_.close(ignored);
    }

    // exchange
    const request& head() const override { return request_; }
    task<result<std::string>> read_chunk() override;
    task<result<void>> begin(response head) override;
    task<result<void>> write_chunk(std::string chunk) override;
    task<result<void>> finish() override;
    task<result<void>> answer(response whole) override;

 private:
    using header_parser = bhttp::request_parser<bhttp::empty_body>;
    using whole_parser = bhttp::request_parser<bhttp::string_body>;
    using chunk_parser = bhttp::request_parser<bhttp::buffer_body>;

    void on_deadline() override { cut(); }
    void arm(std::chrono::milliseconds after) { group_.wheel().arm(*this, after); }

    // False: the connection is over.
    task<bool> serve_one();
    task<bool> read_head(header_parser& parser);
    template <class Parser>
    task<error_code> read_some(Parser& parser);
    task<bool> read_body(header_parser&& head);
    std::optional<error> check_head(const header_parser& parser) const;
    void take_head(const header_parser& parser);
    task<bool> refuse(error why, int status = 0);
    task<bool> send(response what);
    std::string head_text(const response& what, std::optional<std::size_t> length) const;
    task<bool> write_all(std::string text);
    task<> linger();
    bool has_obs_fold(std::size_t used) const;

    socket socket_;
    session_group& group_;
    std::string address_;
    beast::flat_buffer buffer_;
    request request_;
    bool http_1_0_ = false;
    bool keep_ = false;  // after this response
    bool wants_continue_ = false;
    bool accepts_gzip_ = false;
    bool idle_ = false;
    bool served_before_ = false;
    bool lingers_ = false;  // answered before the request was read to its end
    std::optional<chunk_parser> streaming_;
    std::uint64_t upload_limit_bytes_ = 0;
    bool begun_ = false, answered_ = false;
};

// --- the group
// --------------------------------------------------------------------------------------------

void session_group::start(socket connection) {
    open_.fetch_add(1, std::memory_order_relaxed);
    asio::post(loop_, [this, c = std::move(connection)]() mutable { run(std::move(c)); });
}

namespace {
task<> run_session(std::shared_ptr<session> one) { co_await one->run(); }
}  // namespace

void session_group::run(socket connection) {
    if (open() > bounds_.connections || draining_) {
        static constexpr std::string_view full =
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: "
            "0\r\nRetry-After: 1\r\n\r\n";
        error_code ignored;
        connection.non_blocking(true, ignored);
        connection.write_some(asio::buffer(full.data(), full.size()), ignored);
        open_.fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    auto one = std::make_shared<session>(std::move(connection), *this);
    sessions_.insert(one.get());
    asio::co_spawn(loop_, run_session(one), [this, one](const std::exception_ptr& thrown) {
        sessions_.erase(one.get());
        open_.fetch_sub(1, std::memory_order_relaxed);
        if (!thrown) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            log_error("session_failed", {{"why", e.what()}});
        }
    });
}

void session_group::drain() {
    draining_ = true;
    for (auto* each : sessions_) each->drain();
}

void session_group::cut() {
    for (auto* each : sessions_) each->cut();
}

std::string_view session_group::date() {
    const std::time_t now = std::time(nullptr);
    if (now != date_s_) {
        std::array<char, 40> text;
        std::tm parts{};
        gmtime_r(&now, &parts);
        date_.assign(text.data(),
                     std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
        date_s_ = now;
    }
    return date_;
}

// --- reading
// ----------------------------------------------------------------------------------------------

template <class Parser>
task<error_code> session::read_some(Parser& parser) {
    // Feeds what is buffered; reads more only where the parser asks for it, so that pipelined
    // requests are served.
    for (;;) {
        error_code error;
        if (buffer_.size() > 0) {
            const bool in_head = !parser.is_header_done();
            const auto used = parser.put(buffer_.data(), error);
            // Beast joins folded lines; RFC 9112 §5.2 lets a server refuse them, and proxies
            // disagree on them.
            if (in_head && has_obs_fold(used))
                co_return bhttp::make_error_code(bhttp::error::bad_field);
            buffer_.consume(used);
            if (error != bhttp::error::need_more) co_return error;
            // What the parser cannot use yet is one line or block that has not ended: a header, a
            // chunk's extensions, a trailer. None of them may grow without end.
            if (buffer_.size() > group_.bounds().header_bytes)
                co_return bhttp::make_error_code(bhttp::error::header_limit);
        }
        const auto room = buffer_.prepare(std::max<std::size_t>(4096, buffer_.size()));
        const auto got =
            co_await socket_.async_read_some(room, asio::redirect_error(use_task, error));
        buffer_.commit(got);
        if (error) co_return error;
        // Cut while these bytes were on their way here: nobody could be told what came of them, so
        // nothing may.
        if (!socket_.is_open()) co_return asio::error::operation_aborted;
        if (idle_) {
            idle_ = false;
            if (served_before_) arm(group_.bounds().header_timeout);
        }
    }
}

bool session::has_obs_fold(std::size_t used) const {
    const std::string_view bytes(static_cast<const char*>(buffer_.data().data()), used);
    for (auto at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1))
        if (at + 1 < bytes.size() && (bytes[at + 1] == ' ' || bytes[at + 1] == '\t')) return true;
    return false;
}

task<bool> session::read_head(header_parser& parser) {
    const auto& bounds = group_.bounds();
    parser.header_limit(static_cast<std::uint32_t>(bounds.header_bytes));
    parser.body_limit(boost::none);
    parser.eager(false);
    idle_ = buffer_.size() == 0;
    // A connection that has not asked anything yet has the time of a header, not of a kept-alive
    // pause.
    arm(idle_ && served_before_ ? bounds.idle_timeout : bounds.header_timeout);
    while (!parser.is_header_done()) {
        const auto error = co_await read_some(parser);
        if (!error) continue;
        disarm();
        const bool gone =
            error.category() != bhttp::make_error_code(bhttp::error::need_more).category();
        if (gone || error == bhttp::error::end_of_stream || error == bhttp::error::partial_message)
            co_return false;
        const int status = error == bhttp::error::header_limit ? 431 : 0;
        co_return co_await refuse(refusal_of(error), status);
    }
    idle_ = false;
    co_return true;
}

// RFC 9112 §3.2, §6: what lets two servers see two different requests in the same bytes is refused.
std::optional<error> session::check_head(const header_parser& parser) const {
    const auto& message = parser.get();
    const auto malformed = [](std::string_view code, std::string_view detail) {
        return error{
            .kind = errc::malformed, .code = std::string(code), .detail = std::string(detail)};
    };
    const auto count = [&](bhttp::field name) {
        return std::ranges::distance(message.equal_range(name).first,
                                     message.equal_range(name).second);
    };
    if (message.version() != 11 && message.version() != 10)
        return malformed("version_not_supported", "HTTP/1.1 is spoken here");
    const auto hosts = count(bhttp::field::host);
    if (hosts > 1 || (hosts == 0 && message.version() == 11))
        return malformed("bad_host", "a request has exactly one Host header");
    const auto lengths = count(bhttp::field::content_length);
    const auto encodings = count(bhttp::field::transfer_encoding);
    if (lengths > 1 || encodings > 1 || (lengths && encodings))
        return malformed("ambiguous_length",
                         "one Content-Length or one Transfer-Encoding, not more");
    if (encodings && (!same_word(message[bhttp::field::transfer_encoding], "chunked") ||
                      message.version() == 10))
        return malformed("transfer_encoding", "only `chunked` is understood, and only in HTTP/1.1");
    if (lengths && !plain_number(message[bhttp::field::content_length]))
        return malformed("bad_length", "Content-Length is one number of decimal digits");
    if (hosts && !plain_host(message[bhttp::field::host]))
        return malformed("bad_host", "the Host header is no name or address with an optional port");
    if (message.target().size() > group_.bounds().target_bytes)
        return malformed("target_too_long", "the request target is over 8 KiB");
    if (!message.target().starts_with('/'))
        return malformed("bad_target", "the request target must be a path");
    if (std::ranges::distance(message.begin(), message.end()) >
        static_cast<std::ptrdiff_t>(group_.bounds().headers))
        return malformed("too_many_headers", "at most 100 headers");
    return {};
}

void session::take_head(const header_parser& parser) {
    const auto& message = parser.get();
    request_ = {};
    request_.address = address_;
    request_.head = message.method() == bhttp::verb::head;
    request_.options = message.method() == bhttp::verb::options;
    if (const auto v = verb_of(message.method())) request_.method = *v;
    else request_.unknown_method = !request_.options;
    request_.target = message.target();
    request_.headers.reserve(8);
    for (const auto& field : message) {
        auto& out = request_.headers.emplace_back();
        out.name.assign(field.name_string());
        for (char& c : out.name)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        out.value.assign(field.value());
    }
    http_1_0_ = message.version() == 10;
    keep_ = message.keep_alive() && !group_.draining();
    wants_continue_ = !http_1_0_ && same_word(message[bhttp::field::expect], "100-continue");
    accepts_gzip_ = accepts_gzip(request_.find("accept-encoding"));
}

task<bool> session::read_body(header_parser&& head) {
    whole_parser parser(std::move(head));
    parser.eager(true);
    parser.body_limit(group_.bounds().body_bytes);
    if (const auto length = parser.content_length(); length && *length > group_.bounds().body_bytes)
        co_return co_await refuse(refusal_of(bhttp::error::body_limit));
    if (wants_continue_ && !co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
    arm(group_.bounds().body_timeout);
    while (!parser.is_done()) {
        const auto error = co_await read_some(parser);
        if (!error) continue;
        const bool gone =
            error.category() != bhttp::make_error_code(bhttp::error::need_more).category();
        if (gone || error == bhttp::error::partial_message) co_return false;
        co_return co_await refuse(refusal_of(error));
    }
    request_.body = std::move(parser.get().body());
    co_return true;
}

// --- one request
// ------------------------------------------------------------------------------------------

task<bool> session::serve_one() {
    if (group_.draining() && served_before_) co_return false;
    request_ = {.address = address_};  // a refusal must not speak of the request before
    header_parser parser;
    if (!co_await read_head(parser)) co_return false;
    served_before_ = true;
    if (const auto wrong = check_head(parser))
        co_return co_await refuse(*wrong, wrong->code == "target_too_long"    ? 414
                                          : wrong->code == "too_many_headers" ? 431
                                                                              : 0);
    take_head(parser);
    if (!split_target(request_))
        co_return co_await refuse(
            {.kind = errc::malformed,
             .code = "bad_target",
             .detail = "the path or query is not well-formed UTF-8 percent-encoding"});
    if (const route* r = group_.requests().streams(request_)) {
        streaming_.emplace(std::move(parser));
        upload_limit_bytes_ = static_cast<std::uint64_t>(r->body_limit_bytes);
        streaming_->body_limit(upload_limit_bytes_);
        begun_ = answered_ = false;
        co_await group_.requests().handle_stream(*r, *this);
        disarm();
        const bool read_all = streaming_->is_done();
        streaming_.reset();
        lingers_ = !read_all && answered_;
        co_return answered_&& read_all&& keep_;
    }
    if (!parser.is_done() && !co_await read_body(std::move(parser))) co_return false;
    disarm();
    auto made = co_await group_.requests().handle(std::move(request_));
    co_return co_await send(std::move(made)) && keep_;
}

task<bool> session::refuse(error why, int status) {
    response out = group_.requests().refuse(why, status, request_);
    keep_ = false;
    lingers_ = co_await send(std::move(out));
    co_return false;
}

// Closing with unread bytes in the receive buffer resets the connection, and the client may lose
// the answer that says why: what it still sends is read and dropped, for a second and 64 MiB at
// most.
task<> session::linger() {
    std::size_t left = 64 << 20;
    error_code error;
    arm(std::chrono::milliseconds(1'000));
    buffer_.clear();
    while (!error && left > 0) {
        const auto got = co_await socket_.async_read_some(buffer_.prepare(16 * 1024),
                                                          asio::redirect_error(use_task, error));
        left -= std::min(left, got);
    }
    disarm();
}

// --- writing
// ----------------------------------------------------------------------------------------------

// For every answer; pages and pictures bring a policy of their own.
constexpr std::string_view common_headers =
    "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
// Data is never a page: nothing in it may run, and no other site may embed it. Scripts that read it
// by CORS are not concerned.
constexpr std::string_view data_headers =
    "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

std::string session::head_text(const response& what, std::optional<std::size_t> length) const {
    std::string out;
    out.reserve(384);
    out += http_1_0_ ? "HTTP/1.0 " : "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(what.status));
    ((out += ' ') += status_title(what.status)) += "\r\nDate: ";
    out += group_.date();
    out += what.content_type.starts_with("application/json") ||
                   what.content_type.starts_with("application/problem+json")
               ? data_headers
               : common_headers;
    for (const auto& each : what.headers) (((out += each.name) += ": ") += each.value) += "\r\n";
    const bool bodyless = what.status == 204 || what.status == 304;
    if (!bodyless) ((out += "Content-Type: ") += what.content_type) += "\r\n";
    if (length && !bodyless) {
        out += "Content-Length: ";
        append_number(out, *length);
        out += "\r\n";
    } else if (!length && !http_1_0_) {
        out += "Transfer-Encoding: chunked\r\n";
    }
    if (!keep_) out += "Connection: close\r\n";
    else if (http_1_0_) out += "Connection: keep-alive\r\n";
    out += "\r\n";
    return out;
}

task<bool> session::send(response what) {
    if (group_.draining()) keep_ = false;
    if (what.body && accepts_gzip_ && what.body->size() >= group_.bounds().gzip_from_bytes &&
        compresses_well(what.content_type) && !is_encoded(what)) {
        if (auto packed = gzip(*what.body)) {
            what.body = std::make_shared<const std::string>(*std::move(packed));
            what.headers.push_back({"Content-Encoding", "gzip"});
            what.headers.push_back({"Vary", "Accept-Encoding"});
        }
    }
    auto head = head_text(what, what.body ? what.body->size() : 0);
    arm(group_.bounds().write_timeout);
    error_code error;
    if (!what.body || request_.head || what.status == 204 || what.status == 304) {
        co_await asio::async_write(socket_, asio::buffer(head),
                                   asio::redirect_error(use_task, error));
    } else if (what.body->size() < 4096) {
        head += *what.body;
        co_await asio::async_write(socket_, asio::buffer(head),
                                   asio::redirect_error(use_task, error));
    } else {
        const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(*what.body)};
        co_await asio::async_write(socket_, both, asio::redirect_error(use_task, error));
    }
    disarm();
    co_return !error;
}

task<bool> session::write_all(std::string text) {
    error_code error;
    arm(group_.bounds().write_timeout);
    co_await asio::async_write(socket_, asio::buffer(text), asio::redirect_error(use_task, error));
    disarm();
    co_return !error;
}

// --- streaming
// --------------------------------------------------------------------------------------------

namespace {
std::unexpected<error> connection_lost() {
    return fail(errc::unavailable, "connection_lost", "the client went away");
}
}  // namespace

task<result<std::string>> session::read_chunk() {
    // The parser compares a Content-Length with its limit only while it reads the head; ours is set
    // after it.
    if (const auto length = streaming_->content_length(); length && *length > upload_limit_bytes_)
        co_return fail(errc::too_large, "body_too_large", "the upload is over its limit");
    if (wants_continue_) {
        wants_continue_ = false;
        if (!co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return connection_lost();
    }
    std::string chunk(64 * 1024, '\0');
    auto& body = streaming_->get().body();
    body.data = chunk.data();
    body.size = chunk.size();
    body.more = true;
    while (!streaming_->is_done() && body.size == chunk.size()) {
        arm(group_.bounds().body_timeout);
        const auto error = co_await read_some(*streaming_);
        disarm();
        if (error == bhttp::error::body_limit)
            co_return fail(errc::too_large, "body_too_large", "the upload is over its limit");
        if (error && error != bhttp::error::need_buffer)
            co_return fail(errc::malformed, "body_cut_off", "the upload ended before its length");
    }
    chunk.resize(chunk.size() - body.size);
    co_return chunk;
}

task<result<void>> session::begin(response head) {
    begun_ = true;
    if (http_1_0_) keep_ = false;
    if (!co_await write_all(head_text(head, std::nullopt))) co_return connection_lost();
    co_return result<void>{};
}

task<result<void>> session::write_chunk(std::string chunk) {
    if (chunk.empty() || request_.head) co_return result<void>{};
    std::string framed;
    if (http_1_0_) {
        framed = std::move(chunk);  // such a client reads to the end of the connection
    } else {
        char size[24];
        framed.assign(size, std::to_chars(size, size + sizeof size, chunk.size(), 16).ptr);
        ((framed += "\r\n") += chunk) += "\r\n";
    }
    if (!co_await write_all(std::move(framed))) co_return connection_lost();
    co_return result<void>{};
}

task<result<void>> session::finish() {
    answered_ = http_1_0_ || request_.head || co_await write_all("0\r\n\r\n");
    if (!answered_) co_return connection_lost();
    co_return result<void>{};
}

task<result<void>> session::answer(response whole) {
    if (begun_) co_return fail(errc::internal, "answered_twice", "the answer had begun already");
    if (!streaming_->is_done()) keep_ = false;
    answered_ = co_await send(std::move(whole));
    if (!answered_) co_return connection_lost();
    co_return result<void>{};
}

}  // namespace stoa::http
