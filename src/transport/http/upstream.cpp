#include "transport/http/upstream.hpp"

#include "transport/http/client_stream.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

namespace stoa::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using error_code = boost::system::error_code;
using steady = std::chrono::steady_clock;
using silence_timer =
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>;

constexpr seconds left_out{1};
// A replica that has said nothing for so long is asked after its health, and has so long to answer.
constexpr milliseconds before_asking{1'000}, health_within{1'500};
constexpr seconds longest_connecting{5};  // of a stream
constexpr milliseconds between_rounds{50};
constexpr seconds longest_silence{120};  // of a stream: an import may be waited for

constexpr std::array<std::string_view, 5> verb_names{"GET", "POST", "PUT", "PATCH", "DELETE"};

// RFC 9110 §7.6.1: of one connection, and not for the next. The last row is ours to say anew.
constexpr std::array<std::string_view, 18> not_passed_on{"connection",
                                                         "keep-alive",
                                                         "proxy-authenticate",
                                                         "te",
                                                         "trailer",
                                                         "transfer-encoding",
                                                         "upgrade",
                                                         "proxy-connection",
                                                         "proxy-authorization",
                                                         "host",
                                                         "content-length",
                                                         "expect",
                                                         "accept-encoding",
                                                         "x-request-id",
                                                         "traceparent",
                                                         "x-forwarded-for",
                                                         "forwarded",
                                                         passed_on_by};

constexpr std::array<std::string_view, 10> not_passed_back{
    "connection",   "keep-alive", "transfer-encoding", "content-length", "content-type", "date",
    "x-request-id", "server",     "upgrade",           "trailer"};

bool one_of(std::span<const std::string_view> words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

// `name` as it is shown: ETag and the like are known by any case.
response head_of(int status, const std::vector<http_header>& headers) {
    response out{.status = status};
    for (const auto& [name, value] : headers) {
        if (name == "content-type") out.content_type = value;
        if (!one_of(not_passed_back, name)) out.headers.push_back({name, value});
    }
    return out;
}

bool harmless_again(const request& of) {
    return of.method == verb::get || of.method == verb::put || of.method == verb::erase ||
           !of.find("idempotency-key").empty();
}

std::string quoted_chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace

upstream::upstream(std::string name, std::vector<std::string> addresses, needs ports)
    : name_(std::move(name)), ports_(ports) {
    for (auto& each : addresses) replicas_.push_back({std::move(each)});
}

upstream::replica& upstream::choose(const replica* but) {
    const auto now = ports_.time.ticks();
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        auto& one = replicas_[turn_++ % replicas_.size()];
        if (&one == but || one.away_until > now) continue;
        // One that was silent is tried by one request at a time, which may wait in vain.
        if (one.silent) one.away_until = now + left_out;
        return one;
    }
    auto& any = replicas_[turn_++ % replicas_.size()];
    return &any == but ? replicas_[turn_++ % replicas_.size()] : any;
}

void upstream::note(replica& one, bool answered) {
    const auto now = ports_.time.ticks();
    one.away_until = answered ? instant{} : now + left_out;
    if (answered) {
        one.heard = now;
        one.silent = false;
    }
    if (answered) away_since_.reset();
    else if (!away_since_) away_since_ = now;
}

error upstream::silent() const {
    return {.kind = errc::timeout,
            .code = "service_silent",
            .detail = "the " + name_ +
                      " service did not answer in time; whether it acted is unknown: repeat with "
                      "the same Idempotency-Key"};
}

bool upstream::waits(const request_context& context) {
    return !away_since_ || ports_.time.ticks() + between_rounds <
                               std::min(context.deadline, *away_since_ + ports_.patience);
}

error upstream::away() const {
    return {.kind = errc::unavailable,
            .code = "service_away",
            .detail = "the " + name_ + " service does not answer; try again in a moment",
            .retry_after_s = 1};
}

