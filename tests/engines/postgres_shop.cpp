// The services' own transactions on PostgreSQL, in two replicas.
#include "adapters/outbox/outbox.hpp"
#include "embedded/product_migrations.hpp"
#include "embedded/user_migrations.hpp"
#include "engines/postgres_under_test.hpp"
#include "services/product/product_service.hpp"
#include "services/user/user_store.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <set>

namespace stoa::testing {
namespace {

sql_component component_of(std::string name, std::span<const embedded_file> files) {
    sql_component out{std::move(name), {}};
    for (const auto& each : files)
        out.steps.push_back({std::string(each.name), std::string(each.content)});
    return out;
}

template <class T>
T must(result<T> made) {
    if (!made) throw std::runtime_error(made.error().code + ": " + made.error().detail);
    return *std::move(made);
}

class postgres_shop : public ::testing::Test {
 protected:
    // One process's products on the shared database.
    struct replica {
        std::unique_ptr<postgres_store> store;
        products::catalogue_index index;
        products::change_board board;
        std::unique_ptr<products::product_service> products;
    };
    std::unique_ptr<replica> start() {
        auto out = std::make_unique<replica>();
        const postgres_options options{
            .server = database_.address(),
            .migrations = {component_of("product", embedded::product_migrations()),
                           component_of("user", embedded::user_migrations())},
            .topics = {std::string(products::topic::deleted), std::string(products::topic::changed),
                       std::string(products::topic::images_processed)},
            .connections = 8};
        out->store = must(postgres_store::open(options, time_));
        out->products = std::make_unique<products::product_service>(
            products::product_service::needs{out->store->database(), out->index, out->board, time_,
                                             random_},
            products::product_settings{});
        return out;
    }
    request_context as_operator() {
        request_context out;
        out.caller = {.is = role::operator_, .user_id = "operator"};
        out.idempotency_key = new_id(time_, random_);
        out.request_id = out.idempotency_key;
        return out;
    }
    template <class Body>
    auto call(Body body) {
        return must(loop_.run(std::move(body)));
    }
    products::product add(replica& to, const std::string& name, std::int64_t stock,
                          std::int64_t price_minor = 1'000) {
        products::create_product_request wanted{
            .name = name, .category = "Things", .price = {price_minor, {}}, .stock = stock};
        return call([&] { return to.products->create_product(as_operator(), wanted); });
    }
    products::stock_report stock_of(replica& in, const std::string& id) {
        return call([&] { return in.products->get_stock(as_operator(), {id}); });
    }
    products::hold_request hold_of(const std::string& order,
                                   const std::vector<std::pair<products::product, int>>& lines) {
        products::hold_request out{.order_id = order, .deadline = time_.now() + hours(1)};
        for (const auto& [what, n] : lines)
            out.lines.push_back({what.id, n, what.price, what.currency});
        return out;
    }

