#include "services/gateway/gateway_service.hpp"

#include "base/json.hpp"
#include "services/gateway/gateway_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::gateway {
namespace {

using state = circuit_breaker::state;

// --- the breaker ----------

class circuit_breaker_test : public ::testing::Test {
 protected:
    void fail_times(int n) {
        for (int i = 0; i < n; ++i) breaker_.admit()->failed();
    }
    testing::manual_clock clock_;
    circuit_breaker breaker_{clock_,
                             {.failures = 3, .window = seconds(10), .open_for = seconds(5)}};
};

TEST_F(circuit_breaker_test, opens_after_so_many_failures_in_its_window) {
    fail_times(2);
    EXPECT_EQ(breaker_.now(), state::closed);
    fail_times(1);
    EXPECT_EQ(breaker_.now(), state::open);
    EXPECT_FALSE(breaker_.admit());
}

TEST_F(circuit_breaker_test, failures_older_than_the_window_do_not_count) {
    fail_times(2);
    clock_.advance(seconds(10));
    fail_times(2);
    EXPECT_EQ(breaker_.now(), state::closed);
    breaker_.admit()->succeeded();
    fail_times(1);
    EXPECT_EQ(breaker_.now(), state::open);
}

TEST_F(circuit_breaker_test, half_open_lets_one_probe_through) {
    fail_times(3);
    clock_.advance(seconds(5));
    EXPECT_EQ(breaker_.now(), state::half_open);
    auto probe = breaker_.admit();
    ASSERT_TRUE(probe);
    EXPECT_FALSE(breaker_.admit());
    probe->succeeded();
    EXPECT_EQ(breaker_.now(), state::closed);
    fail_times(2);  // counted anew
    EXPECT_EQ(breaker_.now(), state::closed);
}

TEST_F(circuit_breaker_test, a_probe_that_fails_opens_it_again) {
    fail_times(3);
    clock_.advance(seconds(5));
    breaker_.admit()->failed();
    EXPECT_EQ(breaker_.now(), state::open);
    clock_.advance(seconds(4));
    EXPECT_FALSE(breaker_.admit());
    clock_.advance(seconds(1));
    EXPECT_TRUE(breaker_.admit());
}

TEST_F(circuit_breaker_test, a_probe_without_a_verdict_frees_its_place) {
    fail_times(3);
    clock_.advance(seconds(5));
    {
        auto cancelled = breaker_.admit();
    }
    EXPECT_TRUE(breaker_.admit());
}

TEST_F(circuit_breaker_test, calls_that_began_before_it_opened_change_nothing) {
    auto slow = breaker_.admit();
    fail_times(3);
    slow->succeeded();
    EXPECT_EQ(breaker_.now(), state::open);
}

// --- the service ----------

struct parts final : orders::book,
                     users::directory,
                     products::stock_keeper,
                     payments::till,
                     notifications::journal {
    task<result<orders::order>> create_order(request_context,
                                             orders::create_order_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order>> get_order(request_context context,
                                          orders::get_order_request wanted) override {
        if (wanted.id != "o1" || !context.caller.may_see("ada"))
            co_return fail(errc::not_found, "order_not_found");
        co_return orders::order{
            .id = "o1", .user_id = "ada", .items = {{.product_id = "p"}, {.product_id = "p"}}};
    }
    task<result<orders::order_list>> list_orders(request_context,
                                                 orders::list_orders_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order>> begin_attempt(request_context,
                                              orders::begin_attempt_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<users::user>> get_user(request_context context, users::get_user_request) override {
        ++asked_users;
        EXPECT_EQ(context.caller.is, role::service);
        if (users_fail) co_return fail(*users_fail);
        co_return users::user{.id = "ada", .first_name = "Ada", .last_name = "Byron"};
    }
    task<result<principal>> authenticate(std::string) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<products::quote>> quote_products(request_context,
                                                 products::quote_request wanted) override {
        EXPECT_EQ(wanted.product_ids.size(), 1U);
        if (products_fail) co_return fail(*products_fail);
        co_return products::quote{{{.id = "p", .name = "Apple"}}};
    }
    task<result<products::hold_outcome>> hold(request_context, products::hold_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<payments::payment>> create_payment(request_context,
                                                   payments::create_payment_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<payments::payment>> get_payment(request_context,
                                                payments::get_payment_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<payments::payment_list>> list_payments(request_context,
                                                       payments::list_payments_request) override {
        co_return payments::payment_list{{{.id = "pay"}}};
    }
    task<result<notifications::notification_list>> list_notifications(
        request_context, notifications::list_notifications_request wanted) override {
        EXPECT_EQ(wanted.order_id, "o1");
        co_return notifications::notification_list{{{.event_id = "e"}}};
    }
    std::optional<error> users_fail, products_fail;
    int asked_users = 0;
};

class gateway_service_test : public ::testing::Test {
 protected:
    gateway_service_test() {
        service_.emplace(
            gateway_service::needs{.orders = parts_,
                                   .users = parts_,
                                   .products = parts_,
                                   .payments = parts_,
                                   .notifications = parts_,
                                   .catalogue = [this](request_context) { return facts(); },
                                   .time = clock_},
            gateway_settings{.shop_name = "Agora"});
    }
    task<result<products::catalogue_facts>> facts() {
        if (catalogue_down) co_return fail(errc::unavailable, "down");
        co_return products::catalogue_facts{{"fruit", "tools"}, 7};
    }
    result<order_details> details(principal who, std::string id = "o1") {
        return loop_.run([&] { return service_->get_order_details({.caller = who}, {id}); });
    }

    testing::manual_clock clock_;
    testing::test_loop loop_;
    parts parts_;
    std::optional<gateway_service> service_;
    bool catalogue_down = false;
    const principal ada_{.is = role::customer, .user_id = "ada"};
};

TEST_F(gateway_service_test, an_order_comes_with_its_parts) {
    const auto mine = details(ada_).value();
    EXPECT_EQ(mine.order.id, "o1");
    EXPECT_EQ(mine.customer->name, "Ada Byron");
    EXPECT_EQ(mine.products->at(0).name, "Apple");
    EXPECT_EQ(mine.payments->at(0).id, "pay");
    EXPECT_FALSE(mine.notifications);
    EXPECT_TRUE(mine.missing.empty());
    const auto all = details({.is = role::operator_}).value();
    EXPECT_EQ(all.notifications->at(0).event_id, "e");
}

TEST_F(gateway_service_test, another_ones_order_is_absent) {
    EXPECT_EQ(details({.is = role::customer, .user_id = "bob"}).error().kind, errc::not_found);
    EXPECT_EQ(details(ada_, "o2").error().kind, errc::not_found);
}

TEST_F(gateway_service_test, a_part_that_does_not_answer_is_named_and_the_rest_stands) {
    parts_.products_fail = error{.kind = errc::timeout, .code = "slow"};
    const auto mine = details(ada_).value();
    EXPECT_FALSE(mine.products);
    EXPECT_TRUE(mine.customer);
    EXPECT_EQ(mine.missing, std::vector<std::string>{"products"});
    const auto text = to_json(mine);
    EXPECT_EQ(text.find("\"products\":["), std::string::npos);
    EXPECT_NE(text.find(R"("missing":["products"])"), std::string::npos);
}

TEST_F(gateway_service_test, a_customer_who_is_gone_is_no_failure) {
    parts_.users_fail = error{.kind = errc::not_found, .code = "user_not_found"};
    for (int i = 0; i < 10; ++i) {
        const auto mine = details(ada_).value();
        EXPECT_FALSE(mine.customer);
        EXPECT_TRUE(mine.missing.empty());
    }
    EXPECT_EQ(parts_.asked_users, 10);
}

TEST_F(gateway_service_test, a_part_that_keeps_failing_is_not_asked_for_a_while) {
    parts_.users_fail = error{.kind = errc::unavailable, .code = "down"};
    for (int i = 0; i < 9; ++i)
        EXPECT_EQ(details(ada_).value().missing, std::vector<std::string>{"customer"});
    EXPECT_EQ(parts_.asked_users, 5);
    parts_.users_fail.reset();
    clock_.advance(seconds(5));
    EXPECT_TRUE(details(ada_).value().customer);
    EXPECT_TRUE(details(ada_).value().missing.empty());
}

TEST_F(gateway_service_test, the_shop_tells_what_a_storefront_needs) {
    const auto ask = [&] { return loop_.run([&] { return service_->get_shop({}, {}); }).value(); };
    EXPECT_EQ(to_json(ask()), R"({"name":"Agora","currency":"USD","categories":["fruit","tools"],)"
                              R"("counts":{"products":7,"categories":2},"missing":[]})");
    catalogue_down = true;
    EXPECT_EQ(to_json(ask()),
              R"({"name":"Agora","currency":"USD","missing":["categories","counts"]})");
}

}  // namespace
}  // namespace stoa::gateway
