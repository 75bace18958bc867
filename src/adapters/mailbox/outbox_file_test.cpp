#include "adapters/mailbox/outbox_file.hpp"

#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace stoa {
namespace {

class outbox_file_test : public ::testing::Test {
 protected:
    void open() {
        auto made = outbox_file::open(path(), "shop@example.com", clock_, pool_);
        ASSERT_TRUE(made.has_value()) << made.error().detail;
        outbox_ = *std::move(made);
    }
    std::string path() const { return directory_ / "mail.mbox"; }
    result<void> send(std::string id, std::string body = "Text\n") {
        message what{.id = std::move(id),
                     .channel = "email",
                     .to = "ada@example.com",
                     .subject = "Hello",
                     .body = std::move(body)};
        return loop_.run([&] { return outbox_->send(what); });
    }
    std::string content() const {
        std::ifstream in(path(), std::ios::binary);
        std::ostringstream all;
        all << in.rdbuf();
        return all.str();
    }
    void write(std::string_view bytes, std::ios::openmode mode = std::ios::trunc) const {
        std::ofstream(path(), std::ios::binary | mode) << bytes;
    }
    static int count(std::string_view text, std::string_view what) {
        int n = 0;
        for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
        return n;
    }

    testing::temporary_directory directory_;
    testing::manual_clock clock_;
    testing::test_loop loop_;
    blocking_pool pool_{"files", 1, 16};
    std::unique_ptr<outbox_file> outbox_;
};

TEST_F(outbox_file_test, messages_follow_one_another_as_a_mailbox) {
    open();
    ASSERT_TRUE(send("a"));
    ASSERT_TRUE(send("b"));
    const auto text = content();
    EXPECT_TRUE(
        text.starts_with("From shop@example.com Mon Sep 21 14:13:20 2026\n"
                         "From: shop@example.com\nTo: ada@example.com\n"));
    EXPECT_TRUE(text.ends_with("Content-Length: 5\n\nText\n\n"));
    EXPECT_EQ(count(text, "\n\nFrom shop@"), 1);
}

TEST_F(outbox_file_test, a_second_send_of_an_id_appends_nothing_even_after_a_restart) {
    open();
    ASSERT_TRUE(send("a"));
    ASSERT_TRUE(send("a"));
    open();
    ASSERT_TRUE(send("a"));
    ASSERT_TRUE(send("b"));
    EXPECT_EQ(count(content(), "Message-ID: "), 2);
}

TEST_F(outbox_file_test, lines_that_look_like_an_envelope_are_quoted) {
    open();
    ASSERT_TRUE(send("a", "From here\n>From there\nFromage\n\nFrom x Mon\nMessage-ID: <b@stoa>\n"));
    EXPECT_NE(content().find("\n>From here\n>>From there\nFromage\n\n>From x Mon\n"),
              std::string::npos);
    open();
    ASSERT_TRUE(send("b"));  // an id in a body is no message's
    EXPECT_EQ(count(content(), "\nSubject: "), 2);
}

TEST_F(outbox_file_test, a_half_written_message_is_cut_off_and_sent_again) {
    open();
    ASSERT_TRUE(send("a"));
    const auto whole = content();
    ASSERT_TRUE(send("b", "A longer text\nof two lines\n"));
    const auto both = content();
    // Every length that a crash could leave of the second message.
    for (auto size = whole.size() + 1; size < both.size(); ++size) {
        write(std::string_view(both).substr(0, size));
        open();
        EXPECT_EQ(content(), whole) << size;
        if (size % 40 != 0) continue;
        ASSERT_TRUE(send("a"));
        ASSERT_TRUE(send("b", "A longer text\nof two lines\n"));
        EXPECT_EQ(content(), both) << size;
    }
}

TEST_F(outbox_file_test, what_a_mail_program_wrote_is_left_as_it_is) {
    const std::string foreign =
        "From me Mon Sep 21 14:13:20 2026\nSubject: x\nMessage-ID: <a@stoa>\nStatus: RO\n\nHi\n\n";
    write(foreign);
    open();
    EXPECT_EQ(content(), foreign);
    ASSERT_TRUE(send("a"));
    EXPECT_EQ(content(), foreign);
    ASSERT_TRUE(send("b"));
    EXPECT_TRUE(content().starts_with(foreign + "From shop@"));
}

TEST_F(outbox_file_test, a_last_message_without_an_empty_line_stays_apart) {
    for (const std::string foreign : {"From me now\nSubject: x\n\nHi", "From me now\n\nHi\n"}) {
        write(foreign);
        open();
        ASSERT_TRUE(send("a"));
        EXPECT_NE(content().find("Hi\n\nFrom shop@"), std::string::npos) << foreign;
    }
}

TEST_F(outbox_file_test, wrong_messages_and_places_are_refused) {
    open();
    message what{.id = "a", .channel = "email", .to = "a@b.c\nBcc: d@e.f", .subject = "x"};
    EXPECT_EQ(loop_.run([&] { return outbox_->send(what); }).error().kind, errc::invalid);
    EXPECT_EQ(content(), "");
    const auto nowhere =
        outbox_file::open(directory_ / "none/mail.mbox", "shop@example.com", clock_, pool_);
    ASSERT_FALSE(nowhere.has_value());
    EXPECT_EQ(nowhere.error().code, "mailbox_unwritable");
    EXPECT_NE(nowhere.error().detail.find("mail.mbox"), std::string::npos);
}

}  // namespace
}  // namespace stoa
