// Every rule of `stoa audit`, broken on purpose: a shop lives through a handful of orders once,
// each test takes a copy of its data directory, changes one thing behind the services' backs and
// expects the audit to name exactly that.
#include "apps/stoa/audit.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/audit_moment.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/wiring.hpp"
#include "base/json.hpp"
#include "ports/idempotency.hpp"
#include "services/cart/cart_store.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_store.hpp"
#include "services/product/product.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"
#include "transport/http/blocking_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace stoa {
namespace {

using orders::order_status;
using testing::temporary_directory;
using testing::test_loop;

template <class T>
T must(result<T> made) {
    if (!made) throw std::runtime_error(made.error().code + ": " + made.error().detail);
    return *std::move(made);
}

settings settings_of(const std::string& directory) {
    static const char* const nothing[] = {nullptr};
    return must(settings::load({{"data_dir", directory},
                                {"http", "127.0.0.1:0"},
                                {"admin", "127.0.0.1:0"},
                                {"access_log", "off"},
                                {"rate_principal_burst", "0"},
                                {"rate_login_burst", "0"}},
                               nothing, ""));
}

// The whole shop, as `stoa serve` runs it, asked over its own port.
class served_shop {
 public:
    explicit served_shop(const std::string& directory)
        : shop_(must(shop::open(settings_of(directory)))) {
        std::atomic<bool> ready = false;
        asio::co_spawn(shop_->loops().at(0), start(), [&](const std::exception_ptr&) {
            ready = true;
            ready.notify_one();
        });
        thread_ = std::jthread([this] { shop_->loops().run(); });
        ready.wait(false);
        if (!started_) throw std::runtime_error(started_.error().detail);
        const auto here = read_run_file(directory);
        operator_ = std::make_unique<http::blocking_client>(here->http, here->token);
        address_ = here->http;
    }
    ~served_shop() {
        asio::co_spawn(shop_->loops().at(0), stop(), [](const std::exception_ptr&) {});
        thread_.join();
    }

    std::string ask(http::blocking_client& by, std::string_view method, const std::string& path,
                    const std::string& body = {}, int wanted = 0) {
        const auto answer = must(by.call(method, path, body));
        const bool fits = wanted ? answer.status == wanted : answer.status < 300;
        if (!fits)
            throw std::runtime_error(path + ": " + std::to_string(answer.status) + ' ' +
                                     answer.body);
        return answer.body;
    }
    http::blocking_client& by_operator() { return *operator_; }
    std::unique_ptr<http::blocking_client> customer(const std::string& name) {
        http::blocking_client anybody(address_, "");
        const auto told = ask(anybody, "POST", "/api/v1/auth/register",
                              R"({"email":")" + name +
                                  R"(@example.com","password":"correct horse 9","first_name":"A",)"
                                  R"("last_name":"B"})");
        const auto at = told.find("\"token\":\"") + 9;
        return std::make_unique<http::blocking_client>(address_,
                                                       told.substr(at, told.find('"', at) - at));
    }
    products::product add(const std::string& name, int stock) {
        return must(from_json<products::product>(ask(
            *operator_, "POST", "/api/v1/products",
            R"({"name":")" + name + R"(","price":12.50,"stock":)" + std::to_string(stock) + '}')));
    }
    orders::order place(http::blocking_client& by, const std::string& product, int n,
                        const std::string& method) {
        return must(from_json<orders::order>(
            ask(by, "POST", "/api/v1/orders",
                R"({"items":[{"product_id":")" + product + R"(","quantity":)" + std::to_string(n) +
                    R"(}],"shipping_address":"Athens")" +
                    (method.empty() ? "" : R"(,"payment_method":")" + method + '"') + '}')));
    }
    void await(const std::string& order, order_status wanted, std::int64_t refunded_minor = 0) {
        eventually([&] {
            const auto now =
                must(from_json<orders::order>(ask(*operator_, "GET", "/api/v1/orders/" + order)));
            return now.status == wanted && now.refunded_amount.minor == refunded_minor;
        });
    }
    audit_report audit() { return must(shop_->audit({})); }
    static void eventually(const std::function<bool()>& holds) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > until)
                throw std::runtime_error("it did not come to hold");
            std::this_thread::yield();
        }
    }

 private:
    task<> start() { started_ = co_await shop_->start(); }
    task<> stop() {
        co_await shop_->drain();
        shop_->loops().stop();
    }

    std::unique_ptr<shop> shop_;
    result<void> started_;
    std::jthread thread_;
    std::unique_ptr<http::blocking_client> operator_;
    std::string address_;
};