std::vector<http_header> upstream::headers_for(const request_context& context, const request& in) {
    std::vector<http_header> out;
    for (const auto& [name, value] : in.headers)
        if (!one_of(not_passed_on, name)) out.push_back({name, value});
    out.push_back({"x-request-id", context.request_id});
    if (!context.traceparent.empty()) out.push_back({"traceparent", context.traceparent});
    out.push_back({"x-forwarded-for", context.address});
    out.push_back({std::string(passed_on_by), ports_.tokens.own()});
    return out;
}

// Ends when the replica has fallen silent.
task<> upstream::until_silent(replica& one) {
    auto since = ports_.time.ticks();
    for (;;) {
        co_await ports_.time.sleep(before_asking);
        if (one.heard > since) {
            since = one.heard;
            continue;
        }
        if (one.silent) co_return;
        const auto now = ports_.time.ticks();
        if (now < one.asked + health_within) continue;  // another that waits did
        one.asked = now;
        const auto answer = co_await ports_.client.send(
            {.method = "GET", .url = "http://" + one.address + "/health"}, health_within);
        if (answer || answer.error().code == "too_many_connections") {
            one.heard = ports_.time.ticks();
            continue;
        }
        one.silent = true;
        co_return;
    }
}

task<result<http_response>> upstream::send(replica& to, http_request what, milliseconds within,
                                           bool again) {
    using namespace asio::experimental::awaitable_operators;
    if (!again) co_return co_await ports_.client.send(std::move(what), within);
    auto first = co_await (ports_.client.send(std::move(what), within) || until_silent(to));
    if (auto* const answer = std::get_if<0>(&first)) co_return std::move(*answer);
    co_return fail(errc::unavailable, "replica_silent");
}

task<result<http_response>> upstream::ask(const request_context& context, const request& in,
                                          bool again) {
    const http_request asked{.method = std::string(verb_names[static_cast<std::size_t>(in.method)]),
                             .headers = headers_for(context, in),
                             .body = in.body};
    const replica* tried = nullptr;
    for (std::size_t attempt = 1;; ++attempt) {
        auto& to = choose(tried);
        const auto left =
            std::chrono::duration_cast<milliseconds>(context.deadline - ports_.time.ticks());
        if (left <= milliseconds(0)) co_return fail(silent());
        auto one = asked;
        one.url = "http://" + to.address + in.target;
        auto answered = co_await send(to, std::move(one), left, again);
        if (answered) {
            note(to, true);
            co_return answered;
        }
        const auto& why = answered.error();
        if (why.kind == errc::timeout) co_return fail(silent());
        if (why.kind != errc::unavailable) co_return answered;
        const bool untouched = why.code == "no_connection";
        if (why.code != "too_many_connections") note(to, false);
        if (!untouched && !again) co_return fail(away());
        tried = &to;
        if (attempt % replicas_.size() != 0) continue;
        if (!waits(context)) co_return fail(away());
        co_await ports_.time.sleep(between_rounds);
    }
}

task<response> upstream::pass_on(request_context context, request in) {
    auto answered = co_await ask(context, in, harmless_again(in));
    if (!answered) co_return problem_response(answered.error(), context.request_id);
    auto out = head_of(answered->status, answered->headers);
    if (answered->status != 204 && answered->status != 304) out.set_body(std::move(answered->body));
    co_return out;
}

namespace {

// One stream through: the request's body up, then the answer down, by chunks.
class pass_through {
 public:
    pass_through(loop& on, exchange& with) : with_(with), timer_(on) {}

    // False: nothing of an answer reached the client.
    task<bool> run(byte_stream& peer, std::string head) {
        peer_ = std::make_shared<byte_stream*>(&peer);
        wait_anew();
        auto written = co_await peer.write(std::move(head));
        while (!written) {
            wait_anew();
            auto chunk = co_await with_.read_chunk();
            if (!chunk) co_return true;  // the client is gone, and the service will see that
            const bool last = chunk->empty();
            written = co_await peer.write(last ? "0\r\n\r\n" : quoted_chunk(*chunk));
            if (last) break;
        }
        // A service that refuses early closes while we still write: its answer is worth reading.
        co_return co_await answer_down(peer);
    }

