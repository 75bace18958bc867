#include "adapters/smtp/smtp_notifier.hpp"

#include "adapters/smtp/smtp_tls.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;

auto unreachable(std::string detail) {
    return fail(errc::unavailable, "mail_server_unavailable", std::move(detail));
}

// What a refusal is about. One of the session (we may not log in) says nothing about the message,
// which must not be given up for it.
enum class about { session, message };

struct answer {
    int code = 0;
    std::string text;  // of all lines
};

// One conversation. Every wait has an end: the command's, and the conversation's.
class conversation {
 public:
    explicit conversation(const smtp_settings& with)
        : with_(with), end_(steady::now() + with.finish_within) {}
    ~conversation() {
        if (fd_ >= 0) ::close(fd_);
    }
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    result<void> connect() {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (const int code = ::getaddrinfo(with_.host.c_str(), with_.port.c_str(), &wanted, &found))
            return unreachable(with_.host + ": " + ::gai_strerror(code));
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
        std::string why = "no address";
        for (const addrinfo* at = found; at; at = at->ai_next) {
            if (fd_ >= 0) ::close(fd_);
            fd_ = ::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                           at->ai_protocol);
            if (fd_ < 0) continue;
            if (::connect(fd_, at->ai_addr, at->ai_addrlen) == 0) return {};
            int code = errno;
            if (code == EINPROGRESS && wait_for(POLLOUT)) {
                socklen_t size = sizeof code;
                if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0)
                    return {};
            }
            why = std::strerror(code);
        }
        return unreachable(with_.host + ':' + with_.port + ": " + why);
    }

    // Sends a line and reads the answer; `expected` is its first digit. `shown` stands in errors
    // instead of the line, which may carry a password.
    result<answer> say(std::string_view line, char expected, std::string_view shown,
                       about of = about::message) {
        if (!line.empty()) STOA_TRY_VOID(write(line));
        STOA_TRY(auto told, read_answer());
        if (told.code / 100 == expected - '0') return told;
        auto detail = std::string(shown) + ": " + std::to_string(told.code) + ' ' + told.text;
        if (told.code / 100 == 5 && of == about::message)
            return fail(errc::invalid, "mail_refused", std::move(detail));
        return unreachable(std::move(detail));
    }

    result<void> write(std::string_view bytes) {
        if (!tls_) return send(bytes);
        STOA_TRY_VOID(tls_->write(bytes));
        return send(tls_->outgoing());
    }

    // From here on all of it is encrypted. What a third party may have put in before is dropped.
    result<void> encrypt() {
        in_.clear();
        STOA_TRY(auto begun, smtp_tls::begin(with_.host, with_.ca_file));
        for (;;) {
            const auto done = begun->handshake();
            STOA_TRY_VOID(send(begun->outgoing()));  // also what tells the server why not
            if (!done) return fail(done.error());
            if (*done) break;
            STOA_TRY(const auto more, receive());
            begun->feed(more);
        }
        tls_ = std::move(begun);
        return {};
    }

 private:
    static constexpr std::size_t longest_answer = 64 * 1024;

    bool wait_for(short what) {
        const auto until = std::min(end_, steady::now() + with_.answer_within);
        for (;;) {
            const auto left =
                std::chrono::duration_cast<milliseconds>(until - steady::now()).count();
            if (left <= 0) return false;
            pollfd on{.fd = fd_, .events = what, .revents = 0};
            const int ready = ::poll(&on, 1, static_cast<int>(left));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }
    result<void> send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(n));
            } else if (errno == EAGAIN || errno == EINTR) {
                if (!wait_for(POLLOUT)) return unreachable("the mail server does not read on");
            } else {
                return unreachable(std::string("the connection broke: ") + std::strerror(errno));
            }
        }
        return {};
    }
    // At least a byte, as it comes.
    result<std::string> receive() {
        for (;;) {
            char buffer[4096];
            const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
            if (n > 0) return std::string(buffer, static_cast<std::size_t>(n));
            if (n == 0) return unreachable("the mail server closed the connection");
            if (errno != EAGAIN && errno != EINTR)
                return unreachable(std::string("the connection broke: ") + std::strerror(errno));
            if (!wait_for(POLLIN)) return unreachable("the mail server did not answer in time");
        }
    }
    result<std::string> read_line() {
        for (;;) {
            if (const auto end = in_.find('\n'); end != std::string::npos) {
                auto line = in_.substr(0, end);
                in_.erase(0, end + 1);
                if (line.ends_with('\r')) line.pop_back();
                return line;
            }
            if (in_.size() > longest_answer) return unreachable("the answer has no end");
            if (tls_) {
                // Some of it may have come with the end of the handshake.
                STOA_TRY(const auto plain, tls_->read());
                in_ += plain;
                if (!plain.empty()) continue;
            }
            STOA_TRY(const auto more, receive());
            if (tls_) tls_->feed(more);
            else in_ += more;
        }
    }
    // 250-first … 250 last.
    result<answer> read_answer() {
        answer out;
        for (;;) {
            STOA_TRY(const auto line, read_line());
            const bool coded =
                line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3,
                                                [](char c) { return c >= '0' && c <= '9'; });
            if (!coded || out.text.size() > longest_answer)
                return unreachable("the server does not speak SMTP");
            out.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
            if (line.size() > 4) out.text += (out.text.empty() ? "" : "\n") + line.substr(4);
            if (line.size() == 3 || line[3] != '-') return out;
        }
    }

    const smtp_settings& with_;
    steady::time_point end_;
    int fd_ = -1;
    std::string in_;                 // read, and not yet taken
    std::unique_ptr<smtp_tls> tls_;  // null: plain
};

