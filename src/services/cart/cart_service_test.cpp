// The cart service on the real embedded engine, through its operation rows and its event handlers.
#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "services/cart/cart_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <set>

#include <algorithm>

namespace stoa::carts {
namespace {

constexpr currency_code eur{{'E', 'U', 'R'}};

class fake_products final : public products::stock_keeper {
 public:
    task<result<products::quote>> quote_products(request_context context,
                                                 products::quote_request wanted) override {
        callers.push_back(context.caller.is);
        if (down) co_return fail(errc::timeout, "slow");
        products::quote out;
        for (const auto& id : wanted.product_ids)
            if (const auto found = shelf.find(id); found != shelf.end())
                out.products.push_back(found->second);
        if (after_quote) co_await after_quote();
        co_return out;
    }
    task<result<products::hold_outcome>> hold(request_context, products::hold_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    void stock(const std::string& id, std::int64_t price_minor, std::int64_t units,
               currency_code currency = eur) {
        shelf[id] = {.id = id,
                     .sku = "SKU-" + id,
                     .name = "Product " + id,
                     .price = {price_minor, currency},
                     .currency = currency,
                     .stock = units};
    }

    std::map<std::string, products::product> shelf;
    std::vector<role> callers;
    bool down = false;
    std::function<task<>()> after_quote;
};

// Keeps idempotency as the real one does: one key, one order.
class fake_orders final : public orders::book {
 public:
    fake_orders(key_value& items, idempotency_keys& keys) : items_(items), keys_(keys) {}
    task<result<orders::order>> create_order(request_context context,
                                             orders::create_order_request wanted) override {
        STOA_CO_TRY(const auto known, co_await keys_.look_up(context));
        if (known) co_return orders::order{};
        asked.push_back(wanted);
        orders::order made{.id = "order-" + std::to_string(asked.size()),
                           .user_id = context.caller.user_id};
        write_set in;
        keys_.record(in, context, made.id, 201, to_json(made));
        STOA_CO_TRY_VOID(co_await items_.write(std::move(in)));
        *context.reply = {.status = 201, .body = to_json(made)};
        co_return made;
    }
    task<result<orders::order>> get_order(request_context, orders::get_order_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order_list>> list_orders(request_context,
                                                 orders::list_orders_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order>> begin_attempt(request_context,
                                              orders::begin_attempt_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    std::vector<orders::create_order_request> asked;

 private:
    key_value& items_;
    idempotency_keys& keys_;
};

// Fails the n-th write from now as an engine does that lost its disk for a moment.
class failing_writes final : public key_value {
 public:
    explicit failing_writes(key_value& inner) : inner_(inner) {}
    task<result<std::optional<item>>> get(const kv_table& table, item key) override {
        return inner_.get(table, std::move(key));
    }
    task<result<kv_page>> query(kv_query what) override { return inner_.query(std::move(what)); }
    task<result<write_outcome>> write(write_set what) override {
        writes.push_back(what.writes.size());
        if (fail_in > 0 && --fail_in == 0) co_return fail(errc::unavailable, "storage_unavailable");
        co_return co_await inner_.write(std::move(what));
    }
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override {
        return inner_.scan(table, std::move(after), limit);
    }
    int fail_in = 0;
    std::vector<std::size_t> writes;

 private:
    key_value& inner_;
};

struct reply {
    error wrong;
    std::string body;
    int status = 0;
    bool replayed = false;

    bool ok() const { return wrong.code.empty(); }
    cart as_cart() const { return from_json<cart>(body, eur).value(); }
};

constexpr topic_spec topics[] = {{.name = "orders", .partitions = 1},
                                 {.name = "product.deleted", .partitions = 1}};

class cart_service_test : public ::testing::Test {
 protected:
    cart_service_test() {
        auto opened =
            sqlite_shop::open({.directory = directory_.path(),
                               .tables = {&carts_table, &guards_table, &idempotency_table},
                               .topics = {std::begin(topics), std::end(topics)}},
                              clock_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        items_.emplace(shop_->items());
        keys_.emplace(*items_, clock_, "epoch-1", true);
        orders_.emplace(*items_, *keys_);
        carts_.emplace(cart_service::needs{*items_, products_, *orders_, clock_, *keys_},
                       cart_settings{.shop_currency = eur});
        products_.stock("apple", 150, 10);
        products_.stock("pear", 99, 1'000'000);
    }
    ~cart_service_test() override { shop_->close(); }

    // As the transport does it: read, check the rules, call the row.
    reply call(std::string_view rpc, std::string body = "{}", std::string user = "ada",
               std::string key = {}) {
        const auto rows = operations_of(*carts_).operations;
        const auto row = std::ranges::find(rows, rpc, &operation::rpc);
        if (row == rows.end()) throw std::runtime_error("no such operation");
        record_box request(*row->request);
        auto found = read_json(body, *row->request, request.get(), eur);
        if (found.empty()) check_rules(found, *row->request, request.get());
        if (!found.empty()) return {invalid_request(std::move(found))};
        request_context context{
            .caller = {.is = user.empty() ? role::service : role::customer, .user_id = user},
            .operation = std::string(row->rpc),
            .idempotency_key = key.empty() ? "made-" + std::to_string(++calls_) : key,
            .key_from_client = !key.empty(),
            .request_hash = stable_hash(body)};
        return loop_.run([&]() -> task<reply> {
            auto answer =
                co_await row->call(static_cast<api*>(&*carts_), context, std::move(request));
            if (!answer) co_return reply{answer.error()};
            reply out{.status = context.reply->status ? context.reply->status : row->success,
                      .replayed = context.reply->replayed};
            if (!context.reply->body.empty()) out.body = context.reply->body;
            else write_json(out.body, answer->of(), answer->get());
            co_return out;
        });
    }
    reply add(const std::string& product, int quantity, const std::string& user = "ada",
              const std::string& key = {}) {
        return call(
            "AddCartItem",
            R"({"product_id":")" + product + R"(","quantity":)" + std::to_string(quantity) + "}",
            user, key);
    }
    cart of(const std::string& user = "ada") {
        auto shown = call("GetCart", "{}", user);
        EXPECT_TRUE(shown.ok()) << shown.wrong.detail;
        return shown.as_cart();
    }
    // product:quantity of a user's lines, in product order.
    std::vector<std::string> lines(const std::string& user = "ada") {
        std::vector<std::string> out;
        for (const auto& each : of(user).items)
            out.push_back(each.product_id + ':' + std::to_string(each.quantity));
        std::ranges::sort(out);
        return out;
    }
    static delivery told(std::string topic, std::string id, std::int64_t offset = 0) {
        return {.group = "cart",
                .offset = offset,
                .message = {.topic = std::move(topic), .key = "k", .id = std::move(id)}};
    }
    using goods = std::vector<std::pair<std::string, int>>;
    static orders::order_event order_of(const std::string& id, const goods& bought,
                                        const std::string& user) {
        orders::order_event out{.order_id = "o-" + id, .user_id = user};
        for (const auto& [product, n] : bought)
            out.items.push_back({.product_id = product, .quantity = n});
        return out;
    }
    // The order that event `id` will say was paid.
    void placed(const std::string& id, const goods& bought, const std::string& user = "ada") {
        placed_.insert(id);
        ASSERT_TRUE(loop_.run([&] {
            return carts_->on_order_created(told("orders", "placed-" + id, ++offset_),
                                            order_of(id, bought, user));
        }));
    }
    result<void> paid(const std::string& id, const goods& bought, const std::string& user = "ada",
                      std::optional<std::string> placed_by = {}) {
        if (!placed_.contains(id)) placed(id, bought, placed_by.value_or(user));
        auto what = order_of(id, bought, user);
        what.placed_by = std::move(placed_by);
        return loop_.run(
            [&] { return carts_->on_order_paid(told("orders", id, ++offset_), what); });
    }
    result<void> deleted(const std::string& product) {
        products_.shelf[product].is_active = false;
        return loop_.run([&] {
            return carts_->on_product_deleted(told("product.deleted", "d-" + product, ++offset_),
                                              {product});
        });
    }
    int sweep() {
        return loop_.run([&] { return carts_->sweep({}); }).value();
    }
    std::string many_lines(int n) {
        std::string body = R"({"items":[)";
        for (int i = 0; i < n; ++i) {
            const auto id = "p" + std::to_string(i);
            products_.stock(id, 100, 1'000);
            if (i) body += ',';
            body += R"({"product_id":")" + id + R"(","quantity":2})";
        }
        return body + "]}";
    }
    static constexpr const char* address =
        R"({"shipping_address":{"street":"1 Main St","city":"Bern","country":"CH"}})";

    testing::temporary_directory directory_;
    testing::manual_clock clock_;
    testing::test_loop loop_;
    fake_products products_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<failing_writes> items_;
    std::optional<idempotency_keys> keys_;
    std::optional<fake_orders> orders_;
    std::optional<cart_service> carts_;
    int calls_ = 0;
    std::int64_t offset_ = 0;
    std::set<std::string> placed_;
};

// --- adding and changing ----------

TEST_F(cart_service_test, an_empty_cart_has_a_total_of_nothing) {
    EXPECT_EQ(call("GetCart").body,
              R"({"items":[],"total_amount":0.00,"currency":"EUR","units":0,"changes":[]})");
}

TEST_F(cart_service_test, adding_twice_sums_the_units) {
    EXPECT_TRUE(add("apple", 2).ok());
    const auto shown = add("apple", 3);
    EXPECT_EQ(shown.status, 200);
    const auto mine = shown.as_cart();
    ASSERT_EQ(mine.items.size(), 1U);
    EXPECT_EQ(mine.items[0].quantity, 5);
    EXPECT_EQ(mine.items[0].name, "Product apple");
    EXPECT_EQ(mine.items[0].line_total, (money{750, eur}));
    EXPECT_EQ(mine.total_amount, (money{750, eur}));
    EXPECT_EQ(mine.units, 5);
    EXPECT_TRUE(mine.changes.empty());
    EXPECT_EQ(products_.callers.front(), role::service);
}

TEST_F(cart_service_test, carts_are_their_owners) {
    add("apple", 1, "ada");
    EXPECT_TRUE(of("bob").items.empty());
    EXPECT_EQ(call("GetCart", "{}", "").wrong.code, "no_cart_of_its_own");
}

TEST_F(cart_service_test, wrong_lines_are_refused_and_change_nothing) {
    add("apple", 1);
    EXPECT_EQ(add("nothing", 1).wrong.errors.at(0).code, "unknown_product");
    EXPECT_EQ(http_status(add("nothing", 1).wrong.kind), 422);
    EXPECT_EQ(add("apple", 0).wrong.errors.at(0).code, "out_of_range");
    EXPECT_EQ(add("apple", 1'000'001).wrong.errors.at(0).code, "out_of_range");
    EXPECT_EQ(call("AddCartItem", R"({"quantity":1})").wrong.errors.at(0).where, "product_id");
    EXPECT_EQ(call("AddCartItem", R"({"product_id":"apple","quantity":1,"price":0})")
                  .wrong.errors.at(0)
                  .code,
              "not_settable");
    EXPECT_EQ(
        call("AddCartItem", R"({"product_id":"apple","quantity":"two"})").wrong.errors.at(0).code,
        "integer");
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:1"});
}

TEST_F(cart_service_test, the_sum_of_a_line_is_bounded) {
    EXPECT_TRUE(add("pear", 999'999).ok());
    EXPECT_TRUE(add("pear", 1).ok());
    const auto refused = add("pear", 1);
    EXPECT_EQ(refused.wrong.errors.at(0).where, "quantity");
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:1000000"});
}

TEST_F(cart_service_test, two_additions_at_once_both_count) {
    bool other = false;
    add("apple", 1);
    // The second addition falls between the first one's reading and writing.
    products_.after_quote = [&]() -> task<> {
        if (std::exchange(other, true)) co_return;
        request_context context{.caller = {.is = role::customer, .user_id = "ada"}};
        const auto done = co_await carts_->add_line(context, {"apple", 3});
        EXPECT_TRUE(done.has_value());
    };
    EXPECT_TRUE(add("apple", 5).ok());
    products_.after_quote = nullptr;
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:9"});
}

TEST_F(cart_service_test, one_key_adds_once_and_answers_the_same_bytes) {
    const auto first = add("apple", 2, "ada", "key-1");
    add("pear", 1);
    const auto again = add("apple", 2, "ada", "key-1");
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(lines(), (std::vector<std::string>{"apple:2", "pear:1"}));
    EXPECT_EQ(add("apple", 3, "ada", "key-1").wrong.code, "idempotency_key_reused");
}

TEST_F(cart_service_test, an_addition_whose_answer_was_lost_is_not_repeated) {
    items_->fail_in = 2;  // the line is stored, the answer is not
    EXPECT_EQ(add("apple", 2, "ada", "key-1").wrong.code, "storage_unavailable");
    clock_.advance(seconds(6));  // past the lease of the request that died
    const auto again = add("apple", 2, "ada", "key-1");
    EXPECT_TRUE(again.ok()) << again.wrong.detail;
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:2"});
    EXPECT_EQ(add("apple", 2, "ada", "key-1").body, again.body);
}

TEST_F(cart_service_test, a_quantity_is_set_and_nought_removes) {
    add("apple", 2);
    EXPECT_EQ(call("SetCartItem", R"({"product_id":"apple","quantity":7})").as_cart().units, 7);
    EXPECT_EQ(call("SetCartItem", R"({"product_id":"pear","quantity":1})").as_cart().units, 8);
    EXPECT_EQ(call("SetCartItem", R"({"product_id":"apple","quantity":0})").as_cart().units, 1);
    EXPECT_EQ(call("SetCartItem", R"({"product_id":"none","quantity":1})").wrong.kind,
              errc::not_found);
    EXPECT_EQ(call("SetCartItem", R"({"product_id":"apple","quantity":-1})").wrong.kind,
              errc::invalid);
}

TEST_F(cart_service_test, lines_and_carts_are_removed) {
    add("apple", 2);
    add("pear", 2);
    EXPECT_EQ(call("RemoveCartItem", R"({"product_id":"apple"})").status, 204);
    EXPECT_EQ(call("RemoveCartItem", R"({"product_id":"apple"})").status, 204);
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:2"});
    EXPECT_EQ(call("ClearCart").status, 204);
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, a_batch_replaces_the_cart_and_sums_twins) {
    add("apple", 5);
    const auto shown = call("ReplaceCart", R"({"items":[{"product_id":"pear","quantity":2},
        {"product_id":"pear","quantity":3}]})");
    EXPECT_TRUE(shown.ok());
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:5"});
    EXPECT_TRUE(call("ReplaceCart", R"({"items":[]})").ok());
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, a_wrong_batch_names_every_line_and_changes_nothing) {
    add("apple", 5);
    products_.stock("old", 1, 1);
    products_.shelf["old"].is_active = false;
    const auto refused = call("ReplaceCart", R"({"items":[{"product_id":"none","quantity":2},
        {"product_id":"old","quantity":1},{"product_id":"pear","quantity":900000},
        {"product_id":"pear","quantity":900000}]})");
    ASSERT_EQ(refused.wrong.errors.size(), 4U);
    EXPECT_EQ(refused.wrong.errors[0].where, "items[0].product_id");
    EXPECT_EQ(refused.wrong.errors[0].code, "unknown_product");
    EXPECT_EQ(refused.wrong.errors[1].code, "product_unavailable");
    EXPECT_EQ(refused.wrong.errors[3].where, "items[3].quantity");
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:5"});
    EXPECT_EQ(call("ReplaceCart", many_lines(1'001)).wrong.errors.at(0).code, "too_long");
}

TEST_F(cart_service_test, a_thousand_lines_are_replaced_in_chunks_and_a_repeat_finishes_them) {
    const auto body = many_lines(1'000);
    items_->fail_in = 7;
    EXPECT_EQ(call("ReplaceCart", body).wrong.code, "storage_unavailable");
    EXPECT_EQ(of().items.size(), 6 * 45U);
    EXPECT_TRUE(call("ReplaceCart", body).ok());
    EXPECT_EQ(of().items.size(), 1'000U);
    EXPECT_EQ(of().units, 2'000);
    EXPECT_LE(std::ranges::max(items_->writes), 90U);
    EXPECT_EQ(add("apple", 1).wrong.code, "cart_full");
    EXPECT_EQ(call("ClearCart").status, 204);
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, a_line_that_nobody_touches_is_gone_after_thirty_days) {
    add("apple", 2);
    clock_.advance(hours(24 * 20));
    add("apple", 1);
    add("pear", 1);
    clock_.advance(hours(24 * 20));
    add("pear", 1);
    clock_.advance(hours(24 * 11));
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:2"});  // filtered before the engine deletes
    EXPECT_EQ(add("apple", 4).as_cart().units, 6);
}

TEST_F(cart_service_test, without_the_catalogue_the_cart_says_try_again) {
    add("apple", 2);
    products_.down = true;
    EXPECT_EQ(http_status(call("GetCart").wrong.kind), 503);
    EXPECT_EQ(http_status(add("apple", 1).wrong.kind), 503);
    products_.down = false;
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:2"});
}

// --- what has changed ----------

TEST_F(cart_service_test, a_price_that_moved_is_shown_before_and_now) {
    add("apple", 2);
    products_.stock("apple", 200, 10);
    const auto mine = of();
    EXPECT_EQ(mine.total_amount.minor, 400);
    ASSERT_EQ(mine.changes.size(), 1U);
    EXPECT_EQ(mine.changes[0].what, change_kind::price_changed);
    EXPECT_EQ(mine.changes[0].before->minor, 150);
    EXPECT_EQ(mine.changes[0].now->minor, 200);
    EXPECT_FALSE(mine.items[0].problem);
    // Who touches the line has seen the new price.
    EXPECT_TRUE(add("apple", 1).as_cart().changes.empty());
}

TEST_F(cart_service_test, stock_that_ran_low_or_out_is_shown) {
    add("apple", 5);
    products_.stock("apple", 150, 3);
    auto mine = of();
    EXPECT_EQ(mine.items[0].problem, line_problem::less_available);
    EXPECT_EQ(mine.changes.at(0).what, change_kind::less_available);
    EXPECT_EQ(mine.changes.at(0).available, 3);
    products_.stock("apple", 150, 0);
    mine = of();
    EXPECT_EQ(mine.items[0].problem, line_problem::out_of_stock);
    EXPECT_EQ(mine.changes.at(0).what, change_kind::out_of_stock);
}

TEST_F(cart_service_test, what_is_no_longer_sold_is_shown_and_not_in_the_total) {
    add("apple", 1);
    add("pear", 1);
    products_.shelf["apple"].is_active = false;
    const auto mine = of();
    EXPECT_EQ(mine.total_amount.minor, 99);
    EXPECT_EQ(mine.changes.at(0).what, change_kind::unavailable);
}

TEST_F(cart_service_test, another_currency_and_too_large_a_total_are_problems_of_their_line) {
    add("pear", 1);
    products_.stock("yen", 500, 10, {{'J', 'P', 'Y'}});
    products_.stock("palace", 90'000'000'000, 5);
    add("yen", 1);
    add("palace", 2);
    const auto mine = of();
    EXPECT_EQ(mine.total_amount, (money{99, eur}));
    const auto problem_of = [&](const char* id) {
        return std::ranges::find(mine.items, id, &cart_line::product_id)->problem;
    };
    EXPECT_EQ(problem_of("yen"), line_problem::other_currency);
    EXPECT_EQ(problem_of("palace"), line_problem::too_large);
}

// --- checkout ----------

TEST_F(cart_service_test, checkout_orders_the_lines_and_keeps_them_until_paid) {
    add("apple", 2);
    add("pear", 1);
    const auto made = call("Checkout", address);
    EXPECT_EQ(made.status, 201);
    ASSERT_EQ(orders_->asked.size(), 1U);
    const auto& asked = orders_->asked[0];
    ASSERT_EQ(asked.items.size(), 2U);
    EXPECT_EQ(asked.items[0].product_id + std::to_string(asked.items[0].quantity), "apple2");
    EXPECT_NE(asked.shipping_address.text.find("Bern"), std::string::npos);
    EXPECT_EQ(lines().size(), 2U);
    ASSERT_TRUE(paid("e1", {{"apple", 2}, {"pear", 1}}));
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, an_empty_cart_is_not_ordered) {
    const auto refused = call("Checkout", address);
    EXPECT_EQ(refused.wrong.code, "cart_empty");
    EXPECT_EQ(http_status(refused.wrong.kind), 409);
    EXPECT_EQ(call("Checkout", "{}").wrong.errors.at(0).where, "shipping_address");
    EXPECT_TRUE(orders_->asked.empty());
}

TEST_F(cart_service_test, the_same_key_gives_one_order_even_when_the_cart_is_empty_since) {
    add("apple", 2);
    const auto made = call("Checkout", address, "ada", "key");
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    const auto again = call("Checkout", address, "ada", "key");
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.body, made.body);
    EXPECT_EQ(orders_->asked.size(), 1U);
}

// --- order.paid ----------

TEST_F(cart_service_test, what_was_added_after_the_order_stays) {
    add("apple", 2);
    placed("e1", {{"apple", 2}, {"pear", 4}});
    clock_.advance(seconds(5));
    add("apple", 1);
    add("pear", 4);  // a new line, begun after the order
    ASSERT_TRUE(paid("e1", {{"apple", 2}, {"pear", 4}}));
    EXPECT_EQ(lines(), (std::vector<std::string>{"apple:1", "pear:4"}));
}

TEST_F(cart_service_test, a_line_that_was_removed_and_begun_anew_is_another_wish) {
    add("apple", 2);
    placed("e1", {{"apple", 2}});
    call("RemoveCartItem", R"({"product_id":"apple"})");
    clock_.advance(seconds(1));
    add("apple", 2);
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:2"});
}

TEST_F(cart_service_test, clocks_that_disagree_leave_nothing_in_the_cart_that_was_paid) {
    add("apple", 2);
    clock_.advance(-minutes(5));  // the order's clock is behind the cart's
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, an_order_told_of_twice_is_remembered_as_it_was_the_first_time) {
    add("apple", 2);
    placed("e1", {{"apple", 2}});
    call("RemoveCartItem", R"({"product_id":"apple"})");
    clock_.advance(seconds(1));
    add("apple", 2);
    placed("e1", {{"apple", 2}});
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:2"});
}

TEST_F(cart_service_test, a_paid_order_is_applied_once) {
    add("apple", 5);
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    --offset_;
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:3"});
}

TEST_F(cart_service_test, a_large_order_interrupted_between_chunks_is_finished_once) {
    call("ReplaceCart", many_lines(200));
    std::vector<std::pair<std::string, int>> bought;
    for (int i = 0; i < 200; ++i) bought.emplace_back("p" + std::to_string(i), 1);
    placed("e1", bought);
    items_->writes.clear();
    items_->fail_in = 3;
    EXPECT_EQ(paid("e1", bought).error().code, "storage_unavailable");
    EXPECT_EQ(of().units, 400 - 80);
    --offset_;
    ASSERT_TRUE(paid("e1", bought));
    EXPECT_EQ(of().units, 200);
    --offset_;
    ASSERT_TRUE(paid("e1", bought));
    EXPECT_EQ(of().units, 200);
    EXPECT_LE(std::ranges::max(items_->writes), 90U);
}

// --- product.deleted ----------

TEST_F(cart_service_test, a_deleted_product_leaves_every_cart) {
    for (int i = 0; i < 200; ++i) add("apple", 1, "user-" + std::to_string(i));
    add("pear", 1, "user-7");
    ASSERT_TRUE(deleted("apple"));
    EXPECT_TRUE(of("user-0").items.empty());
    EXPECT_TRUE(of("user-199").items.empty());
    EXPECT_EQ(lines("user-7"), std::vector<std::string>{"pear:1"});
}

TEST_F(cart_service_test, a_product_deleted_between_quote_and_write_is_not_added) {
    products_.after_quote = [&]() -> task<> {
        products_.after_quote = nullptr;
        auto done =
            co_await carts_->on_product_deleted(told("product.deleted", "d", ++offset_), {"apple"});
        EXPECT_TRUE(done.has_value());
    };
    EXPECT_EQ(add("apple", 1).wrong.errors.at(0).code, "product_unavailable");
    EXPECT_TRUE(of().items.empty());
    // In a batch it is as if the deletion had come after.
    EXPECT_TRUE(call("ReplaceCart", R"({"items":[{"product_id":"apple","quantity":1},
        {"product_id":"pear","quantity":1}]})")
                    .ok());
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:1"});
}

TEST_F(cart_service_test, the_consumers_rows_read_what_the_topics_carry) {
    add("apple", 2);
    add("pear", 2);
    const auto consumer = events_of(*carts_);
    const auto tell = [&](std::string_view type, const std::string& text) {
        const auto row = std::ranges::find(consumer.handlers, type, &event_handler::event_type);
        record_box payload(*row->payload);
        EXPECT_TRUE(read_json(text, *row->payload, payload.get(), {}, row->names).empty()) << text;
        return loop_.run([&] {
            return row->call(consumer.service,
                             told(std::string(row->topic), std::string(type), ++offset_),
                             std::move(payload));
        });
    };
    EXPECT_TRUE(tell("product.deleted", R"({"productId":"apple"})"));
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:2"});
    orders::order_event paid_event{.order_id = "o",
                                   .user_id = "ada",
                                   .currency = eur,
                                   .event_type = "order.paid",
                                   .created_at = clock_.now(),
                                   .items = {{.product_id = "pear", .quantity = 1}}};
    EXPECT_TRUE(tell("order.created", to_json(paid_event)));
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:2"});
    EXPECT_TRUE(tell("order.paid", to_json(paid_event)));
    EXPECT_EQ(lines(), std::vector<std::string>{"pear:1"});
}

TEST_F(cart_service_test, checkout_looks_at_the_tombstones) {
    add("apple", 1);
    products_.stock("plum", 5, 5);
    ASSERT_TRUE(deleted("plum"));
    // A line that an index behind its table hid from the first pass.
    write_set late;
    late.put(carts_table, to_item(line{.user_id = "ada",
                                       .product_id = "plum",
                                       .quantity = 1,
                                       .added_at = clock_.now(),
                                       .expires_at = clock_.now().unix_s() + 1'000}));
    ASSERT_TRUE(loop_.run([&] { return items_->write(late); }));
    const auto refused = call("Checkout", address);
    EXPECT_EQ(refused.wrong.code, "product_unavailable");
    EXPECT_EQ(refused.wrong.errors.at(0).where, "items[1]");
    EXPECT_EQ(sweep(), 0);
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);  // the second pass
    EXPECT_EQ(sweep(), 0);
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:1"});
    EXPECT_TRUE(call("Checkout", address).ok());
}

TEST_F(cart_service_test, a_first_pass_that_failed_is_made_again) {
    add("apple", 1);
    items_->fail_in = 2;
    EXPECT_FALSE(deleted("apple"));
    --offset_;
    ASSERT_TRUE(deleted("apple"));
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, a_tombstone_whose_time_is_over_refuses_nothing) {
    ASSERT_TRUE(deleted("apple"));
    products_.shelf["apple"].is_active = true;
    EXPECT_EQ(add("apple", 1).wrong.errors.at(0).code, "product_unavailable");
    clock_.advance(hours(25));
    EXPECT_TRUE(add("apple", 1).ok());
}

// --- merging ----------

TEST_F(cart_service_test, a_guest_who_logs_in_brings_the_cart_along) {
    add("apple", 2, "guest");
    add("pear", 1, "guest");
    add("pear", 999'999, "ada");
    clock_.advance(seconds(1));
    add("pear", 4, "guest");
    ASSERT_TRUE(loop_.run([&] { return carts_->merge("guest", "ada"); }));
    EXPECT_TRUE(of("guest").items.empty());
    EXPECT_EQ(lines(), (std::vector<std::string>{"apple:2", "pear:1000000"}));
    ASSERT_TRUE(loop_.run([&] { return carts_->merge("guest", "ada"); }));
    ASSERT_TRUE(loop_.run([&] { return carts_->merge("ada", "ada"); }));
    EXPECT_EQ(lines(), (std::vector<std::string>{"apple:2", "pear:1000000"}));
}

TEST_F(cart_service_test, a_merge_that_stopped_half_way_is_finished_by_its_repeat) {
    call("ReplaceCart", many_lines(100), "guest");
    add("p3", 5, "ada");
    add("p99", 5, "ada");
    items_->writes.clear();
    items_->fail_in = 3;  // the marker and a chunk are stored
    EXPECT_EQ(loop_.run([&] { return carts_->merge("guest", "ada"); }).error().code,
              "storage_unavailable");
    EXPECT_EQ(of("guest").units + of("ada").units, 210);
    ASSERT_TRUE(loop_.run([&] { return carts_->merge("guest", "ada"); }));
    EXPECT_TRUE(of("guest").items.empty());
    EXPECT_EQ(of("ada").units, 210);
    EXPECT_LE(std::ranges::max(items_->writes), 90U);
}

TEST_F(cart_service_test, a_guests_order_paid_after_the_merge_leaves_the_users_cart) {
    add("apple", 2, "guest");
    placed("e1", {{"apple", 2}}, "guest");
    ASSERT_TRUE(loop_.run([&] { return carts_->merge("guest", "ada"); }));
    ASSERT_TRUE(paid("e1", {{"apple", 2}}, "guest"));
    EXPECT_TRUE(of("ada").items.empty());
}

TEST_F(cart_service_test, a_guests_order_told_of_after_the_merge_leaves_the_users_cart) {
    add("apple", 2, "guest");
    ASSERT_TRUE(loop_.run([&] { return carts_->merge("guest", "ada"); }));
    ASSERT_TRUE(paid("e1", {{"apple", 2}}, "guest"));
    EXPECT_TRUE(of("ada").items.empty());
}

TEST_F(cart_service_test, an_order_that_moved_to_an_account_is_taken_from_its_guests_cart) {
    add("apple", 2, "guest");
    add("apple", 3, "ada");
    ASSERT_TRUE(paid("e1", {{"apple", 2}}, "ada", "guest"));
    EXPECT_TRUE(of("guest").items.empty());
    EXPECT_EQ(of("ada").units, 3);
}

}  // namespace
}  // namespace stoa::carts
