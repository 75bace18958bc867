// What the payment service may rely on, whoever moves the money. Stripe's adapter runs against a
// stand-in that keeps Stripe's documented rules.
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/stripe/stripe_payments.hpp"
#include "adapters/system/system_clock.hpp"
#include "support/manual_clock.hpp"
#include "support/stripe_stand_in.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

// A provider with the payment methods that behave as their names say.
class till {
 public:
    virtual ~till() = default;
    virtual payment_provider& provider() = 0;
    std::string good, declined, expired, unknown_method = "cash", without_refunds;
};

class simulator_till final : public till {
 public:
    simulator_till() : store_(open()) {
        good = "tok_ok";
        declined = "tok_insufficient_funds";
        expired = "tok_expired_card";
        without_refunds = "tok_refund_refused";
    }
    payment_provider& provider() override { return simulator_; }

 private:
    std::unique_ptr<sqlite_shop> open() {
        sqlite_options with{.directory = directory_ / "data"};
        for (const auto& each : simulator_tables()) with.tables.push_back(&each);
        auto made = sqlite_shop::open(with, time_);
        if (!made) throw std::runtime_error(made.error().detail);
        return *std::move(made);
    }
    testing::temporary_directory directory_;
    testing::manual_clock time_;
    system_random random_;
    std::unique_ptr<sqlite_shop> store_;
    payment_simulator simulator_{store_->items(), time_, random_, {}, {}};
};

class stripe_till final : public till {
 public:
    stripe_till() {
        good = "pm_ok";
        declined = "pm_declined";
        expired = "pm_expired";
        without_refunds = "pm_no_refund";
    }
    payment_provider& provider() override { return stripe_; }

 private:
    testing::stripe_stand_in server_;
    stripe::payments stripe_{{.api_key = "sk_test_x"},
                             [this]() -> http_client& { return server_; }};
};

struct till_kind {
    std::string name;
    std::function<std::unique_ptr<till>()> make;
};

class payment_provider_contract : public ::testing::TestWithParam<till_kind> {
 protected:
    payment_provider& provider() { return till_->provider(); }
    result<payment_intent> create(const std::string& key, std::int64_t minor, std::string method) {
        return io_.run([&] { return provider().create(key, {minor, {}}, method, "order-1"); });
    }
    result<payment_intent> confirm(const std::string& id) {
        return io_.run([&] { return provider().confirm(id); });
    }
    result<payment_intent> get(const std::string& id) {
        return io_.run([&] { return provider().get(id); });
    }
    result<payment_intent> cancel(const std::string& id) {
        return io_.run([&] { return provider().cancel(id); });
    }
    result<provider_refund> refund(const std::string& key, const std::string& id,
                                   std::int64_t minor) {
        return io_.run([&] { return provider().refund(key, id, {minor, {}}); });
    }

    testing::test_loop io_;
    std::unique_ptr<till> till_ = GetParam().make();
};

