#include "adapters/stripe/stripe_payments.hpp"

#include "adapters/stripe/stripe_amounts.hpp"
#include "support/scripted_http.hpp"
#include "support/stripe_stand_in.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::stripe {
namespace {

using fault = testing::stripe_stand_in::fault;

money dollars(std::int64_t minor) { return {minor, {}}; }
money in(std::string_view code, std::int64_t minor) { return {minor, *read_currency(code)}; }

class stripe_payments : public ::testing::Test {
 protected:
    result<payment_intent> create(std::string method = "pm_ok", std::int64_t minor = 1'250) {
        return io_.run([&] { return to_.create("o:1", dollars(minor), method, "o"); });
    }
    result<payment_intent> confirm(const std::string& id) {
        return io_.run([&] { return to_.confirm(id); });
    }
    result<payment_intent> get(const std::string& id) {
        return io_.run([&] { return to_.get(id); });
    }
    result<provider_refund> refund(const std::string& id, std::int64_t minor) {
        return io_.run([&] { return to_.refund("refund:o:1", id, dollars(minor)); });
    }
    std::string captured_intent() {
        const auto id = create()->id;
        EXPECT_EQ(confirm(id)->status, intent_status::succeeded);
        return id;
    }

    testing::test_loop io_;
    testing::stripe_stand_in server_;
    payments to_{{.api_key = "sk_test_secret"}, [this]() -> http_client& { return server_; }};
};

TEST_F(stripe_payments, a_request_carries_the_key_the_version_and_the_idempotency_key) {
    ASSERT_TRUE(create());
    const auto& asked = server_.asked.at(0);
    EXPECT_EQ(asked.method, "POST");
    EXPECT_EQ(asked.url, "https://api.stripe.com/v1/payment_intents");
    EXPECT_EQ(testing::header_of(asked, "Authorization"), "Bearer sk_test_secret");
    EXPECT_EQ(testing::header_of(asked, "Stripe-Version"), api_version);
    EXPECT_EQ(testing::header_of(asked, "Idempotency-Key"), "o:1");
    EXPECT_EQ(asked.body,
              "amount=1250&currency=usd&payment_method_types%5B%5D=card&payment_method=pm_ok&"
              "capture_method=automatic&metadata%5Border_id%5D=o&metadata%5Bstoa_key%5D=o%3A1");
}

TEST_F(stripe_payments, an_answer_that_was_lost_is_found_by_the_same_key) {
    server_.next("/payment_intents", fault::lost_after);
    ASSERT_EQ(create().error().kind, errc::timeout);
    const auto made = create();
    ASSERT_TRUE(made);
    EXPECT_EQ(server_.intents(), 1U);
}

TEST_F(stripe_payments, a_stored_failure_is_not_asked_for_again_for_a_day) {
    server_.next("/payment_intents", fault::stored_500);
    const auto failed = create();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, errc::unavailable);
    const auto made = create();
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(create()->id, made->id);  // by whoever tries, the same one
    EXPECT_EQ(server_.intents(), 1U);
}

TEST_F(stripe_payments, behind_a_stored_failure_the_intent_is_found_by_its_metadata) {
    server_.next("/payment_intents", fault::stored_500_after);
    ASSERT_EQ(create().error().kind, errc::unavailable);
    ASSERT_EQ(server_.intents(), 1U);
    ASSERT_TRUE(create());
    EXPECT_EQ(server_.intents(), 1U);
}

TEST_F(stripe_payments, a_lost_confirm_is_told_by_the_intent) {
    const auto id = create()->id;
    server_.next("/confirm", fault::lost_after);
    ASSERT_EQ(confirm(id).error().kind, errc::timeout);
    EXPECT_EQ(get(id)->status, intent_status::succeeded);
    EXPECT_EQ(confirm(id)->status, intent_status::succeeded);
    EXPECT_EQ(server_.captured(), 1'250);
}

TEST_F(stripe_payments, a_confirm_that_failed_may_be_sent_again) {
    const auto id = create()->id;
    server_.next("/confirm", fault::stored_500);
    ASSERT_EQ(confirm(id).error().kind, errc::unavailable);
    ASSERT_EQ(get(id)->status, intent_status::created);
    EXPECT_EQ(confirm(id)->status, intent_status::succeeded);
}

TEST_F(stripe_payments, what_tells_nothing_is_unavailable_and_names_the_request) {
    const auto id = create()->id;
    for (const auto& [strikes, code] : {std::pair{fault::status_429, "provider_throttles"},
                                        std::pair{fault::status_409, "provider_busy"},
                                        std::pair{fault::status_401, "provider_refuses_the_key"},
                                        std::pair{fault::stored_500, "provider_failed"}}) {
        server_.next("/confirm", strikes);
        const auto told = confirm(id);
        ASSERT_FALSE(told) << code;
        EXPECT_EQ(told.error().kind, errc::unavailable) << code;
        EXPECT_EQ(told.error().code, code);
        EXPECT_NE(told.error().detail.find("req_"), std::string::npos) << told.error().detail;
        EXPECT_EQ(told.error().detail.find("sk_test_secret"), std::string::npos);
    }
    server_.next("/confirm", fault::garbage);
    EXPECT_EQ(confirm(id).error().code, "provider_answer_malformed");
    EXPECT_EQ(get(id)->status, intent_status::created);
}

TEST_F(stripe_payments, a_thief_is_told_no_more_than_a_customer) {
    EXPECT_EQ(confirm(create("pm_stolen")->id)->decline_code, "card_declined");
}

TEST_F(stripe_payments, a_bank_that_wants_the_customer_declines) {
    const auto told = confirm(create("pm_3ds")->id);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->status, intent_status::declined);
    EXPECT_EQ(told->decline_code, "authentication_required");
}