    postgres_database database_;
    manual_clock time_;
    seeded_random random_{11};
    test_loop loop_;
};

TEST_F(postgres_shop, of_500_buyers_at_two_replicas_100_get_the_100_units) {
    const auto here = start(), there = start();
    const auto thing = add(*here, "Last ones", 100);
    int held = 0, refused = 0;
    std::set<std::string> winners;
    for (int i = 0; i < 500; ++i)
        loop_.spawn([&, i]() -> task<> {
            auto& at = i % 2 == 0 ? *here : *there;
            const auto order = "order" + std::to_string(i);
            const auto out =
                co_await at.products->hold(as_operator(), hold_of(order, {{thing, 1}}));
            if (!out) throw std::runtime_error(out.error().detail);
            if (out->status == products::hold_status::held) ++held, winners.insert(order);
            else ++refused;
        });
    ASSERT_TRUE(loop_.run_until([&] { return held + refused == 500; }));
    EXPECT_EQ(held, 100);
    const auto stock = stock_of(*there, thing.id);
    EXPECT_EQ(stock.on_hand, 100);
    EXPECT_EQ(stock.reserved, 100);
    EXPECT_EQ(stock.stock, 0);
    // Whoever asks again is told the same, by either replica.
    for (int i = 0; i < 500; i += 25) {
        const auto order = "order" + std::to_string(i);
        const auto again = call(
            [&] { return there->products->hold(as_operator(), hold_of(order, {{thing, 1}})); });
        EXPECT_EQ(again.status == products::hold_status::held, winners.contains(order));
    }
}

TEST_F(postgres_shop, orders_of_several_products_neither_oversell_nor_wait_for_each_other) {
    const auto here = start(), there = start();
    std::vector<products::product> things;
    for (int i = 0; i < 4; ++i) things.push_back(add(*here, "Thing " + std::to_string(i), 60));
    int held = 0, refused = 0;
    std::vector<std::int64_t> taken(4);
    for (int i = 0; i < 200; ++i)
        loop_.spawn([&, i]() -> task<> {
            auto& at = i % 2 == 0 ? *here : *there;
            // Twin lines, and products in either order.
            const auto a = static_cast<std::size_t>(i % 4),
                       b = static_cast<std::size_t>((i / 4) % 4);
            const auto wanted = hold_of("order" + std::to_string(i),
                                        {{things[a], 1}, {things[b], 2}, {things[a], 1}});
            const auto out = co_await at.products->hold(as_operator(), wanted);
            if (!out) throw std::runtime_error(out.error().detail);
            if (out->status != products::hold_status::held) {
                ++refused;
                co_return;
            }
            ++held;
            taken[a] += 2;
            taken[b] += 2;
        });
    ASSERT_TRUE(loop_.run_until([&] { return held + refused == 200; }));
    EXPECT_GT(held, 0);
    EXPECT_GT(refused, 0);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_LE(taken[i], 60);
        EXPECT_EQ(stock_of(*there, things[i].id).reserved, taken[i]);
    }
    // Deadlocks would have been noticed after a second each.
    EXPECT_EQ(here->store->counters().conflicts + there->store->counters().conflicts, 0u);
}

TEST_F(postgres_shop, a_hold_ends_once_whichever_way_and_however_often_it_is_told) {
    const auto here = start(), there = start();
    const auto thing = add(*here, "Thing", 50);
    for (int round = 0; round < 20; ++round) {
        const auto order = "order" + std::to_string(round);
        (void)call(
            [&] { return here->products->hold(as_operator(), hold_of(order, {{thing, 1}})); });
        int done = 0;
        for (int i = 0; i < 6; ++i)
            loop_.spawn([&, i]() -> task<> {
                auto& at = *(i % 2 == 0 ? here : there)->products;
                const products::end_hold_request end{order};
                if (i % 3 == 0) (void)co_await at.release_reserved(as_operator(), end);
                else (void)co_await at.commit_reserved(as_operator(), end);
                ++done;
            });
        ASSERT_TRUE(loop_.run_until([&] { return done == 6; }));
    }
    // Committed, and perhaps returned, or released: nothing is reserved, and what is on hand is
    // what the movements say.
    const auto stock = stock_of(*there, thing.id);
    EXPECT_EQ(stock.reserved, 0);
    std::int64_t sum = 0;
    for (const auto& each : stock.movements) sum += each.delta;
    EXPECT_EQ(stock.on_hand, sum);
}

TEST_F(postgres_shop, a_hold_and_its_release_that_cross_leave_nothing_reserved) {
    const auto here = start(), there = start();
    const auto thing = add(*here, "Thing", 50);
    for (int round = 0; round < 30; ++round) {
        const auto order = "order" + std::to_string(round);
        int done = 0;
        loop_.spawn([&]() -> task<> {
            const auto out =
                co_await here->products->hold(as_operator(), hold_of(order, {{thing, 1}}));
            EXPECT_TRUE(out) << out.error().code;
            ++done;
        });
        loop_.spawn([&]() -> task<> {
            const auto out = co_await there->products->release_reserved(as_operator(), {order});
            EXPECT_TRUE(out) << out.error().code;
            ++done;
        });
        ASSERT_TRUE(loop_.run_until([&] { return done == 2; }));
    }
    EXPECT_EQ(stock_of(*here, thing.id).reserved, 0);
}

TEST_F(postgres_shop, recounts_and_holds_at_once_add_up) {
    const auto here = start(), there = start();
    const auto thing = add(*here, "Thing", 100);
    int done = 0;
    for (int i = 0; i < 40; ++i)
        loop_.spawn([&, i]() -> task<> {
            if (i % 4 == 0) {
                products::change_stock_request count{.id = thing.id, .count = 100 + i};
                (void)co_await there->products->change_stock(as_operator(), count);
            } else {
                const auto order = "order" + std::to_string(i);
                (void)co_await here->products->hold(as_operator(), hold_of(order, {{thing, 1}}));
                (void)co_await here->products->commit_reserved(as_operator(), {order});
            }
            ++done;
        });
    ASSERT_TRUE(loop_.run_until([&] { return done == 40; }));
    const auto stock = stock_of(*here, thing.id);
    std::int64_t sum = 0;
    for (const auto& each : stock.movements) sum += each.delta;
    EXPECT_EQ(stock.on_hand, sum);
    EXPECT_EQ(stock.reserved, 0);
}

TEST_F(postgres_shop, the_catalogue_lists_and_pages_as_it_does_embedded) {
    const auto shop = start();
    for (int i = 0; i < 12; ++i) {
        time_.advance(std::chrono::seconds(1));
        // Upper case stands before lower case: by bytes, as in the embedded shop.
        add(*shop, (i % 2 == 0 ? "b" : "C") + std::to_string(10 + i), i, 100 * (i % 5));
    }
    for (const auto* sort : {"newest", "price", "-price", "name"})
        for (const bool in_category : {false, true}) {
            std::vector<products::product> seen;
            std::optional<std::string> cursor;
            do {
                products::list_products_request wanted{.limit = 5, .cursor = cursor, .sort = sort};
                if (in_category) wanted.category = "Things";
                const auto page =
                    call([&] { return shop->products->list_products(as_operator(), wanted); });
                for (const auto& each : page.products) seen.push_back(each);
                cursor = page.next_cursor;
            } while (cursor);
            ASSERT_EQ(seen.size(), 12u) << sort;
            for (std::size_t i = 1; i < seen.size(); ++i) {
                const auto &a = seen[i - 1], &b = seen[i];
                if (std::string_view(sort) == "name") EXPECT_LT(a.name, b.name);
                if (std::string_view(sort) == "price") EXPECT_LE(a.price.minor, b.price.minor);
                if (std::string_view(sort) == "-price") EXPECT_GE(a.price.minor, b.price.minor);
                if (std::string_view(sort) == "newest") EXPECT_GT(a.created_at, b.created_at);
            }
        }
    products::list_products_request some{
        .min_price = money{100, {}}, .max_price = money{300, {}}, .in_stock = true};
    EXPECT_GT(
        call([&] { return shop->products->list_products(as_operator(), some); }).products.size(),
        0u);
    EXPECT_EQ(
        call([&] { return shop->products->list_categories(as_operator(), {}); }).categories.size(),
        1u);
}

TEST_F(postgres_shop, a_product_changes_and_goes_with_its_events_in_the_outbox) {
    const auto shop = start();
    auto thing = add(*shop, "Thing", 5);
    products::update_product_request to{.id = thing.id, .name = "Other", .stock = 9};
    thing = call([&] { return shop->products->update_product(as_operator(), to); });
    EXPECT_EQ(thing.name, "Other");
    EXPECT_EQ(thing.stock, 9);
    (void)call([&] { return shop->products->delete_product(as_operator(), {thing.id}); });
    std::set<std::string> topics;
    const auto waiting = call([&] { return shop->store->items().scan(outbox_table, {}, 100); });
    for (const auto& each : waiting.items) topics.emplace(must(event_of_outbox(each)).topic);
    EXPECT_TRUE(topics.contains(std::string(products::topic::deleted)));
    EXPECT_TRUE(topics.contains(std::string(products::topic::changed)));
    EXPECT_EQ(call([&] { return shop->products->sweep(); }), 0);
}

TEST_F(postgres_shop, a_guest_becomes_an_account_or_is_claimed_by_another_never_both) {
    namespace store = users::store;
    const auto here = start(), there = start();
    const auto now = time_.now();
    users::user heir{.id = "heir",
                     .email = "heir@example.org",
                     .role = users::account_role::customer,
                     .email_verified = true,
                     .created_at = now,
                     .updated_at = now};
    int upgraded = 0, claimed = 0;
    for (int round = 0; round < 40; ++round) {
        auto guest = heir;
        guest.id = "guest" + std::to_string(round);
        guest.email = "guest" + std::to_string(round) + "@example.org";
        guest.role = users::account_role::guest;
        (void)call([&] {
            return here->store->database().commit(
                [guest](transaction& t) -> result<bool> { return store::insert(t, guest, {}); });
        });
        int done = 0;
        bool made = false;
        loop_.spawn([&]() -> task<> {
            auto upgrade = [guest](transaction& t) -> result<bool> {
                return store::upgrade_guest(t, guest, "hash");
            };
            made = (co_await here->store->database().commit(std::move(upgrade))).value_or(false);
            ++done;
        });
        loop_.spawn([&]() -> task<> {
            auto claim = [guest, heir, now](transaction& t) -> result<bool> {
                store::claim_guest(t, guest.id, heir, now);
                return true;
            };
            EXPECT_TRUE(co_await there->store->database().commit(std::move(claim)));
            ++done;
        });
        ASSERT_TRUE(loop_.run_until([&] { return done == 2; }));
        const auto stands = call([&] {
            return here->store->database().read([guest](transaction& t) -> result<bool> {
                return t.number("SELECT 1 FROM guest_claims WHERE guest_id = ?1", guest.id)
                    .has_value();
            });
        });
        EXPECT_NE(made, stands) << guest.id;
        ++(made ? upgraded : claimed);
    }
    RecordProperty("upgraded", upgraded);
    RecordProperty("claimed", claimed);
}

TEST_F(postgres_shop, every_statement_of_the_user_store_runs) {
    namespace store = users::store;
    const auto shop = start();
    const auto now = time_.now();
    users::user ann{.id = new_id(time_, random_),
                    .email = "Ann@Example.org",
                    .first_name = "Ann",
                    .last_name = "A",
                    .role = users::account_role::customer,
                    .created_at = now,
                    .updated_at = now};
    auto guest = ann;
    guest.id = new_id(time_, random_);
    guest.email = "Guest@Example.org";
    guest.role = users::account_role::guest;
    auto work = [=](transaction& t) -> result<int> {
        EXPECT_TRUE(store::insert(t, ann, "hash"));
        auto twin = ann;
        twin.id = "twin";
        twin.email = "ANN@example.org";
        EXPECT_FALSE(store::insert(t, twin, {}));
        EXPECT_TRUE(store::insert(t, guest, {}));
        EXPECT_TRUE(store::find(t, ann.id).has_value());
        EXPECT_TRUE(store::find_credentials(t, ann.id).has_value());
        EXPECT_TRUE(store::find_credentials_by_email(t, "ann@example.ORG").has_value());
        EXPECT_TRUE(store::email_is_taken(t, "ann@example.org"));
        EXPECT_FALSE(store::email_is_taken(t, "ann@example.org", ann.id));
        EXPECT_TRUE(store::is_guest_address(t, "guest@example.org"));
        store::update(t, ann);
        EXPECT_TRUE(store::replace_hash(t, ann.id, "hash", "other"));
        store::set_password(t, ann.id, "third", now, now);
        store::set_role(t, ann, users::account_role::admin, now, now);
        EXPECT_EQ(store::count(t, {}), 1);
        EXPECT_EQ(store::count(t, users::account_role::admin), 1);
        EXPECT_EQ(store::list(t, {}).size(), 1u);
        EXPECT_EQ(store::list(t, {.role = users::account_role::admin}).size(), 1u);
        EXPECT_EQ(store::list(t, {.after = store::listing::place{"9999", "z"}}).size(), 1u);
        EXPECT_EQ(store::add_reset(t, "d1", "ann@example.org", ann.id, now, now + hours(1), now),
                  0);
        EXPECT_EQ(store::add_reset(t, "d2", "none@example.org", {}, now, now + hours(1), now), 0);
        EXPECT_TRUE(store::find_reset(t, "d1", now).has_value());
        EXPECT_FALSE(store::find_reset(t, "d2", now).has_value());
        store::drop_resets_of_email(t, "none@example.org");
        store::drop_resets_of_user(t, ann.id);
        EXPECT_EQ(store::count_verifications(t, ann.id, "ann@example.org", now), 0);
        store::add_verification(t, "v1", ann.id, "ann@example.org", now, now + hours(1));
        const auto verified = store::find_verification(t, "v1", now);
        EXPECT_TRUE(verified.has_value());
        if (verified) store::drop_verifications(t, *verified);
        auto heir = ann;
        store::claim_guest(t, guest.id, heir, now);
        heir.email_verified = true;
        heir.email = "guest@example.org";
        store::claim_guests_of_address(t, heir, now);
        EXPECT_EQ(store::due_claims(t, {}, now, 10).size(), 1u);
        const auto due = store::due_claims(t, ann.id, now, 10);
        EXPECT_EQ(due.size(), 1u);
        for (const auto& each : due) {
            store::postpone_claim(t, each, now + hours(1));
            store::postpone_claim(t, each, {});
            store::drop_claim(t, each);
        }
        EXPECT_TRUE(store::upgrade_guest(t, guest, "hash"));
        users::api_key key{
            .id = "k", .name = "n", .scopes = {"a"}, .created_by = ann.id, .created_at = now};
        store::insert_key(t, key, "digest");
        EXPECT_TRUE(store::find_key(t, "digest").has_value());
        EXPECT_EQ(store::list_keys(t, 5).size(), 1u);
        EXPECT_TRUE(store::delete_key(t, "k"));
        EXPECT_TRUE(store::deactivate(t, ann.id, now));
        return 0;
    };
    (void)call([&] { return shop->store->database().commit(work); });
}

}  // namespace
}  // namespace stoa::testing
