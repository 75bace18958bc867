// The function on the embedded engine, with a notifier and a queue that record.
#include "services/notification/notification_function.hpp"

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "support/manual_clock.hpp"
#include "support/recording_notifier.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::notifications {
namespace {

constexpr currency_code eur{{'E', 'U', 'R'}};
const error mail_server_away{.kind = errc::unavailable, .code = "smtp_unavailable"};
const error no_such_mailbox{.kind = errc::invalid, .code = "smtp_refused"};

class recording_queue final : public message_queue {
 public:
    task<result<std::string>> send(std::string, queue_message what) override {
        seen.push_back(std::move(what.body));
        co_return std::to_string(seen.size());
    }
    task<result<std::vector<received_message>>> receive(std::string, int, seconds,
                                                        seconds) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<void>> hide(std::string, std::string, seconds) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<void>> remove(std::string, std::string) override {
        co_return fail(errc::internal, "not_asked");
    }
    std::vector<std::string> seen;
};

class notification_function_test : public ::testing::Test {
 protected:
    notification_function_test() {
        auto opened = sqlite_shop::open(
            {.directory = directory_.path(), .tables = {&notifications_table}}, clock_);
        if (!opened) throw std::runtime_error("no engine");
        shop_ = *std::move(opened);
        make_function({.channels = {"email"}, .dead_letters = "dead"});
    }
    ~notification_function_test() override { shop_->close(); }

    void make_function(notification_function_settings settings) {
        function_.emplace(notification_function::needs{shop_->items(), outside_, queues_, clock_,
                                                       random_, measured_},
                          std::move(settings));
    }
    static std::string event(const std::string& id, const std::string& contact) {
        auto out = to_json(orders::order_event{.id = id,
                                               .order_id = "o-1",
                                               .user_id = "ada",
                                               .total_amount = {350, eur},
                                               .currency = eur,
                                               .status = orders::order_status::paid,
                                               .event_type = "order.paid"});
        out.pop_back();
        return out + contact + '}';
    }
    // The codes of records that failed.
    std::vector<std::string> tell(const std::string& body,
                                  functions::event_source from = functions::event_source::sqs) {
        functions::trigger what{.from = from, .records = {{.id = "r", .objects = {}, .said = {}}}};
        what.records.front().said.body = body;
        const auto done = loop_.run([&] { return function_->handle(what, {}); });
        EXPECT_TRUE(done);
        std::vector<std::string> out;
        for (const auto& each : done->failed) out.push_back(each.why.code);
        return out;
    }
    notification_record record(const std::string& id, const std::string& channel = "email") {
        notification_store store(shop_->items());
        auto found = loop_.run([&] { return store.get(id, channel); });
        if (!found || !*found) throw std::runtime_error("no record");
        return **std::move(found);
    }

    testing::temporary_directory directory_;
    testing::manual_clock clock_;
    testing::seeded_random random_{testing::test_seed()};
    metrics measured_;
    testing::test_loop loop_;
    testing::recording_notifier outside_;
    recording_queue queues_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<notification_function> function_;
};

using codes = std::vector<std::string>;
constexpr const char* with_mail = R"(,"email":"ada@example.com")";

TEST_F(notification_function_test, an_event_that_comes_again_is_told_once) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(tell(event("e-1", with_mail)), codes{});
    ASSERT_EQ(outside_.seen.size(), 1u);
    EXPECT_EQ(outside_.seen[0].id, "e-1.email");
    EXPECT_EQ(outside_.seen[0].to, "ada@example.com");
    EXPECT_EQ(record("e-1").status, notification_status::sent);
}

TEST_F(notification_function_test, what_could_not_be_sent_is_the_next_calls_under_the_same_id) {
    outside_.refuse = mail_server_away;
    EXPECT_EQ(tell(event("e-1", with_mail)), codes{"smtp_unavailable"});
    EXPECT_EQ(record("e-1").status, notification_status::pending);
    outside_.refuse.reset();
    EXPECT_EQ(tell(event("e-1", with_mail)), codes{});
    ASSERT_EQ(outside_.seen.size(), 2u);
    EXPECT_EQ(outside_.seen[0].id, outside_.seen[1].id);
    EXPECT_EQ(record("e-1").status, notification_status::sent);
    EXPECT_EQ(record("e-1").tries, 1);
}

