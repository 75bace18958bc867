// Guests' orders on their way to an account, on the real embedded engine behind a line that can be
// cut and an index that can be behind.
#include "adapters/sqlite/sqlite_shop.hpp"
#include "ports/idempotency.hpp"
#include "services/order/order_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa::orders {
namespace {

using users::account_role;

class fake_users final : public users::directory {
 public:
    task<result<users::user>> get_user(request_context, users::get_user_request wanted) override {
        const auto found = all.find(wanted.id);
        if (found == all.end()) co_return fail(errc::not_found, "user_not_found", "");
        co_return found->second;
    }
    task<result<principal>> authenticate(std::string) override {
        co_return fail(errc::internal, "not_asked", "");
    }
    void add(const std::string& id, account_role of, bool verified) {
        all[id] = {.id = id, .role = of, .email_verified = verified};
    }
    std::map<std::string, users::user> all;
};

class full_shelf final : public products::stock_keeper {
 public:
    task<result<products::quote>> quote_products(request_context,
                                                 products::quote_request wanted) override {
        products::quote out;
        for (const auto& id : wanted.product_ids)
            out.products.push_back(
                {.id = id, .name = "Thing", .price = {100, {}}, .stock = 1'000'000});
        co_return out;
    }
    task<result<products::hold_outcome>> hold(request_context, products::hold_request) override {
        if (cut) co_return fail(errc::unavailable, "cut", "");
        co_return products::hold_outcome{.status = products::hold_status::held};
    }
    bool cut = false;
};

// The engine, which fails from the n-th write on, shows an index without the newest orders, and
// lets a test act just before a write.
class fickle_items final : public key_value {
 public:
    explicit fickle_items(key_value& real) : real_(real) {}
    int writes_left = INT_MAX;
    std::size_t index_lags = 0;
    std::function<task<void>()> before_write;

    task<result<std::optional<item>>> get(const kv_table& table, item key) override {
        return real_.get(table, std::move(key));
    }
    task<result<kv_page>> query(kv_query what) override {
        const bool by_user = what.index == "by_user";
        auto page = co_await real_.query(std::move(what));
        for (std::size_t i = 0; by_user && page && i < index_lags && !page->items.empty(); ++i)
            page->items.erase(page->items.begin());
        co_return page;
    }
    task<result<write_outcome>> write(write_set what) override {
        if (auto act = std::exchange(before_write, nullptr)) co_await act();
        if (writes_left-- <= 0) co_return fail(errc::unavailable, "cut", "");
        co_return co_await real_.write(std::move(what));
    }
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override {
        return real_.scan(table, std::move(after), limit);
    }

