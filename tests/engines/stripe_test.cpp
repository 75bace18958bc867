// The Stripe adapter against stripe-mock, which checks every request against Stripe's own OpenAPI
// document and answers with fixtures. It keeps nothing and declines nothing: what happens to an
// intent is tested with a stand-in (tests/support/stripe_stand_in.hpp) instead.
#include "adapters/stripe/stripe_payments.hpp"
#include "engines/engine_address.hpp"
#include "engines/loop_client.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

class stripe_mock : public ::testing::Test {
 protected:
    testing::test_loop io_;
    testing::loop_client client_;
    stripe::payments to_{
        {.api_key = "sk_test_stoa", .api_url = testing::engine_address("STOA_TEST_STRIPE")},
        [this]() -> http_client& { return client_; }};
};

TEST_F(stripe_mock, takes_every_request_that_the_adapter_makes) {
    for (const auto* method : {"pm_card_visa", "card_1"}) {
        const auto made = io_.run([&] { return to_.create("o:1", {1'250, {}}, method, "o"); });
        ASSERT_TRUE(made) << method << ": " << made.error().detail;
        EXPECT_TRUE(made->id.starts_with("pi_")) << made->id;
        EXPECT_EQ(made->amount, (money{1'250, {}}));
    }
    const auto read = io_.run([&] { return to_.get("pi_1"); });
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->id, "pi_1");
    const auto confirmed = io_.run([&] { return to_.confirm("pi_1"); });
    EXPECT_TRUE(confirmed) << confirmed.error().detail;
    const auto cancelled = io_.run([&] { return to_.cancel("pi_1"); });
    EXPECT_TRUE(cancelled) << cancelled.error().detail;
    const auto refunded = io_.run([&] { return to_.refund("r:1", "pi_1", {1'250, {}}); });
    // The fixture's status is any word of the document's.
    if (!refunded) EXPECT_EQ(refunded.error().code, "refund_pending") << refunded.error().detail;
    else EXPECT_TRUE(refunded->id.starts_with("re_"));
    const auto mode = io_.run([&] { return to_.probe(); });
    ASSERT_TRUE(mode) << mode.error().detail;
    EXPECT_EQ(*mode, "test");
}

// Straight to the address, as the adapter would if it were wrong.
TEST_F(stripe_mock, refuses_what_stripe_does_not_know) {
    const auto post = [&](const std::string& path, const std::string& form) {
        return io_.run([&] {
            return client_.send({.method = "POST",
                                 .url = testing::engine_address("STOA_TEST_STRIPE") + path,
                                 .headers = {{"Authorization", "Bearer sk_test_stoa"},
                                             {"Content-Type", "application/x-www-form-urlencoded"}},
                                 .body = form},
                                seconds(5));
        });
    };
    const auto odd = post("/v1/payment_intents", "amount=5&currency=usd&no_such=1");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->status, 400);
    EXPECT_EQ(stripe::error_of(stripe::read_refusal(*odd), "it").kind, errc::invalid);
    EXPECT_EQ(post("/v1/payment_intents", "currency=usd")->status, 400);
    EXPECT_EQ(post("/v1/payment_intents/pi_1/confirm", "no_such=1")->status, 400);
    EXPECT_EQ(post("/v1/payment_intents/pi_1/cancel", "cancellation_reason=boredom")->status, 400);
    EXPECT_EQ(post("/v1/no_such", "")->status, 404);
}

TEST_F(stripe_mock, refuses_a_key_that_is_none) {
    stripe::payments stranger(
        {.api_key = "nobody", .api_url = testing::engine_address("STOA_TEST_STRIPE")},
        [this]() -> http_client& { return client_; });
    const auto told = io_.run([&] { return stranger.probe(); });
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind, errc::unavailable);
    EXPECT_EQ(told.error().code, "provider_refuses_the_key");
    EXPECT_NE(told.error().detail.find("STRIPE_API_KEY"), std::string::npos);
}

TEST_F(stripe_mock, nobody_there_is_unavailable_and_names_the_setting) {
    stripe::payments away({.api_key = "sk_test_stoa", .api_url = "http://127.0.0.1:1"},
                          [this]() -> http_client& { return client_; });
    const auto told = io_.run([&] { return away.create("k", {5, {}}, "pm_1", "o"); });
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind, errc::unavailable);
    EXPECT_NE(told.error().detail.find("stripe_api_url"), std::string::npos);
}

}  // namespace
}  // namespace stoa
