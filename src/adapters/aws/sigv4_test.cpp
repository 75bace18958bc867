// The vectors that Amazon has published: the signature test suite, and the examples of the S3 and
// IAM guides.
#include "adapters/aws/sigv4.hpp"

#include <gtest/gtest.h>

namespace stoa::aws {
namespace {

const credentials suite{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {}, {}, {}};
const signing_place suite_place{"service", "us-east-1"};
const credentials s3_example{
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", {}, {}, {}};
const signing_place s3_place{"s3", "us-east-1"};

timestamp at(std::string_view text) { return read_rfc3339(text).value(); }
const timestamp suite_time = at("2015-08-30T12:36:00Z");

std::string signature(const http_request& of) {
    for (const auto& [name, value] : of.headers)
        if (name == "Authorization") return value.substr(value.find("Signature=") + 10);
    return {};
}
std::string suite_signature(http_request of) {
    of.url = "http://example.amazonaws.com" + of.url;
    sign(of, suite, suite_place, suite_time);
    return signature(of);
}

TEST(sigv4, get_vanilla) {
    http_request what{.url = "http://example.amazonaws.com/"};
    sign(what, suite, suite_place, suite_time);
    ASSERT_EQ(what.headers.size(), 2u);
    EXPECT_EQ(what.headers[0].value, "20150830T123600Z");
    EXPECT_EQ(what.headers[1].value,
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date, "
              "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(sigv4, get_vanilla_query_order) {
    EXPECT_EQ(suite_signature({.url = "/?Param2=value2&Param1=value1"}),
              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(sigv4, unreserved_characters_stay_as_they_are) {
    constexpr std::string_view all =
        "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    EXPECT_EQ(suite_signature({.url = "/?" + std::string(all) + '=' + std::string(all)}),
              "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
    EXPECT_EQ(suite_signature({.url = "/" + std::string(all)}),
              "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f");
}

TEST(sigv4, paths_are_encoded_and_normalised) {
    constexpr std::string_view vanilla =
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    EXPECT_EQ(suite_signature({.url = "/example/.."}), vanilla);
    EXPECT_EQ(suite_signature({.url = "/./"}), vanilla);
    EXPECT_EQ(suite_signature({.url = "//"}), vanilla);
    EXPECT_EQ(suite_signature({.url = "/\xe1\x88\xb4"}),
              "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
}

TEST(sigv4, header_values_are_trimmed_and_joined) {
    EXPECT_EQ(
        suite_signature(
            {.url = "/", .headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}}),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
    EXPECT_EQ(suite_signature({.url = "/",
                               .headers = {{"My-Header1", "value2"},
                                           {"My-Header1", "value2"},
                                           {"My-Header1", "value1"}}}),
              "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
}

TEST(sigv4, post_with_a_body) {
    EXPECT_EQ(suite_signature({.method = "POST",
                               .url = "/",
                               .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                               .body = "Param1=value1"}),
              "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
    EXPECT_EQ(suite_signature({.method = "POST", .url = "/"}),
              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(sigv4, a_session_token_is_signed) {
    auto with_token = suite;
    with_token.session_token =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
        "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/"
        "qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx"
        "6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KS"
        "YvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    http_request what{.method = "POST", .url = "http://example.amazonaws.com/"};
    sign(what, with_token, suite_place, suite_time);
    EXPECT_EQ(signature(what), "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

TEST(sigv4, s3_get_with_a_range) {
    http_request what{.url = "https://examplebucket.s3.amazonaws.com/test.txt",
                      .headers = {{"Range", "bytes=0-9"}}};
    sign(what, s3_example, s3_place, at("2013-05-24T00:00:00Z"), path_rule::as_sent);
    EXPECT_EQ(signature(what), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(sigv4, s3_put_of_an_encoded_key) {
    http_request what{.method = "PUT",
                      .url = "https://examplebucket.s3.amazonaws.com/test%24file.text",
                      .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                      .body = "Welcome to Amazon S3."};
    sign(what, s3_example, s3_place, at("2013-05-24T00:00:00Z"), path_rule::as_sent);
    EXPECT_EQ(signature(what), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(sigv4, s3_list_with_a_query) {
    http_request what{.url = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"};
    sign(what, s3_example, s3_place, at("2013-05-24T00:00:00Z"), path_rule::as_sent);
    EXPECT_EQ(signature(what), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(sigv4, s3_presigned_address) {
    EXPECT_EQ(presigned("GET", "https://examplebucket.s3.amazonaws.com/test.txt", s3_example,
                        s3_place, at("2013-05-24T00:00:00Z"), std::chrono::seconds(86'400)),
              "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
              "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
              "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(sigv4, the_example_of_the_iam_guide) {
    http_request what{
        .url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}};
    sign(what, suite, {"iam", "us-east-1"}, suite_time);
    EXPECT_EQ(signature(what), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(sigv4, a_presigned_address_carries_the_token_and_keeps_its_query) {
    auto temporary = s3_example;
    temporary.session_token = "to+ken/=";
    const auto url =
        presigned("GET", "http://h:9/b/k?versionId=3", temporary, s3_place, {}, seconds(60));
    EXPECT_NE(url.find("/b/k?versionId=3&X-Amz-Algorithm="), std::string::npos) << url;
    EXPECT_NE(url.find("&X-Amz-Security-Token=to%2Bken%2F%3D&"), std::string::npos) << url;
}

}  // namespace
}  // namespace stoa::aws
