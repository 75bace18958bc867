// What Amazon's own signer for Python (aws-msk-iam-sasl-signer-python 1.0.2 with botocore 1.44.8)
// makes of the same key, region and second.
#include "adapters/aws/msk_token.hpp"

#include "adapters/aws/digests.hpp"

#include <gtest/gtest.h>

#include <openssl/evp.h>

#include <algorithm>
#include <set>

namespace stoa::aws {
namespace {

constexpr std::string_view theirs = "aws-msk-iam-sasl-signer-python/1.0.2";
const timestamp when = read_rfc3339("2026-03-04T05:06:07Z").value();
const credentials lasting{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {}, {}, {}};
const credentials temporary{
    "ASIAEXAMPLE", "secret/+=", "AQoDYXdz/EPT+//wE==", when + std::chrono::minutes(6), {}};

std::string url_of(std::string text) {
    std::ranges::replace(text, '-', '+');
    std::ranges::replace(text, '_', '/');
    const auto padding = (4 - text.size() % 4) % 4;
    text.append(padding, '=');
    std::string out(text.size() / 4 * 3, '\0');
    EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                    reinterpret_cast<const unsigned char*>(text.data()),
                    static_cast<int>(text.size()));
    out.resize(out.size() - padding);
    return out;
}
// The signature stands on the parameters in alphabetical order, so theirs may differ.
std::set<std::string> parameters_of(std::string_view url) {
    std::set<std::string> out;
    url.remove_prefix(url.find('?') + 1);
    while (!url.empty()) {
        const auto end = std::min(url.find('&'), url.size());
        out.emplace(url.substr(0, end));
        url.remove_prefix(std::min(end + 1, url.size()));
    }
    return out;
}

TEST(msk_token, is_byte_for_byte_what_amazons_signer_makes) {
    EXPECT_EQ(make_msk_token("eu-west-1", lasting, when, theirs).text,
              "aHR0cHM6Ly9rYWZrYS5ldS13ZXN0LTEuYW1hem9uYXdzLmNvbS8_QWN0aW9uPWthZmthLWNsdXN0ZXIlM0FD"
              "b25uZWN0JlgtQW16LUFsZ29yaXRobT1BV1M0LUhNQUMtU0hBMjU2JlgtQW16LUNyZWRlbnRpYWw9QUtJREVY"
              "QU1QTEUlMkYyMDI2MDMwNCUyRmV1LXdlc3QtMSUyRmthZmthLWNsdXN0ZXIlMkZhd3M0X3JlcXVlc3QmWC1B"
              "bXotRGF0ZT0yMDI2MDMwNFQwNTA2MDdaJlgtQW16LUV4cGlyZXM9OTAwJlgtQW16LVNpZ25lZEhlYWRlcnM9"
              "aG9zdCZYLUFtei1TaWduYXR1cmU9Nzg3MWMzMTk4OGFjMzI2ZjViM2E5YTg2MTE5YjU0OTVlZGFmZDk1NGE1"
              "OWIxMzc0ZmQyODM3NTU3OWVhM2NhMCZVc2VyLUFnZW50PWF3cy1tc2staWFtLXNhc2wtc2lnbmVyLXB5dGhv"
              "biUyRjEuMC4y");
}

TEST(msk_token, of_temporary_credentials_carries_their_token_under_the_same_signature) {
    const auto url = url_of(make_msk_token("us-gov-west-1", temporary, when, theirs).text);
    EXPECT_TRUE(url.starts_with("https://kafka.us-gov-west-1.amazonaws.com/?Action=")) << url;
    EXPECT_EQ(
        parameters_of(url),
        (std::set<std::string>{
            "Action=kafka-cluster%3AConnect", "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential="
            "ASIAEXAMPLE%2F20260304%2Fus-gov-west-1%2Fkafka-cluster%2Faws4_request",
            "X-Amz-Date=20260304T050607Z", "X-Amz-Expires=900", "X-Amz-SignedHeaders=host",
            "X-Amz-Security-Token=AQoDYXdz%2FEPT%2B%2F%2FwE%3D%3D",
            "X-Amz-Signature=6288acf68a3559aa2928781ff837f4345d0983420b51f7c4a6dd7e01fd2deffd",
            "User-Agent=aws-msk-iam-sasl-signer-python%2F1.0.2"}));
}

TEST(msk_token, holds_a_quarter_of_an_hour_and_never_longer_than_its_credentials) {
    EXPECT_EQ(make_msk_token("eu-west-1", lasting, when).expires_at,
              when + std::chrono::minutes(15));
    EXPECT_EQ(make_msk_token("eu-west-1", temporary, when).expires_at,
              when + std::chrono::minutes(6));
}

}  // namespace
}  // namespace stoa::aws
