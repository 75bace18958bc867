#include "transport/http/client.hpp"

#include "transport/http/client_stream.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/system_error.hpp>
#include <boost/url/parse.hpp>

#include <array>
#include <chrono>
#include <map>
#include <optional>

namespace stoa::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using error_code = boost::system::error_code;
using steady = std::chrono::steady_clock;
using limit_timer =
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>;
using answer_parser = bhttp::response_parser<bhttp::string_body>;

// Where a request goes, and what its first line and Host say.
struct place {
    origin at;
    std::string authority, target;
};

std::unexpected<error> url_ill_formed(std::string_view url, std::string_view why) {
    return fail(errc::invalid, "url_ill_formed", std::string(url) + ": " + std::string(why));
}

result<place> read_url(std::string_view url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) return url_ill_formed(url, "must be an address as http://host:4318/path");
    const auto& parts = *parsed;
    const bool secure = parts.scheme_id() == boost::urls::scheme::https;
    if (!secure && parts.scheme_id() != boost::urls::scheme::http)
        return fail(errc::invalid, "scheme_not_supported",
                    std::string(url) + ": only http:// and https:// can be called");
    if (parts.has_userinfo()) return url_ill_formed(url, "must not hold a user or a password");
    if (parts.encoded_host().empty()) return url_ill_formed(url, "names no host");
    if (parts.has_port() && parts.port_number() == 0) return url_ill_formed(url, "has a bad port");
    place out;
    out.at = {secure ? "https" : "http", std::string(parts.host_address()),
              parts.has_port() && !parts.port().empty() ? std::string(parts.port())
              : secure                                  ? "443"
                                                        : "80"};
    out.authority = std::string(parts.encoded_host_and_port());
    out.target = std::string(parts.encoded_path());
    if (out.target.empty()) out.target = "/";
    if (parts.has_query()) out.target += '?' + std::string(parts.encoded_query());
    return out;
}

bool is_token(std::string_view text) {  // RFC 9110 §5.6.2
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    });
}

// What decides where a message ends is written here and nowhere else: a caller's text cannot make
// two requests of one.
result<std::string> write_request(const http_request& what, const place& to) {
    constexpr std::array<std::string_view, 5> own{"host", "content-length", "transfer-encoding",
                                                  "connection", "expect"};
    const auto wrong = [](std::string_view why) {
        return fail(errc::invalid, "request_ill_formed", std::string(why));
    };
    if (!is_token(what.method)) return wrong("the method is no word");
    std::string out = what.method + ' ' + to.target + " HTTP/1.1\r\nHost: " + to.authority + "\r\n";
    for (const auto& [name, value] : what.headers) {
        if (!is_token(name)) return wrong("a header's name is no word");
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            return wrong("a header's value holds a line end");
        if (std::ranges::any_of(own, [&](auto each) { return beast::iequals(each, name); }))
            return wrong("the client writes " + name + " itself");
        out += name + ": " + value + "\r\n";
    }
    const bool lengthless = what.body.empty() && (what.method == "GET" || what.method == "HEAD" ||
                                                  what.method == "DELETE");
    if (!lengthless) out += "Content-Length: " + std::to_string(what.body.size()) + "\r\n";
    return out + "\r\n" + what.body;
}

bool is_idempotent(std::string_view method) {
    constexpr std::array<std::string_view, 6> words{"GET",    "HEAD",    "PUT",
                                                    "DELETE", "OPTIONS", "TRACE"};
    return std::ranges::find(words, method) != words.end();
}

// One attempt on one connection.
struct attempt_outcome {
    result<http_response> answer;
    bool keep = false;      // the connection may serve another request
    bool answered = false;  // at least a byte came
};

// True where the parser has the whole answer, an error where it never will.
result<bool> feed(answer_parser& parser, beast::flat_buffer& buffer, std::size_t header_limit) {
    while (buffer.size() > 0 && !parser.is_done()) {
        error_code error;
        buffer.consume(parser.put(buffer.data(), error));
        if (error == bhttp::error::need_more) {
            // A header, a chunk's extensions or a trailer that does not end.
            if (buffer.size() > header_limit)
                return fail(errc::unavailable, "answer_malformed", "a line of it has no end");
            break;
        }
        if (error == bhttp::error::body_limit)
            return fail(errc::unavailable, "answer_too_large", "the answer is over its limit");
        if (error) return fail(errc::unavailable, "answer_malformed", error.message());
    }
    return parser.is_done();
}

