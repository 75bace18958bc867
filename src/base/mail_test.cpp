#include "base/mail.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

mail good() {
    return {.from = "shop@example.com",
            .to = "ada@example.com",
            .subject = "Hello",
            .body = "One\nTwo\n",
            .id = "e1.email",
            .date = {1'790'000'000'000'000}};
}

TEST(mail, is_written_as_rfc_5322_says) {
    EXPECT_EQ(mail_text(good(), false),
              "From: shop@example.com\nTo: ada@example.com\nSubject: Hello\n"
              "Date: Mon, 21 Sep 2026 14:13:20 +0000\nMessage-ID: <e1.email@stoa>\n"
              "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
              "Content-Transfer-Encoding: 7bit\n\nOne\nTwo\n");
}

TEST(mail, other_letters_in_a_subject_are_encoded_in_words_that_cut_none) {
    auto what = good();
    what.subject = "Grüße";
    EXPECT_NE(mail_text(what, false).find("Subject: =?UTF-8?B?R3LDvMOfZQ==?=\n"),
              std::string::npos);
    what.subject.clear();
    for (int i = 0; i < 40; ++i) what.subject += "ü";  // 80 bytes, two a letter
    const auto text = mail_text(what, false);
    EXPECT_NE(text.find("?=\n =?UTF-8?B?"), std::string::npos);
    // 22 letters: 44 bytes, since a 45th would be half a letter.
    std::string first;
    for (int i = 0; i < 22; ++i) first += "ü";
    EXPECT_NE(text.find("Subject: =?UTF-8?B?" + base64(first) + "?=\n"), std::string::npos);
    what.subject = "=?fake?=";  // would be read as encoded
    EXPECT_EQ(mail_text(what, false).find("=?fake?="), std::string::npos);
}

TEST(mail, a_body_beyond_seven_bits_is_encoded_unless_the_reader_takes_it) {
    auto what = good();
    what.body = "Grüße\n";
    EXPECT_NE(mail_text(what, false).find("base64\n\nR3LDvMOfZQo=\n"), std::string::npos);
    EXPECT_NE(mail_text(what, true).find("8bit\n\nGrüße\n"), std::string::npos);
    what.body = std::string(2'000, 'x');
    EXPECT_NE(mail_text(what, false).find("base64"), std::string::npos);
}

TEST(mail, base64_is_rfc_4648s) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foo"), "Zm9v");
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(mail, no_field_can_break_out_of_its_header) {
    EXPECT_TRUE(check_mail(good()).has_value());
    const auto code = [](auto edit) {
        auto what = good();
        edit(what);
        const auto checked = check_mail(what);
        return checked ? std::string() : checked.error().code;
    };
    EXPECT_EQ(code([](mail& m) { m.subject = "a\r\nBcc: x@y.z"; }), "bad_subject");
    EXPECT_EQ(code([](mail& m) { m.subject = "a\nb"; }), "bad_subject");
    EXPECT_EQ(code([](mail& m) { m.subject = "\xff"; }), "bad_subject");
    EXPECT_EQ(code([](mail& m) { m.to = "a@b.c\r\nDATA"; }), "bad_recipient");
    EXPECT_EQ(code([](mail& m) { m.to = "a@b.c> x"; }), "bad_recipient");
    EXPECT_EQ(code([](mail& m) { m.to = "nobody"; }), "bad_recipient");
    EXPECT_EQ(code([](mail& m) { m.from = "a@b@c"; }), "bad_sender");
    EXPECT_EQ(code([](mail& m) { m.id = "a\nb"; }), "bad_message_id");
    EXPECT_EQ(code([](mail& m) { m.id = std::string(999, 'x'); }), "bad_message_id");
    EXPECT_EQ(code([](mail& m) { m.body = std::string("a\0b", 3); }), "bad_body");
    EXPECT_EQ(message_id_of("a b>\n"), "<a-b--@stoa>");
}

}  // namespace
}  // namespace stoa
