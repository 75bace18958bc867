// The notification service on the real embedded engine and file store, with a notifier that
// records.
#include "adapters/filesystem/filesystem_blob.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "services/notification/notification_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/recording_notifier.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa::notifications {
namespace {

constexpr currency_code eur{{'E', 'U', 'R'}};
constexpr const char* order_id = "0190a000-0000-7000-8000-000000000001";

class fake_users final : public users::directory {
 public:
    task<result<users::user>> get_user(request_context context,
                                       users::get_user_request wanted) override {
        EXPECT_EQ(context.caller.is, role::service);
        if (down) co_return fail(errc::unavailable, "down");
        const auto found = all.find(wanted.id);
        if (found == all.end()) co_return fail(errc::not_found, "user_not_found");
        co_return found->second;
    }
    task<result<principal>> authenticate(std::string) override {
        co_return fail(errc::internal, "not_asked");
    }
    std::map<std::string, users::user> all;
    bool down = false;
};

class fake_orders final : public orders::book {
 public:
    task<result<orders::order>> create_order(request_context,
                                             orders::create_order_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order>> get_order(request_context context,
                                          orders::get_order_request wanted) override {
        if (wanted.id != order_id || !context.caller.may_see("ada"))
            co_return fail(errc::not_found, "order_not_found");
        co_return orders::order{.id = order_id, .user_id = "ada"};
    }
    task<result<orders::order_list>> list_orders(request_context,
                                                 orders::list_orders_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order>> begin_attempt(request_context,
                                              orders::begin_attempt_request) override {
        co_return fail(errc::internal, "not_asked");
    }
};

constexpr topic_spec topics[] = {{.name = "orders", .partitions = 1},
                                 {.name = "notifications", .partitions = 1}};

class notification_service_test : public ::testing::Test {
 protected:
    notification_service_test() {
        auto opened = sqlite_shop::open({.directory = directory_.path(),
                                         .tables = {&notifications_table},
                                         .topics = {std::begin(topics), std::end(topics)}},
                                        clock_);
        auto files = filesystem_blob::open(directory_ / "blobs", pool_);
        if (!opened || !files) throw std::runtime_error("no engine");
        shop_ = *std::move(opened);
        documents_ = *std::move(files);
        users_.all["ada"] = {.id = "ada", .email = "ada@example.com"};
        users_.all["guest"] = {.id = "guest"};
        make_service();
    }
    ~notification_service_test() override {
        loop_.run([&]() -> task<> { co_await background_.stop(); });
        shop_->close();
    }
    void make_service(int in_flight = 16) {
        service_.emplace(
            notification_service::needs{shop_->items(), users_, orders_, outside_, *documents_,
                                        clock_, random_, background_, measured_},
            notification_settings{.shop_name = "Agora", .in_flight = in_flight});
    }

    orders::order_event about(std::string type) {
        return {.order_id = order_id,
                .user_id = "ada",
                .total_amount = {350, eur},
                .currency = eur,
                .event_type = std::move(type),
                .created_at = clock_.now(),
                .occurred_at = clock_.now(),
                .items = {{.product_id = "p",
                           .sku = "APL",
                           .name = "Apple",
                           .quantity = 2,
                           .price = {175, eur},
                           .line_total = {350, eur}}},
                .reference = "PO 7"};
    }
    result<void> tell(orders::order_event what, const std::string& id) {
        delivery from{
            .group = "notification",
            .offset = ++offset_,
            .message = {.topic = "orders", .key = order_id, .id = id, .type = what.event_type}};
        return loop_.run([&] { return service_->on_order_event(from, what); });
    }
    void settle() {
        ASSERT_TRUE(loop_.run_until([&] { return background_.running() == 0; }));
    }
    int sweep() {
        const int woken = loop_.run([&] { return service_->sweep({}); }).value();
        settle();
        return woken;
    }
    notification record(const std::string& id) {
        request_context context{.caller = {.is = role::operator_}};
        auto found = loop_.run([&] { return service_->get_notification(context, {id}); });
        if (!found) throw std::runtime_error(found.error().code);
        return found->notifications.at(0);
    }
    result<notification_list> list(list_notifications_request wanted) {
        return loop_.run([&] { return service_->list_notifications({}, wanted); });
    }
    result<notification_list> resend(const std::string& id) {
        auto answer = loop_.run([&] { return service_->resend({}, {id}); });
        settle();
        return answer;
    }

    testing::temporary_directory directory_;
    testing::manual_clock clock_;
    testing::seeded_random random_{testing::test_seed()};
    metrics measured_;
    testing::test_loop loop_;
    blocking_pool pool_{"files", 1, 16};
    supervisor background_{loop_.on()};
    fake_users users_;
    fake_orders orders_;
    testing::recording_notifier outside_;
    std::unique_ptr<sqlite_shop> shop_;
    std::unique_ptr<filesystem_blob> documents_;
    std::optional<notification_service> service_;
    std::int64_t offset_ = 0;
};

TEST_F(notification_service_test, an_order_is_told_to_its_customer) {
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    ASSERT_EQ(outside_.seen.size(), 1U);
    const auto& sent = outside_.seen[0];
    EXPECT_EQ(sent.id, "e1.email");
    EXPECT_EQ(sent.to, "ada@example.com");
    EXPECT_EQ(sent.subject, "Agora: Your order has been received");
    EXPECT_NE(sent.body.find("2 x Apple (APL), 1.75 each: 3.50 EUR"), std::string::npos);
    EXPECT_NE(sent.body.find("Total: 3.50 EUR"), std::string::npos);
    EXPECT_NE(sent.body.find("PO 7"), std::string::npos);
    EXPECT_EQ(record("e1").status, notification_status::sent);
    EXPECT_FALSE(record("e1").due_at);
    EXPECT_EQ(sweep(), 0);
}

TEST_F(notification_service_test, every_event_has_its_own_words) {
    std::set<std::string> subjects;
    int n = 0;
    for (const char* type :
         {"order.created", "order.payment_failed", "order.paid", "order.cancelled", "order.shipped",
          "order.delivered", "order.refunded"}) {
        auto what = about(type);
        what.refunded_amount = money{100, eur};
        ASSERT_TRUE(tell(what, "e" + std::to_string(++n)));
        settle();
        subjects.insert(outside_.seen.back().subject);
    }
    EXPECT_EQ(subjects.size(), 7U);
    EXPECT_NE(outside_.seen.back().body.find("1.00 EUR"), std::string::npos);
}

TEST_F(notification_service_test, an_order_that_expired_unconfirmed_is_not_told) {
    auto what = about("order.cancelled");
    what.reason = "order_expired";
    ASSERT_TRUE(tell(what, "e1"));
    settle();
    EXPECT_TRUE(outside_.seen.empty());
}

TEST_F(notification_service_test, one_event_is_recorded_and_sent_once) {
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    --offset_;
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    EXPECT_EQ(outside_.seen.size(), 1U);
}

TEST_F(notification_service_test, a_guest_without_email_is_skipped_with_the_reason) {
    auto what = about("order.created");
    what.user_id = "guest";
    ASSERT_TRUE(tell(what, "e1"));
    what.user_id = "nobody";
    ASSERT_TRUE(tell(what, "e2"));
    settle();
    EXPECT_EQ(record("e1").status, notification_status::skipped);
    EXPECT_EQ(record("e1").reason, "no_email");
    EXPECT_EQ(record("e2").reason, "no_such_user");
    EXPECT_TRUE(outside_.seen.empty());
}

TEST_F(notification_service_test, a_message_costs_two_writes_and_a_skipped_one_one) {
    const auto writes_of = [&](std::string user_id, const std::string& id) {
        const auto before = shop_->counters().jobs.load();
        auto what = about("order.created");
        what.user_id = std::move(user_id);
        EXPECT_TRUE(tell(what, id));
        settle();
        return shop_->counters().jobs - before;
    };
    EXPECT_EQ(writes_of("ada", "e1"), 2U);
    EXPECT_EQ(record("e1").status, notification_status::sent);
    EXPECT_EQ(writes_of("guest", "e2"), 1U);
    EXPECT_EQ(record("e2").status, notification_status::skipped);
}

TEST_F(notification_service_test, what_is_recorded_beyond_the_bound_is_due_at_once) {
    make_service(0);
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    make_service();
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(record("e1").status, notification_status::sent);
}

TEST_F(notification_service_test, a_failure_is_retried_with_backoff_under_the_same_id) {
    outside_.refuse = error{.kind = errc::unavailable, .code = "mail_server_unavailable"};
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    EXPECT_EQ(record("e1").status, notification_status::pending);
    EXPECT_EQ(record("e1").last_error, "mail_server_unavailable");
    EXPECT_EQ(sweep(), 0);  // not due yet
    outside_.refuse.reset();
    clock_.advance(seconds(30));
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(record("e1").status, notification_status::sent);
    EXPECT_EQ(outside_.seen.at(0).id, outside_.seen.at(1).id);
}

TEST_F(notification_service_test, after_ten_tries_it_has_failed_and_is_listed) {
    outside_.refuse = error{.kind = errc::unavailable, .code = "mail_server_unavailable"};
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    for (int i = 0; i < 20; ++i) {
        clock_.advance(hours(1));
        sweep();
    }
    EXPECT_EQ(outside_.seen.size(), 10U);
    const auto failed = list({.status = "failed"}).value();
    ASSERT_EQ(failed.notifications.size(), 1U);
    EXPECT_EQ(failed.notifications[0].tries, 10);
    outside_.refuse.reset();
    ASSERT_TRUE(resend("e1"));
    EXPECT_EQ(record("e1").status, notification_status::sent);
    EXPECT_EQ(outside_.seen.back().id, "e1.email");
}

TEST_F(notification_service_test, what_the_outside_refuses_for_good_is_not_tried_again) {
    outside_.refuse = error{.kind = errc::invalid, .code = "mail_refused"};
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    EXPECT_EQ(record("e1").status, notification_status::failed);
}

TEST_F(notification_service_test, without_the_user_service_the_message_waits) {
    users_.down = true;
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    EXPECT_EQ(record("e1").status, notification_status::pending);
    users_.down = false;
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(record("e1").status, notification_status::sent);
}

TEST_F(notification_service_test, a_claim_of_a_process_that_died_is_taken_up) {
    make_service(0);  // records, and no worker takes it up
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    write_set in;
    in.update(notifications_table, key_of("event_id", "e1", "channel", "email"),
              {set_to("due_at", rfc3339(clock_.now() + seconds(60))), add_to("version", 1)});
    ASSERT_TRUE(loop_.run([&] { return shop_->items().write(in); }));
    make_service();
    EXPECT_EQ(sweep(), 0);
    EXPECT_TRUE(loop_.run([&] { return service_->deliver("e1", "email"); }));
    EXPECT_TRUE(outside_.seen.empty());
    clock_.advance(seconds(61));
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(outside_.seen.size(), 1U);
}

TEST_F(notification_service_test, sending_again_what_was_sent_is_another_message) {
    ASSERT_TRUE(tell(about("order.created"), "e1"));
    settle();
    ASSERT_TRUE(resend("e1"));
    EXPECT_EQ(outside_.seen.at(1).id, "e1.email.1");
    EXPECT_EQ(resend("none").error().kind, errc::not_found);
}

TEST_F(notification_service_test, a_reset_token_is_sent_once_and_never_shown) {
    const users::password_reset_requested asked{.user_id = "ada",
                                                .email = "ada@example.com",
                                                .token = "s3cr3t",
                                                .expires_at = clock_.now() + hours(1)};
    const auto told = [&](const char* id) {
        delivery from{.group = "notification",
                      .offset = ++offset_,
                      .message = {.topic = "notifications",
                                  .key = "ada",
                                  .id = id,
                                  .type = "password.reset_requested"}};
        ASSERT_TRUE(loop_.run([&] { return service_->on_password_reset(from, asked); }));
    };
    make_service(0);
    told("r1");
    EXPECT_FALSE(record("r1").body);
    make_service();
    EXPECT_EQ(sweep(), 1);
    EXPECT_NE(outside_.seen.at(0).body.find("s3cr3t"), std::string::npos);
    const auto stored = loop_.run([&] {
        return shop_->items().get(notifications_table,
                                  key_of("event_id", "r1", "channel", "email"));
    });
    EXPECT_FALSE((*stored)->find("body"));
    EXPECT_EQ(resend("r1").error().code, "secret_not_kept");
    // One that could not be sent in time is not sent at all.
    make_service(0);
    told("r2");
    make_service();
    clock_.advance(hours(2));
    sweep();
    EXPECT_EQ(record("r2").status, notification_status::failed);
    EXPECT_EQ(record("r2").last_error, "expired_before_sent");
    EXPECT_EQ(outside_.seen.size(), 1U);
}

TEST_F(notification_service_test, a_verification_token_goes_to_the_address_and_is_never_shown) {
    const users::email_verification_requested asked{.user_id = "ada",
                                                    .email = "new@example.com",
                                                    .token = "s3cr3t",
                                                    .expires_at = clock_.now() + hours(24)};
    const delivery from{.group = "notification",
                        .offset = ++offset_,
                        .message = {.topic = "notifications",
                                    .key = "ada",
                                    .id = "v1",
                                    .type = "email.verification_requested"}};
    ASSERT_TRUE(loop_.run([&] { return service_->on_email_verification(from, asked); }));
    settle();
    ASSERT_EQ(outside_.seen.size(), 1U);
    EXPECT_EQ(outside_.seen[0].to, "new@example.com");
    EXPECT_EQ(outside_.seen[0].subject, "Agora: Confirming your e-mail address");
    EXPECT_NE(outside_.seen[0].body.find("Confirmation code: s3cr3t"), std::string::npos);
    EXPECT_FALSE(record("v1").body);
    EXPECT_EQ(resend("v1").error().code, "secret_not_kept");
}

TEST_F(notification_service_test, lists_go_by_order_and_status_a_page_at_a_time) {
    for (int i = 0; i < 5; ++i) {
        auto what = about("order.shipped");
        if (i == 4) what.user_id = "guest";
        ASSERT_TRUE(tell(what, "e" + std::to_string(i)));
        settle();
        clock_.advance(seconds(1));
    }
    auto page = list({.order_id = order_id, .limit = 3}).value();
    ASSERT_EQ(page.notifications.size(), 3U);
    EXPECT_EQ(page.notifications[0].event_id, "e4");
    page = list({.order_id = order_id, .limit = 3, .cursor = page.next_cursor}).value();
    ASSERT_EQ(page.notifications.size(), 2U);
    EXPECT_EQ(page.notifications[1].event_id, "e0");
    page = list({.limit = 2}).value();
    EXPECT_EQ(page.notifications.at(0).event_id, "e4");
    page = list({.limit = 9, .cursor = page.next_cursor}).value();
    EXPECT_EQ(page.notifications.size(), 3U);
    EXPECT_EQ(list({.status = "skipped"}).value().notifications.size(), 1U);
    EXPECT_EQ(list({.order_id = order_id, .status = "sent"}).value().notifications.size(), 4U);
    EXPECT_EQ(list({.status = "lost"}).error().errors.at(0).where, "status");
    EXPECT_EQ(list({.cursor = "junk"}).error().errors.at(0).where, "cursor");
}

TEST_F(notification_service_test, a_paid_order_has_its_invoice_for_who_may_see_it) {
    const auto ask = [&](principal who, std::string id) {
        return loop_.run([&] { return service_->invoice({.caller = who}, id); });
    };
    const principal ada{.is = role::customer, .user_id = "ada"};
    EXPECT_EQ(ask(ada, order_id).error().code, "invoice_not_found");
    ASSERT_TRUE(tell(about("order.paid"), "e1"));
    settle();
    const auto text = ask(ada, order_id);
    ASSERT_TRUE(text.has_value());
    EXPECT_NE(text->find("INVOICE"), std::string::npos);
    EXPECT_NE(text->find("3.50"), std::string::npos);
    EXPECT_EQ(ask({.is = role::customer, .user_id = "bob"}, order_id).error().code,
              "order_not_found");
    EXPECT_TRUE(ask({.is = role::operator_}, order_id).has_value());
}

}  // namespace
}  // namespace stoa::notifications