http_response take_answer(answer_parser& parser) {
    auto& message = parser.get();
    http_response out{.status = static_cast<int>(message.result_int())};
    for (const auto& field : message) {
        auto& to =
            out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
        for (char& c : to.name)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    out.body = std::move(message.body());
    return out;
}

task<attempt_outcome> attempt(byte_stream& on, std::string message, bool bodyless,
                              client_settings settings) {
    attempt_outcome out{.answer = fail(errc::unavailable, "connection_lost")};
    // A server that refuses early closes while we still write: what it said is worth reading.
    const auto written = co_await on.write(std::move(message));
    if (written == asio::error::operation_aborted) {
        out.answer.error().detail = written.message();
        co_return out;
    }
    beast::flat_buffer buffer;
    for (;;) {
        answer_parser parser;
        parser.eager(true);
        parser.header_limit(static_cast<std::uint32_t>(settings.header_limit_bytes));
        parser.body_limit(static_cast<std::uint64_t>(settings.answer_limit_bytes));
        if (bodyless) parser.skip(true);
        for (;;) {
            auto done = feed(parser, buffer, settings.header_limit_bytes);
            if (!done) {
                out.answer = std::unexpected(std::move(done).error());
                co_return out;
            }
            if (*done) break;
            const auto [error, bytes] = co_await on.read_some(buffer.prepare(16 * 1024));
            buffer.commit(bytes);
            out.answered = out.answered || bytes > 0;
            if (!error) continue;
            error_code ended = error;
            // An answer without a length ends with the connection.
            if (error == asio::error::eof && parser.is_header_done()) parser.put_eof(ended);
            if (!ended && parser.is_done()) break;
            out.answer.error().detail = (written ? written : ended).message();
            co_return out;
        }
        const auto status = parser.get().result_int();
        if (status >= 100 && status < 200 && status != 101) continue;  // the answer comes later
        out.keep = !written && parser.keep_alive() && buffer.size() == 0 && status != 101;
        out.answer = take_answer(parser);
        co_return out;
    }
}

// Ends a call's waits when its time is over.
class call_timer {
 public:
    call_timer(loop& on, milliseconds deadline) : cut_(std::make_shared<call_cut>()), timer_(on) {
        timer_.expires_after(deadline);
        timer_.async_wait([cut = std::weak_ptr(cut_)](error_code error) {
            const auto still = cut.lock();
            if (error || !still) return;
            still->expired = true;
            still->interrupt();
        });
    }
    const std::shared_ptr<call_cut>& cut() const { return cut_; }

 private:
    std::shared_ptr<call_cut> cut_;
    limit_timer timer_;
};

struct idle_connection {
    std::unique_ptr<byte_stream> stream;
    steady::time_point since;
};

struct origin_pool {
    std::vector<idle_connection> idle;  // oldest first
    int in_use = 0;
};

// A place among an origin's connections for as long as it lives.
struct seat {
    explicit seat(origin_pool& p) : pool(p) { ++pool.in_use; }
    ~seat() { --pool.in_use; }
    seat(const seat&) = delete;
    seat& operator=(const seat&) = delete;
    origin_pool& pool;
};

}  // namespace

struct async_client::state {
    loop& on;
    client_settings settings;
    std::map<origin, origin_pool> pools{};  // nodes stay where they are: calls refer to them
    std::shared_ptr<trust> trusted{};       // since the first https call

    // `self` keeps all of this for as long as the call's frame.
    static task<result<http_response>> send(std::shared_ptr<state> self, http_request what,
                                            milliseconds deadline);
    task<attempt_outcome> try_once(place to, std::string message, bool bodyless, bool& reused,
                                   std::shared_ptr<call_cut> cut);
    std::unique_ptr<byte_stream> take_idle(origin_pool& from) const;
    void give_back(origin_pool& to, std::unique_ptr<byte_stream> stream) const;
};