// What the shop went through, by its ids.
struct story {
    std::string mug, lamp, gone;  // products; the last one is deleted
    std::string paid, delivered, cancelled, refunded, waiting, declined;  // orders
    std::string cart_owner;
};

story live(const std::string& directory) {
    story out;
    served_shop shop(directory);
    out.mug = shop.add("Mug", 100).id;
    out.lamp = shop.add("Lamp", 100).id;
    out.gone = shop.add("Gone", 5).id;
    const auto ann = shop.customer("ann"), bob = shop.customer("bob");
    auto& op = shop.by_operator();
    const auto item = [](const std::string& id, int n) {
        return R"({"product_id":")" + id + R"(","quantity":)" + std::to_string(n) + '}';
    };
    // Three in the cart, all bought at the checkout; one of another kind stays.
    shop.ask(*ann, "POST", "/api/v1/cart/items", item(out.mug, 3));
    out.paid = must(from_json<orders::order>(shop.ask(
                        *ann, "POST", "/api/v1/cart/checkout",
                        R"({"shipping_address":"Athens","payment_method":"credit_card"})")))
                   .id;
    shop.await(out.paid, order_status::paid);
    shop.ask(*bob, "POST", "/api/v1/cart/items", item(out.lamp, 1));
    shop.ask(*bob, "POST", "/api/v1/cart/items", item(out.gone, 1));
    out.delivered = shop.place(*ann, out.lamp, 2, "credit_card").id;
    shop.await(out.delivered, order_status::paid);
    shop.ask(op, "POST", "/api/v1/orders/" + out.delivered + "/ship", "{}");
    shop.ask(op, "POST", "/api/v1/orders/" + out.delivered + "/deliver", "{}");
    out.cancelled = shop.place(*ann, out.lamp, 1, "credit_card").id;
    shop.await(out.cancelled, order_status::paid);
    shop.ask(op, "PUT", "/api/v1/orders/" + out.cancelled + "/cancel", "{}");
    shop.await(out.cancelled, order_status::cancelled, 1'250);
    out.refunded = shop.place(*bob, out.mug, 2, "credit_card").id;
    shop.await(out.refunded, order_status::paid);
    shop.ask(op, "POST", "/api/v1/orders/" + out.refunded + "/ship", "{}");
    shop.ask(op, "POST", "/api/v1/orders/" + out.refunded + "/refund", R"({"amount":12.50})");
    shop.await(out.refunded, order_status::shipped, 1'250);
    shop.ask(op, "POST", "/api/v1/orders/" + out.refunded + "/refund", "{}");
    shop.await(out.refunded, order_status::refunded, 2'500);
    out.waiting = shop.place(*bob, out.mug, 4, "").id;
    out.declined = shop.place(*bob, out.mug, 1, "tok_declined").id;
    shop.await(out.declined, order_status::payment_failed);
    shop.ask(op, "DELETE", "/api/v1/products/" + out.gone);
    must(op.call("POST", "/api/v1/products/import?wait=30",
                 "sku,name,price,stock\r\nROW-1,Row one,3.00,7\r\nROW-2,Row two,x,7\r\n"));
    served_shop::eventually([&] {
        const auto report = shop.audit();
        return report.in_flight == 0 && report.carts == 1 && report.clean;
    });
    return out;
}

class audit_test : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        lived_ = new temporary_directory();
        told_ = new story(live(lived_->path()));
    }
    static void TearDownTestSuite() {
        delete told_;
        delete lived_;
    }
    void SetUp() override {
        std::filesystem::copy(lived_->path(), copy_.path(),
                              std::filesystem::copy_options::recursive);
        const auto from = settings_of(copy_.path());
        store_ = must(sqlite_shop::open(shop_options(from, copy_.path()), time_));
        provider_ = must(sqlite_shop::open(provider_options(from, copy_ / "provider"), time_));
    }
    void TearDown() override {
        store_->close();
        provider_->close();
        loop_.drain();
    }

    void sql(const char* text) { sql(*store_, text); }
    void sql(sqlite_shop& in, const char* text) {
        must(loop_.run([&] {
            return in.database().commit(
                [text](transaction& t) -> result<std::int64_t> { return t.execute(text); });
        }));
    }
    template <class... Args>
    void sql_with(const char* text, Args... args) {
        const auto changed = must(loop_.run([&] {
            return store_->database().commit(
                [=](transaction& t) -> result<std::int64_t> { return t.execute(text, args...); });
        }));
        ASSERT_GT(changed, 0) << text;
    }
    item stored(const kv_table& table, item key, sqlite_shop* in = nullptr) {
        auto found =
            must(loop_.run([&] { return (in ? in : store_.get())->items().get(table, key); }));
        if (!found) throw std::runtime_error("no such item in " + std::string(table.name));
        return *std::move(found);
    }
    void put(const kv_table& table, item value, sqlite_shop* in = nullptr) {
        write_set set;
        set.put(table, std::move(value));
        must(loop_.run([&] { return (in ? in : store_.get())->items().write(set); }));
    }
    void erase(const kv_table& table, item key) {
        write_set set;
        set.erase(table, std::move(key));
        must(loop_.run([&] { return store_->items().write(set); }));
    }
    void change_order(const std::string& id, std::string_view member, attribute value) {
        auto order = stored(orders::orders_table, key_of("id", id));
        order.set(member, std::move(value));
        put(orders::orders_table, std::move(order));
    }
    template <class Match>
    item first(const kv_table& table, Match match, sqlite_shop* in = nullptr) {
        auto page = must(
            loop_.run([&] { return (in ? in : store_.get())->items().scan(table, {}, 1'000); }));
        for (auto& each : page.items)
            if (match(each)) return each;
        throw std::runtime_error("no item matches");
    }
    item payment_of(const std::string& order, std::string_view state_name, std::string_view state) {
        return first(payments::payments_table, [&](const item& each) {
            return each.text("order_id") == order && each.text(state_name) == state;
        });
    }

    audit_report audited() {
        const auto at = must(take_moment(*store_, *provider_));
        return must(audit({.shop = *at.shop,
                           .provider = at.provider.get(),
                           .intents = &simulator_tables().front(),
                           .now = time_.now()},
                          {}));
    }
    // The rule is broken for that subject, and nothing else is about any other subject.
    void expect(int rule, std::string_view name, std::string_view subject,
                std::vector<std::string> also = {}) {
        const auto report = audited();
        EXPECT_FALSE(report.clean);
        bool named = false;
        for (const auto& each : report.findings) {
            named |= each.rule == rule && each.name == name && each.subject == subject;
            EXPECT_TRUE(each.subject == subject || std::ranges::find(also, each.name) != also.end())
                << each.name << ' ' << each.subject << ' ' << each.what;
        }
        EXPECT_TRUE(named) << to_json(report);
    }

    static temporary_directory* lived_;
    static story* told_;
    temporary_directory copy_;
    system_clock time_;
    test_loop loop_;
    std::unique_ptr<sqlite_shop> store_, provider_;
};
temporary_directory* audit_test::lived_;
story* audit_test::told_;

TEST_F(audit_test, an_event_that_a_copy_of_a_log_has_twice_counts_once) {
    sql("INSERT INTO events SELECT (SELECT max(l.position) FROM events l WHERE l.position >> 40 = "
        "e.position >> 40) + 1, accepted_at, key, id, 'stoa.repeat', version, occurred_at, "
        "traceparent, '{}' FROM events e WHERE type = 'order.paid' LIMIT 1");
    const auto report = audited();
    EXPECT_TRUE(report.clean) << to_json(report);
    sql("UPDATE events SET type = 'order.paid' WHERE type = 'stoa.repeat'");
    EXPECT_FALSE(audited().clean);
}

TEST_F(audit_test, an_untouched_shop_is_clean) {
    const auto report = audited();
    EXPECT_TRUE(report.clean) << to_json(report);
    EXPECT_EQ(report.orders, 6);
    EXPECT_EQ(report.products, 4);
    EXPECT_EQ(report.carts, 1);
    EXPECT_EQ(report.imports, 1);
    EXPECT_EQ(report.intents, 5);
    EXPECT_GT(report.notifications, 10);
    EXPECT_GT(report.idempotency_keys, 5);
    EXPECT_EQ(report.in_flight, 0);
}

TEST_F(audit_test, rule_1_on_hand_is_the_sum_of_movements) {
    sql_with("UPDATE products SET on_hand = on_hand + 1 WHERE id = ?1", told_->mug);
    expect(1, "on_hand_is_the_sum_of_movements", told_->mug);
}
TEST_F(audit_test, rule_1_a_lost_movement_is_seen) {
    sql_with("DELETE FROM stock_movements WHERE reason = 'sold' AND reference = ?1", told_->paid);
    expect(1, "on_hand_is_the_sum_of_movements", told_->mug);
}
TEST_F(audit_test, rule_1_reserved_is_what_is_held) {
    sql_with("UPDATE products SET reserved = reserved + 1 WHERE id = ?1", told_->lamp);
    expect(1, "reserved_is_what_is_held", told_->lamp);
}
TEST_F(audit_test, rule_1_held_lines_have_a_hold) {
    sql_with("INSERT INTO hold_lines (order_id, product_id, quantity) VALUES ('x', ?1, 1)",
             told_->mug);
    expect(1, "held_lines_have_a_hold", "x");
}
TEST_F(audit_test, rule_1_oversold_is_seen_where_the_check_constraint_is_gone) {
    sql("PRAGMA ignore_check_constraints = ON");
    sql_with("UPDATE products SET reserved = 1000 WHERE id = ?1", told_->mug);
    expect(1, "reserved_stays_within_on_hand", told_->mug);
}

TEST_F(audit_test, rule_2_statuses_move_along_the_table) {
    sql_with("UPDATE events SET type = 'order.shipped' WHERE type = 'order.paid' AND key = ?1",
             told_->paid);
    expect(2, "statuses_move_along_the_table", told_->paid);
}

TEST_F(audit_test, rule_3_lines_add_up_to_the_total) {
    change_order(told_->paid, "total_amount", 1);
    expect(3, "lines_add_up_to_the_total", told_->paid);
}
TEST_F(audit_test, rule_3_paid_orders_are_captured_in_full) {
    change_order(told_->paid, "captured_amount", 3'749);
    expect(3, "paid_orders_are_captured_in_full", told_->paid);
}
TEST_F(audit_test, rule_3_refunds_stay_within_captures) {
    change_order(told_->refunded, "refunded_amount", 2'501);
    expect(3, "refunds_stay_within_captures", told_->refunded);
}
TEST_F(audit_test, rule_3_order_and_payment_agree) {
    auto attempt = payment_of(told_->paid, "status", "succeeded");
    attempt.set("amount", 1'250);
    put(payments::payments_table, attempt);
    expect(3, "order_and_payment_agree", told_->paid, {"the_provider_agrees"});
}
TEST_F(audit_test, rule_3_one_capture_is_kept) {
    auto attempt = payment_of(told_->paid, "status", "succeeded");
    attempt.set("id", "01a1ff1e-0000-7000-8000-000000000000");
    put(payments::payments_table, attempt);
    expect(3, "one_capture_is_kept", told_->paid);
}
TEST_F(audit_test, rule_3_captures_have_an_order) {
    erase(orders::orders_table, key_of("id", told_->delivered));
    expect(3, "captures_have_an_order", told_->delivered,
           {"totals_match_the_orders", "a_key_has_one_answer"});
}
TEST_F(audit_test, rule_3_the_provider_agrees_about_a_capture) {
    const auto& intents = simulator_tables()[0];
    const auto wanted = payment_of(told_->paid, "status", "succeeded");
    auto intent = stored(intents, key_of("id", wanted.text("transaction_id")), provider_.get());
    auto inner = std::get<item>(intent.find("intent")->value);
    inner.set("status", "cancelled");
    intent.set("intent", inner);
    put(intents, intent, provider_.get());
    expect(3, "the_provider_agrees", wanted.text("id"));
}
TEST_F(audit_test, rule_3_the_provider_agrees_about_a_refund) {
    const auto& intents = simulator_tables()[0];
    const auto wanted = payment_of(told_->paid, "status", "succeeded");
    auto intent = stored(intents, key_of("id", wanted.text("transaction_id")), provider_.get());
    intent.set("refunded", 5);
    put(intents, intent, provider_.get());
    expect(3, "the_provider_agrees", wanted.text("transaction_id"));
}
TEST_F(audit_test, rule_3_a_capture_that_payments_do_not_know_is_seen) {
    const auto& intents = simulator_tables()[0];
    const auto declined = payment_of(told_->declined, "status", "failed");
    auto intent = stored(intents, key_of("id", declined.text("transaction_id")), provider_.get());
    auto inner = std::get<item>(intent.find("intent")->value);
    inner.set("status", "succeeded");
    intent.set("intent", inner);
    put(intents, intent, provider_.get());
    expect(3, "the_provider_agrees", declined.text("transaction_id"));
}

TEST_F(audit_test, rule_4_a_key_keeps_its_answer) {
    auto key = first(idempotency_table,
                     [&](const item& each) { return each.text("subject") == told_->paid; });
    key.set("body", "");
    put(idempotency_table, key);
    expect(4, "a_key_has_one_answer", key.text("scope_key"));
}
TEST_F(audit_test, rule_4_a_settled_order_s_key_is_answered) {
    auto key = first(idempotency_table,
                     [&](const item& each) { return each.text("subject") == told_->paid; });
    key.set("state", "in_progress");
    put(idempotency_table, key);
    expect(4, "a_key_has_one_answer", key.text("scope_key"));
}

TEST_F(audit_test, rule_5_a_state_has_its_event) {
    sql_with("UPDATE events SET key = 'elsewhere' WHERE type = 'order.delivered' AND key = ?1",
             told_->delivered);
    expect(5, "state_has_its_events", told_->delivered,
           {"state_has_its_events", "statuses_move_along_the_table"});
}
TEST_F(audit_test, rule_5_a_payment_has_its_event) {
    sql_with("UPDATE events SET type = 'nothing' WHERE type = 'payment.succeeded' AND key = ?1",
             told_->paid);
    expect(5, "state_has_its_events", told_->paid);
}
TEST_F(audit_test, rule_5_versions_rise_with_the_log) {
    sql_with("UPDATE events SET version = 1 WHERE type = 'order.shipped' AND key = ?1",
             told_->delivered);
    expect(5, "versions_rise_with_the_log", told_->delivered);
}
TEST_F(audit_test, rule_5_the_log_has_no_gap) {
    sql_with(
        "DELETE FROM events WHERE position IN (SELECT min(position) + 1 FROM events e JOIN "
        "log_partitions p ON p.id = e.position >> 40 WHERE p.topic = 'orders' GROUP BY p.id "
        "HAVING count(*) > 2 LIMIT 1)");
    const auto report = audited();
    EXPECT_TRUE(std::ranges::any_of(report.findings, [](const audit_finding& each) {
        return each.name == "the_log_has_no_gap" && each.subject.starts_with("orders/");
    })) << to_json(report);
}
TEST_F(audit_test, rule_5_stored_orders_are_readable) {
    change_order(told_->paid, "status", "bought");
    expect(5, "stored_orders_are_readable", told_->paid, {"totals_match_the_orders"});
}
TEST_F(audit_test, rule_5_totals_match_the_orders) {
    auto counter = stored(orders::counters_table, key_of("name", "orders:0"));
    counter.set("paid", 9);
    put(orders::counters_table, counter);
    expect(5, "totals_match_the_orders", "paid");
}
TEST_F(audit_test, rule_5_totals_of_a_user_match_that_user_s_orders) {
    const auto order = stored(orders::orders_table, key_of("id", told_->delivered));
    const auto name = "orders:user:" + std::string(order.text("user_id"));
    auto counter = stored(orders::counters_table, key_of("name", name));
    counter.set("delivered", counter.integer("delivered") + 1);
    put(orders::counters_table, counter);
    expect(5, "totals_match_the_orders", name);
}
TEST_F(audit_test, rule_5_an_order_stands_in_its_user_s_list_by_status) {
    const auto order = stored(orders::orders_table, key_of("id", told_->paid));
    change_order(told_->paid, "user_status", std::string(order.text("user_id")) + "#shipped");
    expect(5, "totals_match_the_orders", told_->paid);
}

TEST_F(audit_test, rule_6_imported_rows_counted_once) {
    sql_with("DELETE FROM imported_rows WHERE row_number = 1");
    const auto report = audited();
    ASSERT_EQ(report.findings.size(), 1U) << to_json(report);
    EXPECT_EQ(report.findings.front().name, "imported_rows_counted_once");
    EXPECT_TRUE(report.findings.front().subject.ends_with(":1"));
}
TEST_F(audit_test, rule_6_import_reports_add_up) {
    sql_with("UPDATE imports SET report = replace(report, '\"bad\":1', '\"bad\":0')");
    const auto report = audited();
    ASSERT_EQ(report.findings.size(), 1U) << to_json(report);
    EXPECT_EQ(report.findings.front().name, "import_reports_add_up");
}

TEST_F(audit_test, rule_8_orders_end_in_time) {
    change_order(told_->waiting, "due_at", "2020-01-01T00:00:00.000000Z");
    expect(8, "orders_end_in_time", told_->waiting);
}
TEST_F(audit_test, rule_8_holds_follow_their_orders) {
    sql_with("UPDATE holds SET status = 'returned' WHERE order_id = ?1", told_->paid);
    expect(8, "holds_follow_their_orders", told_->paid);
}
TEST_F(audit_test, rule_8_other_units_than_were_ordered_are_seen) {
    sql_with("UPDATE hold_lines SET quantity = quantity + 1 WHERE order_id = ?1", told_->paid);
    expect(8, "holds_follow_their_orders", told_->paid);
}
TEST_F(audit_test, rule_8_cancelled_orders_keep_no_money) {
    change_order(told_->cancelled, "refunds", attribute_list{});
    expect(8, "cancelled_orders_keep_no_money", told_->cancelled);
}
TEST_F(audit_test, rule_8_refunds_are_asked_for) {
    erase(payments::payments_table, key_of("id", payments::refund_id(told_->cancelled, 1)));
    expect(8, "refunds_are_asked_for", told_->cancelled, {"the_provider_agrees"});
}

TEST_F(audit_test, rule_9_carts_hold_no_deleted_product) {
    auto line = first(carts::carts_table, [](const item&) { return true; });
    line.set("product_id", told_->gone);
    put(carts::carts_table, line);
    // Its second pass is over.
    auto stone = stored(carts::guards_table, key_of("id", carts::tombstone_id(told_->gone)));
    stone.erase("due_at");
    stone.erase("due_shard");
    put(carts::guards_table, stone);
    expect(9, "carts_hold_no_deleted_product", line.text("user_id"));
}
TEST_F(audit_test, rule_9_carts_hold_nothing_that_was_paid) {
    const auto order = stored(orders::orders_table, key_of("id", told_->delivered));
    auto line = first(carts::carts_table, [](const item&) { return true; });
    line.set("user_id", order.text("user_id"));
    line.set("product_id", told_->lamp);
    line.set("added_at", "2020-01-01T00:00:00.000000Z");
    put(carts::carts_table, line);
    expect(9, "carts_hold_nothing_that_was_paid", order.text("user_id"));
}

TEST_F(audit_test, rule_11_one_mail_an_event) {
    const auto mail = first(notifications::notifications_table, [&](const item& each) {
        return each.text("order_id") == told_->paid && each.text("event_type") == "order.paid";
    });
    erase(notifications::notifications_table,
          key_of("event_id", mail.text("event_id"), "channel", "email"));
    expect(11, "one_mail_an_event", mail.text("event_id"));
}
TEST_F(audit_test, rule_11_a_mail_about_nothing_is_seen) {
    auto mail = first(notifications::notifications_table, [](const item&) { return true; });
    mail.set("event_id", "zzz");
    put(notifications::notifications_table, mail);
    expect(11, "one_mail_an_event", "zzz");
}
TEST_F(audit_test, rule_11_mails_go_out) {
    auto mail = first(notifications::notifications_table, [](const item&) { return true; });
    mail.set("status", "pending");
    mail.set("due_at", "2020-01-01T00:00:00.000000Z");
    put(notifications::notifications_table, mail);
    expect(11, "mails_go_out", mail.text("event_id"));
}

TEST_F(audit_test, rule_12_nobody_has_done_more_than_was_published) {
    sql_with(
        "UPDATE log_consumers SET next_offset = 1000 WHERE consumer_group = 'product' AND id = "
        "(SELECT min(id) FROM log_consumers WHERE consumer_group = 'product')");
    expect(12, "published_is_applied_or_parked", "product");
}
TEST_F(audit_test, rule_12_a_parked_key_has_its_dead_letter) {
    sql_with("INSERT INTO parked_keys (consumer_group, topic, key) VALUES ('cart', 'orders', ?1)",
             told_->paid);
    expect(12, "published_is_applied_or_parked", told_->paid);
}
TEST_F(audit_test, rule_12_a_dead_letter_lies_in_its_topic) {
    sql_with(
        "INSERT INTO dead_letters (consumer_group, topic, partition, event_offset, key, "
        "dead_letter_offset, code, detail, attempts, at) VALUES ('cart', 'orders', 0, 0, ?1, 0, "
        "'x', '', 1, 0)",
        told_->paid);
    expect(12, "published_is_applied_or_parked", told_->paid);
}

// Rules 8 to 12 wait for what is on its way.
TEST_F(audit_test, an_order_with_an_event_on_its_way_is_not_judged_by_the_rules_at_rest) {
    sql("UPDATE log_consumers SET next_offset = 0");
    sql_with("UPDATE holds SET status = 'returned' WHERE order_id = ?1", told_->paid);
    const auto report = audited();
    EXPECT_TRUE(report.clean) << to_json(report);
    EXPECT_EQ(report.in_flight, 6);
}

TEST_F(audit_test, a_thousand_findings_are_named_and_the_rest_counted) {
    sql_with(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT "
        "INTO hold_lines (order_id, product_id, quantity) SELECT 'x' || i, 'y', 1 FROM n");
    const auto report = audited();
    EXPECT_EQ(report.findings.size(), 1'000U);
    EXPECT_EQ(report.broken, 1'500);
}

}  // namespace
}  // namespace stoa
