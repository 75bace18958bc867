#include "adapters/stripe/stripe_webhook.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace stoa::stripe {
namespace {

constexpr timestamp now{1'790'000'000'000'000};
const std::string body = R"({"id":"evt_1","type":"payment_intent.succeeded"})";
constexpr const char* known = "6bd5ebbc9cbce4fe6d9c728ba6c962ae7ec5510179f82646471f20bba89e7ffd";

std::string v1(const std::string& secret, const std::string& t, const std::string& text = body) {
    std::array<unsigned char, 32> raw{};
    unsigned int size = 0;
    const auto payload = t + '.' + text;
    ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(payload.data()), payload.size(), raw.data(),
           &size);
    std::string out;
    for (const auto byte : raw) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", byte);
        out += two;
    }
    return out;
}
std::string header(const std::string& secret, std::int64_t at_s = now.unix_s()) {
    const auto t = std::to_string(at_s);
    return "t=" + t + ",v1=" + v1(secret, t);
}
std::string code_of(const result<void>& told) { return told ? "" : told.error().code; }

TEST(stripe_webhook, a_signature_by_the_secret_is_taken) {
    EXPECT_TRUE(check_signature(header("whsec_a"), body, {"whsec_a"}, now));
    const auto t = std::to_string(now.unix_s());
    EXPECT_TRUE(check_signature("t=" + t + ", v0=00 , v1=" + v1("whsec_a", t) + ",v1=feed", body,
                                {"whsec_a"}, now));
}

// HMAC-SHA256 of a fixed text, computed by another tool.
TEST(stripe_webhook, a_signature_is_the_hmac_of_time_dot_body) {
    EXPECT_EQ(v1("whsec_test", "1614556800", "{}"), known);
    EXPECT_TRUE(check_signature(std::string("t=1614556800,v1=") + known, "{}", {"whsec_test"},
                                {1'614'556'800'000'000}));
}

TEST(stripe_webhook, while_a_secret_is_changed_the_old_and_the_new_one_are_taken) {
    const std::vector<std::string> both{"whsec_new", "whsec_old"};
    EXPECT_TRUE(check_signature(header("whsec_old"), body, both, now));
    EXPECT_TRUE(check_signature(header("whsec_new"), body, both, now));
    EXPECT_EQ(code_of(check_signature(header("whsec_older"), body, both, now)),
              "webhook_signature_wrong");
}

TEST(stripe_webhook, a_changed_body_or_time_or_no_secret_is_refused) {
    EXPECT_EQ(code_of(check_signature(header("s"), body + ' ', {"s"}, now)),
              "webhook_signature_wrong");
    auto moved = header("s", now.unix_s() - 10);
    moved.replace(moved.find("t=") + 2, 10, std::to_string(now.unix_s()));
    EXPECT_EQ(code_of(check_signature(moved, body, {"s"}, now)), "webhook_signature_wrong");
    EXPECT_EQ(code_of(check_signature(header("s"), body, {}, now)), "webhook_signature_wrong");
}

TEST(stripe_webhook, news_of_another_time_are_refused) {
    for (const std::int64_t off : {-301, 301, -100'000})
        EXPECT_EQ(code_of(check_signature(header("s", now.unix_s() + off), body, {"s"}, now)),
                  "webhook_too_old")
            << off;
    for (const std::int64_t off : {-299, 0, 299})
        EXPECT_TRUE(check_signature(header("s", now.unix_s() + off), body, {"s"}, now)) << off;
}

TEST(stripe_webhook, a_header_that_is_none_is_refused) {
    for (const std::string& bad :
         {std::string(), std::string(","), std::string("t=1"), std::string("v1=00"),
          std::string("t=,v1=00"), std::string("t=-1,v1=00"), std::string("t=1x,v1=00"),
          std::string("t=99999999999999999999,v1=00")})
        EXPECT_EQ(code_of(check_signature(bad, body, {"s"}, now)), "webhook_signature_missing")
            << bad;
    std::string many = "t=1";
    for (int i = 0; i < 17; ++i) many += ",v1=00";
    EXPECT_EQ(code_of(check_signature(many, body, {"s"}, now)), "webhook_signature_missing");
}

TEST(stripe_webhook, news_name_the_order_they_are_about) {
    const auto told = read_news(
        R"({"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1",
            "metadata":{"order_id":"o-1","other":"x"}}},"livemode":true})");
    ASSERT_TRUE(told) << told.error().detail;
    EXPECT_EQ(told->order_id, "o-1");
    EXPECT_EQ(told->type, "payment_intent.succeeded");
    // Of somebody's account, but of no order.
    EXPECT_EQ(read_news(R"({"id":"e","type":"ping","data":{"object":{"metadata":{}}}})")->order_id,
              "");
    EXPECT_EQ(
        read_news(R"({"id":"e","type":"ping","data":{"object":{"metadata":null}}})")->order_id, "");
    EXPECT_FALSE(read_news("{}"));
    EXPECT_FALSE(read_news("no json"));
}

}  // namespace
}  // namespace stoa::stripe