TEST_P(payment_provider_contract, an_intent_charges_nothing_before_it_is_confirmed) {
    const auto made = create("order-1:1", 1'250, till_->good);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_FALSE(made->id.empty());
    EXPECT_EQ(made->status, intent_status::created);
    EXPECT_EQ(made->amount, (money{1'250, {}}));
    EXPECT_EQ(made->reference, "order-1");
    EXPECT_EQ(get(made->id)->status, intent_status::created);
    EXPECT_FALSE(refund("r", made->id, 1)->succeeded);
}

TEST_P(payment_provider_contract, a_key_makes_one_intent) {
    const auto one = create("order-1:1", 1'250, till_->good);
    const auto again = create("order-1:1", 1'250, till_->good);
    const auto other = create("order-1:2", 1'250, till_->good);
    ASSERT_TRUE(one && again && other);
    EXPECT_EQ(one->id, again->id);
    EXPECT_NE(one->id, other->id);
    const auto more = create("order-1:1", 1'251, till_->good);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().kind, errc::conflict);
    EXPECT_EQ(more.error().code, "key_reused");
}

TEST_P(payment_provider_contract, confirmed_is_captured_and_stays_so) {
    const auto id = create("order-1:1", 1'250, till_->good)->id;
    for (int i = 0; i < 3; ++i) {
        const auto told = confirm(id);
        ASSERT_TRUE(told) << told.error().detail;
        EXPECT_EQ(told->status, intent_status::succeeded);
    }
    EXPECT_EQ(cancel(id)->status, intent_status::succeeded);
    EXPECT_EQ(get(id)->status, intent_status::succeeded);
}

TEST_P(payment_provider_contract, a_decline_is_an_answer_with_a_reason_and_final) {
    for (const auto& [method, why] : {std::pair{till_->declined, "insufficient_funds"},
                                      std::pair{till_->expired, "expired_card"}}) {
        const auto id = create("order-1:" + method, 1'250, method)->id;
        for (int i = 0; i < 2; ++i) {
            const auto told = confirm(id);
            ASSERT_TRUE(told) << told.error().detail;
            EXPECT_EQ(told->status, intent_status::declined);
            EXPECT_EQ(told->decline_code, why);
        }
        EXPECT_EQ(get(id)->status, intent_status::declined);
        EXPECT_FALSE(refund("r:" + method, id, 1)->succeeded);
    }
}

TEST_P(payment_provider_contract, cancelled_can_never_be_charged) {
    const auto id = create("order-1:1", 1'250, till_->good)->id;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(cancel(id)->status, intent_status::cancelled);
    EXPECT_EQ(confirm(id)->status, intent_status::cancelled);
    EXPECT_EQ(get(id)->status, intent_status::cancelled);
}

TEST_P(payment_provider_contract, an_unknown_intent_is_not_found) {
    EXPECT_EQ(get("pi_nobody").error().kind, errc::not_found);
    EXPECT_EQ(confirm("pi_nobody").error().kind, errc::not_found);
    EXPECT_EQ(cancel("pi_nobody").error().kind, errc::not_found);
    EXPECT_EQ(refund("r", "pi_nobody", 5).error().kind, errc::not_found);
    EXPECT_EQ(get("../balance").error().kind, errc::not_found);
}

TEST_P(payment_provider_contract, a_method_that_it_does_not_take_is_refused_for_good) {
    for (const auto& method :
         {till_->unknown_method, std::string(), std::string("pm_\n"), std::string(64, 'x')}) {
        const auto told = create("order-1:" + method, 1'250, method);
        ASSERT_FALSE(told) << method;
        EXPECT_EQ(told.error().kind, errc::invalid) << method;
    }
}

TEST_P(payment_provider_contract, refunds_never_exceed_the_capture_and_a_key_refunds_once) {
    const auto id = create("order-1:1", 1'000, till_->good)->id;
    ASSERT_EQ(confirm(id)->status, intent_status::succeeded);
    const auto first = refund("refund:1", id, 400);
    ASSERT_TRUE(first) << first.error().detail;
    EXPECT_TRUE(first->succeeded);
    EXPECT_EQ(first->amount, (money{400, {}}));
    EXPECT_EQ(refund("refund:1", id, 400)->id, first->id);
    EXPECT_EQ(refund("refund:1", id, 401).error().kind, errc::conflict);
    EXPECT_FALSE(refund("refund:2", id, 601)->succeeded);
    EXPECT_TRUE(refund("refund:3", id, 600)->succeeded);
    EXPECT_FALSE(refund("refund:4", id, 1)->succeeded);
}

TEST_P(payment_provider_contract, a_refund_that_is_refused_says_so) {
    const auto id = create("order-1:1", 1'000, till_->without_refunds)->id;
    ASSERT_EQ(confirm(id)->status, intent_status::succeeded);
    const auto told = refund("refund:1", id, 400);
    ASSERT_TRUE(told) << told.error().detail;
    EXPECT_FALSE(told->succeeded);
}

INSTANTIATE_TEST_SUITE_P(
    providers, payment_provider_contract,
    ::testing::Values(till_kind{"simulator", [] { return std::make_unique<simulator_till>(); }},
                      till_kind{"stripe", [] { return std::make_unique<stripe_till>(); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace stoa