// CRLF line ends; a line that begins with a dot gets a second one (RFC 5321, 4.5.2).
std::string data_of(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32 + 8);
    bool at_start = true;
    for (const char c : text) {
        if (at_start && c == '.') out += '.';
        at_start = c == '\n';
        if (at_start) out += "\r\n";
        else out += c;
    }
    return out + ".\r\n";
}

result<void> greet(conversation& server, const smtp_settings& with) {
    const auto hello = "EHLO " + with.hello + "\r\n";
    STOA_TRY_VOID(server.connect());
    if (with.tls == smtp_encryption::from_the_start) STOA_TRY_VOID(server.encrypt());
    STOA_TRY_VOID(server.say("", '2', "greeting", about::session));
    STOA_TRY_VOID(server.say(hello, '2', "EHLO", about::session));
    if (with.tls == smtp_encryption::starttls) {
        // One that does not offer it may be somebody in between: no word more in the open.
        STOA_TRY_VOID(server.say("STARTTLS\r\n", '2', "STARTTLS", about::session));
        STOA_TRY_VOID(server.encrypt());
        STOA_TRY_VOID(server.say(hello, '2', "EHLO", about::session));
    }
    if (!with.user.empty()) {
        const auto secret = base64('\0' + with.user + '\0' + with.password);
        STOA_TRY_VOID(
            server.say("AUTH PLAIN " + secret + "\r\n", '2', "AUTH PLAIN", about::session));
    }
    return {};
}

result<void> converse(const smtp_settings& with, const mail& what) {
    conversation server(with);
    STOA_TRY_VOID(greet(server, with));
    STOA_TRY_VOID(server.say("MAIL FROM:<" + what.from + ">\r\n", '2', "MAIL FROM"));
    STOA_TRY_VOID(server.say("RCPT TO:<" + what.to + ">\r\n", '2', "RCPT TO"));
    STOA_TRY_VOID(server.say("DATA\r\n", '3', "DATA"));
    STOA_TRY_VOID(server.say(data_of(mail_text(what, false)), '2', "message"));
    // Taken: what QUIT comes to changes nothing.
    (void)server.say("QUIT\r\n", '2', "QUIT");
    return {};
}

std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return {};
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    if (out.find('\0') != std::string::npos) return {};
    return out;
}

}  // namespace

result<smtp_settings> read_smtp_url(std::string_view url, std::string from) {
    const auto wrong = [](std::string why) {
        return fail(errc::invalid, "bad_smtp_url",
                    why +
                        "; write smtp://[user:password@]host[:port], smtps:// for TLS, or "
                        "smtp+starttls://");
    };
    smtp_settings out{.from = std::move(from)};
    const auto scheme = std::min(url.find("://"), url.size());
    if (url.substr(0, scheme) == "smtps") {
        out.tls = smtp_encryption::from_the_start;
        out.port = "465";
    } else if (url.substr(0, scheme) == "smtp+starttls") {
        out.tls = smtp_encryption::starttls;
        out.port = "587";
    } else if (url.substr(0, scheme) != "smtp") {
        return wrong("not an SMTP address");
    }
    if (scheme == url.size()) return wrong("not an SMTP address");
    url.remove_prefix(scheme + 3);
    if (const auto at = url.rfind('@'); at != std::string_view::npos) {
        const auto who = url.substr(0, at);
        const auto colon = who.find(':');
        if (colon == std::string_view::npos) return wrong("a user needs a password");
        const auto user = decoded(who.substr(0, colon)), password = decoded(who.substr(colon + 1));
        if (!user || !password || user->empty()) return wrong("user or password is ill-formed");
        out.user = *user;
        out.password = *password;
        url.remove_prefix(at + 1);
    }
    if (url.ends_with('/')) url.remove_suffix(1);
    const auto colon = url.starts_with('[') ? url.find(':', url.find(']')) : url.rfind(':');
    auto host = url.substr(0, colon);
    if (colon != std::string_view::npos) {
        out.port = url.substr(colon + 1);
        const bool digits = !out.port.empty() && out.port.size() <= 5 &&
                            out.port.find_first_not_of("0123456789") == std::string::npos;
        if (!digits || std::stoi(out.port) < 1 || std::stoi(out.port) > 65'535)
            return wrong("the port is no number from 1 to 65535");
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    // A name or an address, with nothing that the resolver or an error's line would read otherwise.
    const bool named = std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".-_:%").contains(c);
    });
    if (host.empty() || !named) return wrong("the host is missing or ill-formed");
    out.host = host;
    return out;
}

result<void> probe_smtp(const smtp_settings& with) {
    conversation server(with);
    STOA_TRY_VOID(greet(server, with));
    (void)server.say("QUIT\r\n", '2', "QUIT");  // it let us in: what this comes to changes nothing
    return {};
}

task<result<void>> smtp_notifier::send(message what) {
    mail out{.from = settings_.from,
             .to = std::move(what.to),
             .subject = std::move(what.subject),
             .body = std::move(what.body),
             .id = std::move(what.id),
             .date = time_.now()};
    STOA_CO_TRY_VOID(check_mail(out));
    auto talk = [with = settings_, out = std::move(out)]() -> result<void> {
        return converse(with, out);
    };
    co_return co_await offload(pool_, std::move(talk));
}

}  // namespace stoa
