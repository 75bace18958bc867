#include "adapters/aws/aws_error.hpp"

#include <gtest/gtest.h>

namespace stoa::aws {
namespace {

TEST(aws_error, json_and_xml_say_the_same) {
    const auto json = read_error(
        {400, {}, R"({"__type":"com.amazon.coral.validate#ValidationException","message":"no"})"});
    EXPECT_EQ(json.code, "ValidationException");
    EXPECT_EQ(json.message, "no");
    const auto xml = read_error({404,
                                 {},
                                 "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code>"
                                 "<Message>a &lt;b&gt; &#233;&#x20AC;</Message></Error>"});
    EXPECT_EQ(xml.code, "NoSuchKey");
    EXPECT_EQ(xml.message, "a <b> \xc3\xa9\xe2\x82\xac");
    EXPECT_EQ(read_error({403, {{"x-amzn-errortype", "AccessDenied:http://x"}}, ""}).code,
              "AccessDenied");
    EXPECT_EQ(read_error({502, {}, "<html>bad gateway"}).code, "");
    EXPECT_EQ(read_error({400, {}, "{not json"}).code, "");
}

TEST(aws_error, meanings_decide_what_may_be_asked_again) {
    EXPECT_EQ(meaning_of({400, "ThrottlingException", ""}), refusal::throttled);
    EXPECT_EQ(meaning_of({503, "SlowDown", ""}), refusal::throttled);
    EXPECT_EQ(meaning_of({429, "", ""}), refusal::throttled);
    EXPECT_EQ(meaning_of({500, "InternalServerError", ""}), refusal::unknown);
    EXPECT_EQ(meaning_of({502, "", ""}), refusal::unknown);
    EXPECT_EQ(meaning_of({400, "ExpiredTokenException", ""}), refusal::credentials);
    EXPECT_EQ(meaning_of({403, "SignatureDoesNotMatch", ""}), refusal::forbidden);
    EXPECT_EQ(meaning_of({403, "", ""}), refusal::forbidden);
    EXPECT_EQ(meaning_of({400, "ConditionalCheckFailedException", ""}), refusal::other);
    EXPECT_EQ(meaning_of({501, "NotImplemented", ""}), refusal::other);
}

TEST(aws_error, elements_are_found_by_their_whole_name) {
    constexpr std::string_view text =
        "<L><KeyCount>2</KeyCount><C><Key>a</Key></C><C x=\"1\"><Key>b&amp;c</Key></C><E/></L>";
    const auto found = xml_elements(text, "C");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(xml_text(found[0], "Key"), "a");
    EXPECT_EQ(xml_text(found[1], "Key"), "b&c");
    EXPECT_EQ(xml_text(text, "KeyCount"), "2");
    EXPECT_EQ(xml_elements(text, "E").size(), 1u);
    EXPECT_EQ(xml_text(text, "E"), "");
    EXPECT_TRUE(xml_elements("<C>cut", "C").empty());
    EXPECT_TRUE(xml_elements("<C", "C").empty());
    EXPECT_EQ(xml_text("<K>&unknown; &amp</K>", "K"), "&unknown; &amp");
    EXPECT_EQ(xml_escaped("<a&\"b\">"), "&lt;a&amp;&quot;b&quot;&gt;");
}

}  // namespace
}  // namespace stoa::aws