 private:
    void wait_anew() {
        timer_.expires_after(longest_silence);
        // It may have expired when all of this is over: what it closes must be there still.
        timer_.async_wait([peer = std::weak_ptr(peer_)](error_code error) {
            if (const auto still = peer.lock(); still && !error) (*still)->close();
        });
    }

    task<bool> answer_down(byte_stream& peer) {
        bhttp::response_parser<bhttp::string_body> parser;
        parser.eager(true);
        parser.body_limit(boost::none);
        beast::flat_buffer buffer;
        bool begun = false;
        for (;;) {
            error_code error;
            while (buffer.size() > 0 && !parser.is_done()) {
                buffer.consume(parser.put(buffer.data(), error));
                if (error == bhttp::error::need_more) {
                    error = {};
                    break;
                }
                if (error) co_return begun;
            }
            if (parser.is_header_done()) {
                if (!begun && !co_await with_.begin(head_of_answer(parser.get()))) co_return true;
                begun = true;
                auto bytes = std::exchange(parser.get().body(), {});
                if (!bytes.empty() && !co_await with_.write_chunk(std::move(bytes))) co_return true;
            }
            if (parser.is_done()) {
                (void)co_await with_.finish();
                co_return true;
            }
            wait_anew();
            const auto [failed, got] = co_await peer.read_some(buffer.prepare(64 * 1024));
            buffer.commit(got);
            if (!failed) continue;
            // What has begun is cut off: the client sees that it is not whole.
            if (failed != asio::error::eof || !begun) co_return begun;
            parser.put_eof(error);
            if (error || !parser.is_done()) co_return true;
        }
    }
    static response head_of_answer(const bhttp::response<bhttp::string_body>& from) {
        std::vector<http_header> headers;
        for (const auto& field : from) {
            auto& to =
                headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
            std::ranges::transform(to.name, to.name.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            });
        }
        return head_of(static_cast<int>(from.result_int()), headers);
    }

    exchange& with_;
    silence_timer timer_;
    std::shared_ptr<byte_stream*> peer_;
};

}  // namespace

task<> upstream::pass_on_stream(request_context context, exchange& with) {
    const auto& in = with.head();
    const replica* tried = nullptr;
    for (std::size_t attempt = 1;; ++attempt) {
        auto& to = choose(tried);
        tried = &to;
        const auto colon = to.address.rfind(':');
        const auto cut = std::make_shared<call_cut>();
        silence_timer limit(ports_.on);
        limit.expires_after(longest_connecting);
        limit.async_wait([still = std::weak_ptr(cut)](error_code error) {
            const auto one = still.lock();
            if (error || !one) return;
            one->expired = true;
            one->interrupt();
        });
        auto made = co_await connect_stream(
            ports_.on, {"http", to.address.substr(0, colon), to.address.substr(colon + 1)}, nullptr,
            cut);
        limit.cancel();
        cut->interrupt = [] {};
        note(to, !made.error);
        if (made.error) {
            if (attempt % replicas_.size() != 0) continue;
            if (!waits(context)) break;
            co_await ports_.time.sleep(between_rounds);
            continue;
        }
        auto head = std::string(verb_names[static_cast<std::size_t>(in.method)]) + ' ' + in.target +
                    " HTTP/1.1\r\nHost: " + to.address +
                    "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n";
        for (const auto& [name, value] : headers_for(context, in))
            head += name + ": " + value + "\r\n";
        pass_through through(ports_.on, with);
        const bool answered = co_await through.run(*made.stream, head + "\r\n");
        if (answered) co_return;
        break;
    }
    (void)co_await with.answer(problem_response(away(), context.request_id));
}

route passed_on(route of, upstream& to) {
    if (of.stream)
        of.stream = [&to](request_context context, exchange& with, route::parameters) -> task<> {
            return to.pass_on_stream(std::move(context), with);
        };
    else
        of.answer = [&to](request_context context, request in,
                          route::parameters) -> task<response> {
            return to.pass_on(std::move(context), std::move(in));
        };
    return of;
}

}  // namespace stoa::http