TEST_F(stripe_payments, one_that_stripe_still_works_on_is_asked_for_again) {
    const auto id = create("pm_slow")->id;
    EXPECT_EQ(confirm(id)->status, intent_status::processing);
    EXPECT_EQ(get(id)->status, intent_status::processing);
    EXPECT_EQ(io_.run([&] { return to_.cancel(id); })->status, intent_status::processing);
    server_.settle(id);
    EXPECT_EQ(get(id)->status, intent_status::succeeded);
}

TEST_F(stripe_payments, a_card_that_stripe_does_not_know_is_the_customers_mistake) {
    const auto told = create("pm_unknown");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind, errc::invalid);
    EXPECT_EQ(told.error().code, "invalid_payment_method");
}

TEST_F(stripe_payments, a_lost_refund_is_made_once_however_old_its_key) {
    const auto id = captured_intent();
    server_.next("/refunds", fault::none);  // the list that comes first
    server_.next("/refunds", fault::lost_after);
    ASSERT_EQ(refund(id, 400).error().kind, errc::timeout);
    server_.forget_keys();
    const auto told = refund(id, 400);
    ASSERT_TRUE(told) << told.error().detail;
    EXPECT_TRUE(told->succeeded);
    EXPECT_EQ(server_.refunded(), 400);
}

TEST_F(stripe_payments, a_stored_failure_of_a_refund_waits_for_its_key_to_pass) {
    const auto id = captured_intent();
    server_.next("/refunds", fault::none);
    server_.next("/refunds", fault::stored_500);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(refund(id, 400).error().kind, errc::unavailable);
    EXPECT_EQ(server_.refunded(), 0);
    server_.forget_keys();
    EXPECT_TRUE(refund(id, 400)->succeeded);
}

TEST_F(stripe_payments, the_list_of_refunds_must_be_read_before_one_is_made) {
    const auto id = captured_intent();
    server_.next("/refunds", fault::lost_before);
    ASSERT_EQ(refund(id, 400).error().kind, errc::timeout);
    EXPECT_EQ(server_.asked.back().method, "GET");
}

class scripted_stripe : public ::testing::Test {
 protected:
    testing::test_loop io_;
    testing::scripted_http http_;
    payments to_{{.api_key = "sk_test_x", .api_url = "http://127.0.0.1:1"},
                 [this]() -> http_client& { return http_; }};
};

constexpr std::string_view action =
    R"({"id":"pi_1","status":"requires_action","amount":5,"currency":"usd",)"
    R"("metadata":{"order_id":"o"}})";

TEST_F(scripted_stripe, an_intent_that_waits_for_the_customer_is_ended) {
    http_.then(200, std::string(action));
    http_.then(200, R"({"id":"pi_1","status":"canceled","amount":5,"currency":"usd",)"
                    R"("metadata":{"order_id":"o"}})");
    const auto told = io_.run([&] { return to_.get("pi_1"); });
    ASSERT_TRUE(told) << told.error().detail;
    EXPECT_EQ(told->status, intent_status::declined);
    EXPECT_EQ(told->decline_code, "authentication_required");
    EXPECT_EQ(told->reference, "o");
    EXPECT_EQ(http_.asked.at(1).url, "http://127.0.0.1:1/v1/payment_intents/pi_1/cancel");
}

TEST_F(scripted_stripe, the_customer_may_have_paid_meanwhile) {
    http_.then(200, std::string(action));
    http_.then(400, R"({"error":{"type":"invalid_request_error",)"
                    R"("code":"payment_intent_unexpected_state"}})");
    http_.then(200, R"({"id":"pi_1","status":"succeeded","amount":5,"currency":"usd"})");
    EXPECT_EQ(io_.run([&] { return to_.get("pi_1"); })->status, intent_status::succeeded);
}

TEST_F(scripted_stripe, a_refused_confirm_leaves_nothing_that_could_be_charged) {
    http_.then(400, R"({"error":{"type":"invalid_request_error","code":"payment_method_odd"}})");
    http_.then(200,
               R"({"id":"pi_1","status":"requires_confirmation","amount":5,"currency":"usd"})");
    http_.then(200, R"({"id":"pi_1","status":"canceled","amount":5,"currency":"usd"})");
    const auto told = io_.run([&] { return to_.confirm("pi_1"); });
    ASSERT_TRUE(told) << told.error().detail;
    EXPECT_EQ(told->status, intent_status::declined);
    EXPECT_EQ(told->decline_code, "payment_method_odd");
}

