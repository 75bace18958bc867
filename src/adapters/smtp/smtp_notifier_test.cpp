// Against a small server on loopback that answers as a script says.
#include "adapters/smtp/smtp_notifier.hpp"

#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <thread>

namespace stoa {
namespace {

// Serves one connection. `answers` by the first word of a line; others get 250.
class smtp_server {
 public:
    explicit smtp_server(std::map<std::string, std::string> answers)
        : answers_(std::move(answers)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
            ::listen(listener_, 1) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
            throw std::runtime_error("no listener");
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~smtp_server() { (void)heard(); }
    std::string port() const { return std::to_string(port_); }
    // All that the client said, once it has gone.
    const std::string& heard() {
        if (thread_.joinable()) {
            ::shutdown(listener_, SHUT_RDWR);
            thread_.join();
            ::close(listener_);
        }
        return heard_;
    }

 private:
    std::string answer_to(const std::string& word, const std::string& otherwise) const {
        const auto found = answers_.find(word);
        return found == answers_.end() ? otherwise : found->second;
    }
    void serve() {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        const auto say = [&](const std::string& line) {
            return ::send(client, line.data(), line.size(), MSG_NOSIGNAL) > 0;
        };
        say(answer_to("greeting", "220 ready\r\n"));
        std::string pending;
        bool in_data = false;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::recv(client, buffer, sizeof buffer, 0)) > 0;) {
            heard_.append(buffer, static_cast<std::size_t>(n));
            pending.append(buffer, static_cast<std::size_t>(n));
            for (auto end = pending.find("\r\n"); end != pending.npos; end = pending.find("\r\n")) {
                const auto line = pending.substr(0, end);
                pending.erase(0, end + 2);
                if (in_data && line != ".") continue;
                const auto word = in_data ? "." : line.substr(0, line.find(' '));
                in_data = word == "DATA" && answer_to(word, "354").starts_with('3');
                const auto out = answer_to(word, in_data ? "354 go on\r\n" : "250 fine\r\n");
                if (!out.empty()) say(out);
            }
        }
        ::close(client);
    }

    std::map<std::string, std::string> answers_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::string heard_;
    std::thread thread_;
};

class smtp_notifier_test : public ::testing::Test {
 protected:
    result<void> send(const std::string& port, std::string user = {},
                      milliseconds answer_within = seconds(20)) {
        smtp_notifier by({.host = "127.0.0.1",
                          .port = port,
                          .user = user,
                          .password = user.empty() ? "" : "pass",
                          .from = "shop@example.com",
                          .answer_within = answer_within},
                         clock_, pool_);
        return loop_.run([&] { return by.send(what_); });
    }
    static std::string outcome(const result<void>& of) {
        if (of) return "sent";
        return of.error().kind == errc::invalid       ? "invalid"
               : of.error().kind == errc::unavailable ? "unavailable"
                                                      : "other";
    }

