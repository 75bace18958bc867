// Filling a cart, looking at it, and ordering what is in it.
#include "support/cart_service_fixture.hpp"

namespace stoa::carts {
namespace {

using namespace testing;

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

}  // namespace
}  // namespace stoa::carts