// The newest that is still open; what is too old is closed on the way.
std::unique_ptr<byte_stream> async_client::state::take_idle(origin_pool& from) const {
    const auto oldest = steady::now() - settings.idle_for;
    std::erase_if(from.idle, [&](const idle_connection& each) { return each.since < oldest; });
    while (!from.idle.empty()) {
        auto stream = std::move(from.idle.back().stream);
        from.idle.pop_back();
        if (stream->quiet()) return stream;
    }
    return nullptr;
}

void async_client::state::give_back(origin_pool& to, std::unique_ptr<byte_stream> stream) const {
    if (std::ssize(to.idle) >= settings.idle_per_origin) to.idle.erase(to.idle.begin());
    to.idle.push_back({std::move(stream), steady::now()});
}

task<attempt_outcome> async_client::state::try_once(place to, std::string message, bool bodyless,
                                                    bool& reused, std::shared_ptr<call_cut> cut) {
    auto& pool = pools[to.at];
    if (pool.in_use >= settings.connections_per_origin)
        co_return attempt_outcome{.answer =
                                      fail(errc::unavailable, "too_many_connections",
                                           "too many calls to " + to.authority + " are under way")};
    const seat taken(pool);
    auto stream = reused ? take_idle(pool) : nullptr;
    reused = stream != nullptr;
    if (!stream) {
        if (to.at.scheme == "https" && !trusted) {
            auto loaded = load_trust(settings.ca_file);
            if (!loaded)
                co_return attempt_outcome{.answer = std::unexpected(std::move(loaded).error())};
            trusted = *std::move(loaded);
        }
        auto made =
            co_await connect_stream(on, to.at, to.at.scheme == "https" ? trusted : nullptr, cut);
        if (made.error)
            co_return attempt_outcome{
                .answer = fail(errc::unavailable, "no_connection",
                               "no connection to " + to.authority + ": " +
                                   (made.why.empty() ? made.error.message() : made.why))};
        stream = std::move(made.stream);
    }
    cut->interrupt = [s = stream.get()] { s->close(); };
    auto out = co_await attempt(*stream, std::move(message), bodyless, settings);
    cut->interrupt = [] {};
    if (out.keep && !cut->expired) give_back(pool, std::move(stream));
    co_return out;
}

task<result<http_response>> async_client::state::send(std::shared_ptr<state> self,
                                                      http_request what, milliseconds deadline) {
    STOA_CO_TRY(const auto to, read_url(what.url));
    STOA_CO_TRY(const auto message, write_request(what, to));
    const call_timer timer(self->on, deadline);
    const auto& cut = timer.cut();
    for (bool again = false;; again = true) {
        bool reused = !again;  // asked for, then whether it was
        auto made = co_await self->try_once(to, message, what.method == "HEAD", reused, cut);
        if (made.answer) co_return std::move(made.answer);
        if (cut->expired) {
            // The others that stand may have fallen silent with it, and would cost as long each.
            self->pools[to.at].idle.clear();
            co_return fail(errc::timeout, "no_answer_in_time",
                           "no whole answer from " + to.authority + " within " +
                               std::to_string(deadline.count()) + " ms");
        }
        const auto asked = co_await asio::this_coro::cancellation_state;
        if (asked.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
        const bool stale =
            reused && !made.answered && made.answer.error().code == "connection_lost";
        if (stale && !again && is_idempotent(what.method)) continue;
        auto& why = made.answer.error();
        if (why.code != "no_connection" && why.code != "too_many_connections")
            why.detail = to.authority + ": " + why.detail;
        co_return std::move(made.answer);
    }
}

async_client::async_client(loop& on, client_settings settings)
    : state_(std::make_shared<state>(on, settings)) {}

// Idle sockets belong to the loop and must not outlive it.
async_client::~async_client() {
    for (auto& [at, pool] : state_->pools) pool.idle.clear();
}

task<result<http_response>> async_client::send(http_request what, milliseconds deadline) {
    return state::send(state_, std::move(what), deadline);
}

int async_client::idle_connections() const {
    int sum = 0;
    for (const auto& [at, pool] : state_->pools) sum += static_cast<int>(pool.idle.size());
    return sum;
}

result<void> check_url(std::string_view url) {
    STOA_TRY_VOID(read_url(url));
    return {};
}

}  // namespace stoa::http