TEST_F(notification_function_test, what_another_call_is_sending_is_left_to_it_for_a_minute) {
    notification_store store(shop_->items());
    notification_record theirs;
    theirs.event_id = "e-1";
    theirs.channel = "email";
    theirs.to = "ada@example.com";
    theirs.status = notification_status::pending;
    theirs.created_at = theirs.updated_at = clock_.now();
    theirs.due_at = clock_.now() + seconds(60);
    write_set in;
    store.insert(in, theirs);
    ASSERT_TRUE(loop_.run([&] { return store.commit(std::move(in)); }));
    EXPECT_EQ(tell(event("e-1", with_mail)), codes{"being_sent"});
    EXPECT_TRUE(outside_.seen.empty());
    clock_.advance(seconds(60));  // it died over it
    EXPECT_EQ(tell(event("e-1", with_mail)), codes{});
    EXPECT_EQ(outside_.seen.size(), 1u);
}

TEST_F(notification_function_test, what_the_outside_refuses_for_good_is_told_in_its_record) {
    outside_.refuse = no_such_mailbox;
    EXPECT_EQ(tell(event("e-1", with_mail)), codes{});
    EXPECT_EQ(record("e-1").status, notification_status::failed);
    EXPECT_EQ(record("e-1").last_error, "smtp_refused");
    make_function({.sending = {.most_tries = 2, .first_retry = seconds(0)}});
    outside_.refuse = mail_server_away;
    EXPECT_EQ(tell(event("e-2", with_mail)), codes{"smtp_unavailable"});
    EXPECT_EQ(tell(event("e-2", with_mail)), codes{});
    EXPECT_EQ(record("e-2").status, notification_status::failed);
}

TEST_F(notification_function_test, a_channel_without_an_address_is_skipped_and_keeps_no_other) {
    make_function({.channels = {"sms", "email"}});
    EXPECT_EQ(tell(event("e-1", with_mail)), codes{});
    EXPECT_EQ(record("e-1", "sms").reason, "no_phone");
    EXPECT_EQ(record("e-1", "sms").status, notification_status::skipped);
    EXPECT_EQ(tell(event("e-2", R"(,"phone":"+301")")), codes{});
    EXPECT_EQ(record("e-2").reason, "no_email");
    ASSERT_EQ(outside_.seen.size(), 2u);
    EXPECT_EQ(outside_.seen[1].id, "e-2.sms");
    EXPECT_EQ(outside_.seen[1].to, "+301");
}

TEST_F(notification_function_test, a_topics_subscribers_need_no_address) {
    make_function({.channels = {"email"}, .email_needs_address = false});
    EXPECT_EQ(tell(event("e-1", "")), codes{});
    ASSERT_EQ(outside_.seen.size(), 1u);
    EXPECT_EQ(record("e-1").status, notification_status::sent);
}

TEST_F(notification_function_test, what_is_no_order_event_fails_or_goes_to_the_dead_letters) {
    for (const auto* bad : {"{", "[]", "{}", R"({"id":"e"})", "no json"}) {
        EXPECT_EQ(tell(bad), codes{"no_order_event"}) << bad;
        EXPECT_EQ(tell(bad, functions::event_source::kafka), codes{}) << bad;
        ASSERT_FALSE(queues_.seen.empty());
        EXPECT_EQ(queues_.seen.back(), bad);
    }
    EXPECT_EQ(queues_.seen.size(), 5u);
    EXPECT_EQ(tell(event(std::string(65, 'e'), with_mail)), codes{"no_order_event"});
    EXPECT_TRUE(outside_.seen.empty());
}

}  // namespace
}  // namespace stoa::notifications