 private:
    key_value& real_;
};

const std::string guest = "018f0000-0000-7000-8000-00000000000a";
const std::string ada = "018f0000-0000-7000-8000-00000000000b";

class order_adoption_test : public ::testing::Test {
 protected:
    order_adoption_test() {
        sqlite_options options{.directory = directory_.path(),
                               .tables = {&idempotency_table, &orders_table, &counters_table},
                               .topics = {{.name = topic::orders},
                                          {.name = topic::payment_requested},
                                          {.name = topic::close_requested},
                                          {.name = topic::refund_requested},
                                          {.name = payments::topic::succeeded}}};
        auto opened = sqlite_shop::open(options, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        items_.emplace(shop_->items());
        keys_.emplace(*items_, time_, "test", true);
        orders_.emplace(order_service::needs{.items = *items_,
                                             .users = users_,
                                             .products = shelf_,
                                             .time = time_,
                                             .random = random_,
                                             .keys = *keys_,
                                             .measured = measured_},
                        order_settings{.cancel_wait = milliseconds(0)});
        users_.add(guest, account_role::guest, false);
        users_.add(ada, account_role::customer, true);
    }
    ~order_adoption_test() override { shop_->close(); }

    request_context as(const std::string& user) {
        request_context out;
        out.caller = {
            .is = users_.all.at(user).role == account_role::guest ? role::guest : role::customer,
            .user_id = user};
        out.operation = "CreateOrder";
        out.idempotency_key = new_id(time_, random_);
        return out;
    }
    result<order> place(const std::string& user) {
        time_.advance(milliseconds(1));
        const create_order_request wanted{.items = {{"p", 1}}, .shipping_address = {"\"Athens\""}};
        return loop_.run([&] { return orders_->create_order(as(user), wanted); });
    }
    result<order> get(const std::string& user, const std::string& id) {
        return loop_.run([&] { return orders_->get_order(as(user), {id}); });
    }
    order_list orders_of(const std::string& user) {
        return loop_.run([&] { return orders_->list_orders(as(user), {.limit = 100}); }).value();
    }
    result<users::adopted> adopt(const std::string& from, const std::string& to) {
        return loop_.run([&] { return orders_->adopt(from, to); });
    }
    std::vector<event> told() {
        std::vector<event> out;
        for (int partition = 0; partition < topic_spec{}.partitions; ++partition)
            for (auto& each :
                 loop_.run([&] { return shop_->log().read("orders", partition, 0, 1'000); })
                     .value())
                out.push_back(std::move(each.message));
        return out;
    }

    stoa::testing::temporary_directory directory_;
    stoa::testing::manual_clock time_;
    stoa::testing::seeded_random random_{stoa::testing::test_seed()};
    stoa::testing::test_loop loop_;
    metrics measured_;
    fake_users users_;
    full_shelf shelf_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<fickle_items> items_;
    std::optional<idempotency_keys> keys_;
    std::optional<order_service> orders_;
};

TEST_F(order_adoption_test, an_adopted_order_is_the_accounts_and_no_longer_the_guests) {
    const auto own = place(ada).value();
    const auto first = place(guest).value(), second = place(guest).value();
    const auto done = adopt(guest, ada).value();
    EXPECT_EQ(done.moved, 2);
    EXPECT_TRUE(done.complete);
    const auto seen = get(ada, first.id).value();
    EXPECT_EQ(seen.user_id, ada);
    EXPECT_EQ(seen.placed_by, guest);
    EXPECT_EQ(seen.version, first.version + 1);
    EXPECT_EQ(get(guest, first.id).error().kind, errc::not_found);
    const auto list = orders_of(ada);
    EXPECT_EQ(list.total, 3);
    ASSERT_EQ(list.orders.size(), 3u);
    EXPECT_EQ(list.orders.back().id, own.id);
    EXPECT_EQ(orders_of(guest).total, 0);
    EXPECT_TRUE(orders_of(guest).orders.empty());
    const auto cancel = [&](const std::string& user) {
        return loop_.run([&] { return orders_->cancel_order(as(user), {.id = second.id}); });
    };
    EXPECT_EQ(cancel(guest).error().kind, errc::not_found);
    EXPECT_EQ(cancel(ada).value().status, order_status::cancelling);
    EXPECT_FALSE(get(ada, own.id).value().placed_by);
}

TEST_F(order_adoption_test, adopting_again_changes_nothing) {
    const auto placed = place(guest).value();
    ASSERT_EQ(adopt(guest, ada).value().moved, 1);
    const auto events = told().size();
    const auto again = adopt(guest, ada).value();
    EXPECT_EQ(again.moved, 0);
    EXPECT_TRUE(again.complete);
    EXPECT_EQ(get(ada, placed.id).value().version, placed.version + 1);
    EXPECT_EQ(orders_of(ada).total, 1);
    EXPECT_EQ(told().size(), events);
}

TEST_F(order_adoption_test, nothing_moves_from_an_account_or_to_an_unverified_one) {
    const std::string bob = "018f0000-0000-7000-8000-00000000000c";
    users_.add(bob, account_role::customer, true);
    const auto bobs = place(bob).value();
    EXPECT_EQ(adopt(bob, ada).value().moved, 0);
    EXPECT_EQ(get(bob, bobs.id).value().user_id, bob);

    const auto placed = place(guest).value();
    const auto refused = [&](users::user heir) {
        users_.all[ada] = std::move(heir);
        const auto got = adopt(guest, ada);
        return !got && got.error().code == "address_not_verified";
    };
    EXPECT_TRUE(refused({.id = ada, .role = account_role::customer}));
    EXPECT_TRUE(refused({.id = ada, .role = account_role::guest, .email_verified = true}));
    EXPECT_TRUE(refused(
        {.id = ada, .role = account_role::customer, .active = false, .email_verified = true}));
    EXPECT_EQ(adopt(guest, "nobody").error().code, "address_not_verified");
    EXPECT_EQ(get(guest, placed.id).value().user_id, guest);
}

TEST_F(order_adoption_test, an_order_that_changes_meanwhile_moves_as_it_has_become) {
    const auto placed = place(guest).value();
    items_->before_write = [&]() -> task<void> {
        const auto done = co_await orders_->cancel_order(as(guest), {.id = placed.id});
        EXPECT_TRUE(done.has_value());
    };
    EXPECT_EQ(adopt(guest, ada).value().moved, 1);
    const auto seen = get(ada, placed.id).value();
    EXPECT_EQ(seen.status, order_status::cancelling);
    EXPECT_EQ(seen.version, placed.version + 2);
    EXPECT_EQ(orders_of(ada).total, 1);
    EXPECT_EQ(orders_of(guest).total, 0);
}

TEST_F(order_adoption_test, a_change_that_meets_the_move_is_made_all_the_same) {
    const auto placed = place(guest).value();
    items_->before_write = [&]() -> task<void> {
        EXPECT_EQ((co_await orders_->adopt(guest, ada)).value().moved, 1);
    };
    const payments::payment_succeeded paid{
        .order_id = placed.id, .payment_id = "pay", .user_id = guest, .amount = {100, {}}};
    const delivery from{
        .group = "order", .offset = 1, .message = {.topic = "payment.succeeded", .id = "e1"}};
    const auto done = loop_.run([&] { return orders_->on_payment_succeeded(from, paid); });
    ASSERT_TRUE(done) << done.error().code << ' ' << done.error().detail;
    EXPECT_EQ(get(ada, placed.id).value().status, order_status::paid);
    const auto events = told();
    const auto found = std::ranges::find(events, "order.paid", &event::type);
    ASSERT_NE(found, events.end());
    const auto payload = from_json<order_event>(found->payload).value();
    EXPECT_EQ(payload.user_id, ada);  // told is who owns it now
    EXPECT_EQ(payload.placed_by, guest);
}

TEST_F(order_adoption_test, a_move_that_died_half_way_goes_on_where_it_stopped) {
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(place(guest).value().id);
    items_->writes_left = 2;
    EXPECT_FALSE(adopt(guest, ada));
    EXPECT_EQ(orders_of(ada).total, 2);
    EXPECT_EQ(orders_of(guest).total, 3);
    items_->writes_left = INT_MAX;
    const auto rest = adopt(guest, ada).value();
    EXPECT_EQ(rest.moved, 3);
    EXPECT_TRUE(rest.complete);
    EXPECT_EQ(orders_of(ada).total, 5);
    for (const auto& id : ids) EXPECT_EQ(get(ada, id).value().user_id, ada);
}

TEST_F(order_adoption_test, an_order_that_is_still_being_placed_waits_and_is_placed_whole) {
    shelf_.cut = true;
    const auto context = as(guest);
    const create_order_request wanted{.items = {{"p", 1}}, .shipping_address = {"\"Athens\""}};
    ASSERT_FALSE(loop_.run([&] { return orders_->create_order(context, wanted); }));
    const auto look = adopt(guest, ada).value();
    EXPECT_EQ(look.moved, 0);
    EXPECT_FALSE(look.complete);
    shelf_.cut = false;
    time_.advance(seconds(10));  // the lease of the request that died is over
    const auto again = loop_.run([&] { return orders_->create_order(context, wanted); });
    ASSERT_TRUE(again) << again.error().code;
    EXPECT_EQ(again->status, order_status::awaiting_payment);
    EXPECT_EQ(adopt(guest, ada).value().moved, 1);
}

TEST_F(order_adoption_test, orders_that_the_index_shows_later_move_with_the_next_look) {
    const auto first = place(guest).value(), newest = place(guest).value();
    items_->index_lags = 1;
    EXPECT_EQ(adopt(guest, ada).value().moved, 1);
    items_->index_lags = 0;
    EXPECT_EQ(adopt(guest, ada).value().moved, 1);
    EXPECT_EQ(get(ada, first.id).value().user_id, ada);
    EXPECT_EQ(get(ada, newest.id).value().user_id, ada);
}

TEST_F(order_adoption_test, one_look_is_bounded_and_says_that_there_is_more) {
    for (int i = 0; i < 103; ++i) ASSERT_TRUE(place(guest));
    const auto first = adopt(guest, ada).value();
    EXPECT_EQ(first.moved, 100);
    EXPECT_FALSE(first.complete);
    const auto rest = adopt(guest, ada).value();
    EXPECT_EQ(rest.moved, 3);
    EXPECT_TRUE(rest.complete);
    EXPECT_EQ(orders_of(ada).total, 103);
}

}  // namespace
}  // namespace stoa::orders
