#include "adapters/mailbox/outbox_file.hpp"

#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace stoa {
namespace {

class outbox_file_test : public ::testing::Test {
 protected:
    void open(std::int64_t most_bytes = 0) {
        auto made = outbox_file::open(path(), "shop@example.com", clock_, pool_, most_bytes);
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
    std::string content() const { return content_of(path()); }
    static std::string content_of(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
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

TEST_F(outbox_file_test, a_full_file_is_put_aside_and_two_are_all_there_is) {
    open(2'000);
    const std::string body(500, 'x');
    std::vector<std::string> written;
    for (int i = 0; i < 20; ++i) {
        const auto id = "m" + std::to_string(i);
        ASSERT_TRUE(send(id, body + "\n"));
        // Each is in one of the two whole, and both are as long as they may be at most.
        const auto now = content(), before = content_of(path() + ".1");
        EXPECT_LE(now.size(), 2'000U);
        EXPECT_LE(before.size(), 2'000U);
        EXPECT_TRUE(now.starts_with("From shop@") && now.ends_with("\n\n"));
        EXPECT_EQ(count(now, "<" + id + "@"), 1);
        if (i > 0) EXPECT_EQ(count(before + now, "<m" + std::to_string(i - 1) + "@"), 1);
    }
    EXPECT_GE(count(content_of(path() + ".1"), "Message-ID: "), 2);
    std::int64_t files = 0;
    for ([[maybe_unused]] const auto& each :
         std::filesystem::directory_iterator(std::filesystem::path(path()).parent_path()))
        ++files;
    EXPECT_EQ(files, 2);
}

TEST_F(outbox_file_test, what_the_file_put_aside_has_is_not_written_again_even_after_a_restart) {
    open(2'000);
    for (const char* id : {"a", "b", "c", "d"}) ASSERT_TRUE(send(id, std::string(500, 'x') + "\n"));
    const auto before = content_of(path() + ".1"), now = content();
    ASSERT_EQ(count(before, "<a@"), 1);
    for (const bool restart : {false, true}) {
        if (restart) open(2'000);
        ASSERT_TRUE(send("a", "again\n"));
        ASSERT_TRUE(send("d", "again\n"));
        EXPECT_EQ(content_of(path() + ".1"), before);
        EXPECT_EQ(content(), now);
    }
}

// A crash after the full file has its new name, and before there is another.
TEST_F(outbox_file_test, a_start_without_a_file_beside_one_put_aside_begins_another) {
    open(2'000);
    ASSERT_TRUE(send("a"));
    std::filesystem::rename(path(), path() + ".1");
    open(2'000);
    ASSERT_TRUE(send("a"));
    ASSERT_TRUE(send("b"));
    EXPECT_EQ(count(content(), "Message-ID: "), 1);
}

TEST_F(outbox_file_test, a_message_longer_than_a_file_may_be_is_alone_in_one) {
    open(2'000);
    ASSERT_TRUE(send("a", std::string(3'000, 'x') + "\n"));
    EXPECT_EQ(content_of(path() + ".1"), "");
    ASSERT_TRUE(send("b"));
    EXPECT_EQ(count(content(), "Message-ID: "), 1);
    EXPECT_EQ(count(content_of(path() + ".1"), "<a@"), 1);
}

TEST_F(outbox_file_test, a_file_that_cannot_be_put_aside_is_said_and_kept) {
    open(2'000);
    ASSERT_TRUE(send("a", std::string(1'500, 'x') + "\n"));
    const auto now = content();
    std::filesystem::create_directory(path() + ".1");  // no file takes its place
    const auto sent = send("b", std::string(1'500, 'x') + "\n");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, "mailbox_unwritable");
    EXPECT_EQ(content(), now);
    std::filesystem::remove(path() + ".1");
    ASSERT_TRUE(send("b", std::string(1'500, 'x') + "\n"));
    EXPECT_EQ(content_of(path() + ".1"), now);
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