    testing::manual_clock clock_;
    testing::test_loop loop_;
    blocking_pool pool_{"mail", 1, 4};
    message what_{.id = "e1.email",
                  .channel = "email",
                  .to = "ada@example.com",
                  .subject = "Hello",
                  .body = "One\n.\n..two\nthree"};
};

TEST_F(smtp_notifier_test, a_message_is_handed_over_with_its_dots_stuffed) {
    smtp_server server({{"EHLO", "250-here\r\n250 8BITMIME\r\n"}, {"QUIT", "221 bye\r\n"}});
    const auto sent = send(server.port());
    EXPECT_TRUE(sent) << sent.error().detail;
    const auto& heard = server.heard();
    EXPECT_TRUE(
        heard.starts_with("EHLO stoa\r\nMAIL FROM:<shop@example.com>\r\n"
                          "RCPT TO:<ada@example.com>\r\nDATA\r\nFrom: shop@example.com\r\n"));
    EXPECT_NE(heard.find("Message-ID: <e1.email@stoa>\r\n"), std::string::npos);
    EXPECT_TRUE(heard.ends_with("\r\n\r\nOne\r\n..\r\n...two\r\nthree\r\n.\r\nQUIT\r\n"));
}

TEST_F(smtp_notifier_test, credentials_are_sent_before_the_envelope) {
    smtp_server server({{"AUTH", "235 welcome\r\n"}});
    EXPECT_TRUE(send(server.port(), "me"));
    EXPECT_NE(server.heard().find("AUTH PLAIN AG1lAHBhc3M=\r\nMAIL FROM"), std::string::npos);
}

TEST_F(smtp_notifier_test, four_hundreds_may_pass_and_five_hundreds_do_not) {
    const auto with = [&](const char* word, const char* told) {
        smtp_server server({{word, told}});
        return outcome(send(server.port(), "me"));
    };
    const char* soft = "451 later\r\n";
    const char* hard = "550 no such mailbox\r\n";
    for (const char* word : {"MAIL", "RCPT", "DATA", "."}) {
        std::map<std::string, std::string> login{{"AUTH", "235 welcome\r\n"}};
        login[word] = soft;
        smtp_server first(login);
        EXPECT_EQ(outcome(send(first.port(), "me")), "unavailable") << word;
        login[word] = hard;
        smtp_server second(login);
        EXPECT_EQ(outcome(send(second.port(), "me")), "invalid") << word;
    }
    // A refused session says nothing about the message.
    EXPECT_EQ(with("greeting", "554 go away\r\n"), "unavailable");
    EXPECT_EQ(with("EHLO", "502 what\r\n"), "unavailable");
    EXPECT_EQ(with("AUTH", "535 wrong\r\n"), "unavailable");
}

TEST_F(smtp_notifier_test, a_password_is_in_no_error) {
    smtp_server server({{"AUTH", "535 wrong\r\n"}});
    const auto failed = send(server.port(), "me");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().detail.find("AG1l"), std::string::npos);
}

TEST_F(smtp_notifier_test, what_is_no_mail_server_is_unavailable) {
    {
        smtp_server silent({{"EHLO", ""}});
        EXPECT_EQ(outcome(send(silent.port(), {}, milliseconds(50))), "unavailable");
    }
    {
        smtp_server other({{"greeting", "HTTP/1.1 400 Bad Request\r\n"}});
        EXPECT_EQ(outcome(send(other.port())), "unavailable");
    }
    std::string gone;
    {
        smtp_server closed({});
        gone = closed.port();
    }
    EXPECT_EQ(outcome(send(gone)), "unavailable");
}

TEST_F(smtp_notifier_test, a_recipient_cannot_add_commands) {
    smtp_server server({});
    what_.to = "ada@example.com>\r\nRCPT TO:<eve@example.com";
    EXPECT_EQ(outcome(send(server.port())), "invalid");
    what_.to = "ada@example.com";
    what_.subject = "x\r\nBcc: eve@example.com";
    EXPECT_EQ(outcome(send(server.port())), "invalid");
    EXPECT_EQ(server.heard(), "");
}

TEST(smtp_url, is_read_or_refused_with_a_reason_that_keeps_the_password) {
    auto read = read_smtp_url("smtp://me%40x:p%3Aw@mail.example.com:2525", "shop@example.com");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->user + '|' + read->password + '|' + read->host + '|' + read->port,
              "me@x|p:w|mail.example.com|2525");
    read = read_smtp_url("smtp://[::1]/", "shop@example.com");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->host + '|' + read->port, "::1|25");
    EXPECT_EQ(read->tls, smtp_encryption::none);
    read = read_smtp_url("smtps://mail.example.com", "shop@example.com");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->port, "465");
    EXPECT_EQ(read->tls, smtp_encryption::from_the_start);
    read = read_smtp_url("smtp+starttls://u:p@mail.example.com", "shop@example.com");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->port, "587");
    EXPECT_EQ(read->tls, smtp_encryption::starttls);
    for (const char* bad :
         {"", "http://x", "smtpx://x", "smtp:x", "smtps", "smtp://", "smtp://x:0", "smtp://x:99999",
          "smtp://x:y", "smtp://secret@x", "smtp://u:secret%zz@x", "smtp://a b", "smtp://a\tb",
          "smtp://[::1", "smtp://[::1]x", "smtp://h\"x"}) {
        const auto refused = read_smtp_url(bad, "shop@example.com");
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().kind, errc::invalid);
        EXPECT_EQ(refused.error().detail.find("secret"), std::string::npos);
    }
}

}  // namespace
}  // namespace stoa
