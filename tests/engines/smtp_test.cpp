// The mail adapter against a real SMTP server (aiosmtpd), plain and in TLS, that puts off, refuses
// and hangs up as mail servers do: by the recipient's name, see deploy/local/smtp.sh.
#include "adapters/smtp/smtp_notifier.hpp"
#include "adapters/system/system_clock.hpp"
#include "engines/engine_address.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace stoa {
namespace {

struct place {
    std::string folder;
    int port = 0;
};
// STOA_TEST_SMTP is host:port; its folder, STOA_TEST_SMTP_DIR.
place server() {
    const auto address = testing::engine_address("STOA_TEST_SMTP");
    return {testing::engine_address("STOA_TEST_SMTP_DIR"),
            std::stoi(address.substr(address.rfind(':') + 1))};
}

class smtp_engine : public ::testing::Test {
 protected:
    smtp_settings at(const std::string& url) {
        auto out = read_smtp_url(url, "shop@shop.test");
        if (!out) throw std::runtime_error(out.error().detail);
        out->answer_within = milliseconds(3'000);
        out->finish_within = milliseconds(6'000);
        out->ca_file = there_.folder + "/ca.pem";
        return *out;
    }
    std::string plain() const { return "smtp://127.0.0.1:" + std::to_string(there_.port); }
    std::string tls(const std::string& host = "localhost",
                    const std::string& who = "shop:secret@") const {
        return "smtps://" + who + host + ':' + std::to_string(there_.port + 1);
    }
    result<void> send(const smtp_settings& with, const std::string& to,
                      const std::string& body = "Hello\n.dot\n") {
        smtp_notifier out(with, time_, pool_);
        return io_.run([&] {
            return out.send(
                {.id = id_, .channel = "email", .to = to, .subject = "Grüße", .body = body});
        });
    }
    // What the server has of this test's message.
    std::vector<std::string> taken() const {
        std::vector<std::string> out;
        for (const auto& each : std::filesystem::directory_iterator(there_.folder + "/mail")) {
            if (each.path().extension() != ".eml") continue;
            std::ifstream in(each.path());
            std::stringstream text;
            text << in.rdbuf();
            if (text.str().find(id_) != std::string::npos) out.push_back(text.str());
        }
        return out;
    }

    place there_ = server();
    testing::test_loop io_;
    system_clock time_;
    system_random random_;
    std::string id_ = new_id(time_, random_);
    blocking_pool pool_{"mail", 2, 16};
};

TEST_F(smtp_engine, a_message_arrives_as_it_was_written) {
    const auto done = send(at(plain()), "ann@x.test");
    ASSERT_TRUE(done) << done.error().detail;
    ASSERT_EQ(taken().size(), 1U);
    const auto text = taken().front();
    EXPECT_NE(text.find("X-Envelope-To: ann@x.test"), std::string::npos) << text;
    EXPECT_NE(text.find("X-Transport: plain"), std::string::npos) << text;
    EXPECT_NE(text.find("From: "), std::string::npos) << text;
    EXPECT_NE(text.find("shop@shop.test"), std::string::npos) << text;
}

TEST_F(smtp_engine, what_is_put_off_may_be_sent_again_and_arrives_once) {
    const auto to = "greylisted-" + id_ + "@x.test";
    const auto first = send(at(plain()), to);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().kind, errc::unavailable);
    EXPECT_NE(first.error().detail.find("451"), std::string::npos) << first.error().detail;
    EXPECT_TRUE(taken().empty());
    EXPECT_TRUE(send(at(plain()), to));
    EXPECT_EQ(taken().size(), 1U);
    const auto full = send(at(plain()), "full@x.test");
    EXPECT_EQ(full.error().kind, errc::unavailable);
    EXPECT_NE(full.error().detail.find("452"), std::string::npos);
}

TEST_F(smtp_engine, what_is_refused_is_refused_for_good) {
    for (const auto& [to, code] :
         {std::pair{"nobody@x.test", "550"}, std::pair{"spam@x.test", "554"}}) {
        const auto told = send(at(plain()), to);
        ASSERT_FALSE(told) << to;
        EXPECT_EQ(told.error().kind, errc::invalid) << to;
        EXPECT_EQ(told.error().code, "mail_refused") << to;
        EXPECT_NE(told.error().detail.find(code), std::string::npos) << told.error().detail;
    }
    EXPECT_TRUE(taken().empty());
}

TEST_F(smtp_engine, a_connection_that_breaks_is_no_verdict) {
    const auto before = send(at(plain()), "cut@x.test");
    ASSERT_FALSE(before);
    EXPECT_EQ(before.error().kind, errc::unavailable) << before.error().detail;
    EXPECT_TRUE(taken().empty());
    // Taken, but the answer is lost: at least once, under the same id.
    const auto after = send(at(plain()), "after-cut@x.test");
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error().kind, errc::unavailable);
    EXPECT_EQ(taken().size(), 1U);
}

TEST_F(smtp_engine, a_server_that_says_nothing_is_given_up_in_time) {
    auto with = at(plain());
    with.answer_within = milliseconds(300);
    const auto began = time_.ticks();
    const auto told = send(with, "slow@x.test");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind, errc::unavailable);
    EXPECT_LT(time_.ticks().nanos - began.nanos, 3'000'000'000);
    // Nobody there at all.
    EXPECT_EQ(send(at("smtp://127.0.0.1:1"), "ann@x.test").error().kind, errc::unavailable);
}

TEST_F(smtp_engine, in_tls_with_a_login_by_name_and_by_address) {
    for (const auto* host : {"localhost", "127.0.0.1"}) {
        const auto done = send(at(tls(host)), "ann@x.test");
        ASSERT_TRUE(done) << host << ": " << done.error().detail;
    }
    ASSERT_EQ(taken().size(), 2U);
    EXPECT_NE(taken().front().find("X-Transport: tls"), std::string::npos);
}

TEST_F(smtp_engine, with_starttls) {
    const auto url = "smtp+starttls://localhost:" + std::to_string(there_.port);
    const auto done = send(at(url), "ann@x.test", std::string(300'000, 'x') + '\n');
    ASSERT_TRUE(done) << done.error().detail;
    ASSERT_EQ(taken().size(), 1U);
    EXPECT_NE(taken().front().find("X-Transport: tls"), std::string::npos);
    // A server that does not offer it hears no more of us: the port where all is TLS already
    // speaks to nobody in the open, and the one with TLS from the start offers no second one.
    auto twice = at("smtp+starttls://localhost:" + std::to_string(there_.port + 1));
    twice.answer_within = milliseconds(500);
    EXPECT_EQ(send(twice, "ann@x.test").error().kind, errc::unavailable);
}

TEST_F(smtp_engine, a_certificate_that_is_not_trusted_stops_before_the_password) {
    auto stranger = at(tls());
    stranger.ca_file = "";
    const auto told = send(stranger, "ann@x.test");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, "mail_server_certificate") << told.error().detail;
    EXPECT_EQ(told.error().kind, errc::unavailable);
    // Its certificate does not name this address.
    const auto misnamed = send(at(tls("127.0.0.2")), "ann@x.test");
    ASSERT_FALSE(misnamed);
    EXPECT_NE(misnamed.error().code, "mail_refused");
    auto unreadable = at(tls());
    unreadable.ca_file = there_.folder + "/none.pem";
    EXPECT_EQ(send(unreadable, "ann@x.test").error().code, "ca_file_unreadable");
    // Plain words to a port of TLS.
    auto with = at("smtp://127.0.0.1:" + std::to_string(there_.port + 1));
    with.answer_within = milliseconds(500);
    EXPECT_EQ(send(with, "ann@x.test").error().kind, errc::unavailable);
    EXPECT_TRUE(taken().empty());
}

TEST_F(smtp_engine, a_wrong_password_is_about_us_and_not_about_the_message) {
    const auto told = send(at(tls("localhost", "shop:wrong@")), "ann@x.test");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind, errc::unavailable);
    EXPECT_NE(told.error().detail.find("AUTH"), std::string::npos);
    EXPECT_EQ(told.error().detail.find("wrong"), std::string::npos) << told.error().detail;
    EXPECT_FALSE(probe_smtp(at(tls("localhost", "shop:wrong@"))));
    EXPECT_TRUE(probe_smtp(at(tls())));
    EXPECT_TRUE(probe_smtp(at(plain())));
}

}  // namespace
}  // namespace stoa