TEST_F(scripted_stripe, a_refund_that_is_on_its_way_is_neither_made_nor_refused) {
    http_.then(200, R"({"data":[],"has_more":false})");
    http_.then(200, R"({"id":"re_1","status":"pending","amount":5,"currency":"usd"})");
    const auto told = io_.run([&] { return to_.refund("k", "pi_1", dollars(5)); });
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().kind, errc::unavailable);
    EXPECT_EQ(told.error().code, "refund_pending");
}

TEST_F(scripted_stripe, all_pages_of_refunds_are_looked_through) {
    http_.then(200, R"({"data":[{"id":"re_1","status":"succeeded","amount":1,"currency":"usd"}],)"
                    R"("has_more":true})");
    http_.then(200, R"({"data":[{"id":"re_2","status":"succeeded","amount":5,"currency":"usd",)"
                    R"("metadata":{"stoa_key":"k"}}],"has_more":false})");
    const auto told = io_.run([&] { return to_.refund("k", "pi_1", dollars(5)); });
    ASSERT_TRUE(told);
    EXPECT_EQ(told->id, "re_2");
    EXPECT_NE(http_.asked.at(1).url.find("starting_after=re_1"), std::string::npos);
}

TEST_F(scripted_stripe, odd_answers_are_no_verdict) {
    for (const auto* body :
         {"", "{}", "[]", "null", R"({"id":"","status":"succeeded","amount":5,"currency":"usd"})",
          R"({"id":"pi_1","status":"succeeded","amount":5,"currency":"???"})",
          R"({"id":"pi_1","status":"succeeded","amount":5.5,"currency":"usd"})",
          R"({"id":"pi/../x","status":"succeeded","amount":5,"currency":"usd"})"}) {
        testing::scripted_http http;
        http.then(200, body);
        payments to({.api_key = "sk_test_x"}, [&]() -> http_client& { return http; });
        const auto told = io_.run([&] { return to.get("pi_1"); });
        ASSERT_FALSE(told) << body;
        EXPECT_EQ(told.error().kind, errc::unavailable) << body;
    }
    // A status of a newer Stripe: not final.
    http_.then(200, R"({"id":"pi_1","status":"requires_luck","amount":5,"currency":"usd"})");
    EXPECT_EQ(io_.run([&] { return to_.get("pi_1"); })->status, intent_status::processing);
}

TEST(stripe_amounts, are_counted_as_stripe_counts_them) {
    const std::vector<std::tuple<std::string_view, std::int64_t, std::int64_t>> same{
        {"USD", 1'250, 1'250}, {"JPY", 500, 500}, {"KWD", 5'120, 5'120}, {"ISK", 5, 500},
        {"UGX", 12, 1'200},    {"MGA", 300, 3},   {"HUF", 100, 100},     {"XOF", 1'000, 1'000}};
    for (const auto& [code, ours, theirs] : same) {
        const auto units = units_of(in(code, ours));
        ASSERT_TRUE(units) << code << units.error().detail;
        EXPECT_EQ(*units, theirs) << code;
        EXPECT_EQ(minor_of(theirs, *read_currency(code)), ours) << code;
    }
    for (const auto& bad : {in("USD", 0), in("USD", -5), in("KWD", 5'123), in("MGA", 350),
                            in("ISK", 9'223'372'036'854'775'807)})
        EXPECT_EQ(units_of(bad).error().code, "amount_not_chargeable") << money_text(bad);
    EXPECT_EQ(units_of(in("IQD", 1'000)).error().code, "currency_not_chargeable");
    EXPECT_FALSE(minor_of(550, *read_currency("ISK")));
}

TEST(stripe_options, a_key_or_an_address_that_cannot_work_is_named) {
    const auto told = [](options with) {
        const auto out = check_options(with);
        return out ? std::string() : out.error().detail;
    };
    EXPECT_EQ(told({.api_key = "sk_test_1"}), "");
    EXPECT_EQ(told({.api_key = "rk_live_1"}), "");
    EXPECT_EQ(told({.api_key = "sk_test_1", .api_url = "http://127.0.0.1:12111"}), "");
    EXPECT_NE(told({.api_key = ""}).find("STRIPE_API_KEY"), std::string::npos);
    EXPECT_NE(told({.api_key = "pk_live_1"}).find("browsers"), std::string::npos);
    EXPECT_NE(told({.api_key = "sk_test_1\r\nX: y"}).find("stripe_api_key"), std::string::npos);
    EXPECT_NE(told({.api_key = "sk_live_1", .api_url = "http://h"}).find("https"),
              std::string::npos);
    for (const auto* url : {"", "api.stripe.com", "https://h/v1", "https://h/"})
        EXPECT_NE(told({.api_key = "sk_test_1", .api_url = url}).find("stripe_api_url"),
                  std::string::npos)
            << url;
}

}  // namespace
}  // namespace stoa::stripe
