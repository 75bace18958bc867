// How lines leave carts: paid for, deleted from the catalogue, moved to another owner.
#include "support/cart_service_fixture.hpp"

namespace stoa::carts {
namespace {

using namespace testing;

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

TEST_F(cart_service_test, a_cart_that_is_said_anew_after_the_order_is_another_wish) {
    add("apple", 2);
    placed("e1", {{"apple", 2}});
    clock_.advance(milliseconds(1));
    call("ReplaceCart", R"({"items":[{"product_id":"pear","quantity":1},)"
                        R"({"product_id":"apple","quantity":2}]})");
    ASSERT_TRUE(paid("e1", {{"apple", 2}}));
    EXPECT_EQ(lines(), (std::vector<std::string>{"apple:2", "pear:1"}));
}

TEST_F(cart_service_test, checkout_notes_down_what_was_ordered) {
    add("apple", 2);
    const auto made = call("Checkout", address, "ada", "key");
    ASSERT_EQ(made.status, 201);
    // No event has come yet, and the cart is filled for the next order.
    clock_.advance(milliseconds(1));
    call("ReplaceCart", R"({"items":[{"product_id":"apple","quantity":3}]})");
    auto told_late = order_of("late", {{"apple", 2}}, "ada");
    told_late.order_id = "order-1";
    told_late.cart_note = orders_->asked.at(0).cart_note;
    ASSERT_TRUE(loop_.run(
        [&] { return carts_->on_order_created(told("orders", "late-1", ++offset_), told_late); }));
    ASSERT_TRUE(loop_.run(
        [&] { return carts_->on_order_paid(told("orders", "late-2", ++offset_), told_late); }));
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:3"});
}

TEST_F(cart_service_test, clocks_that_disagree_leave_nothing_in_the_cart_that_was_checked_out) {
    add("apple", 2);
    clock_.advance(-minutes(5));  // the order's clock is behind the cart's
    ASSERT_EQ(call("Checkout", address, "ada", "key").status, 201);
    auto what = order_of("e1", {{"apple", 2}}, "ada");
    what.order_id = "order-1";
    what.cart_note = orders_->asked.at(0).cart_note;
    ASSERT_TRUE(
        loop_.run([&] { return carts_->on_order_paid(told("orders", "e1", ++offset_), what); }));
    EXPECT_TRUE(of().items.empty());
}

// Simulation, seed 2010965: order.created had found the order's clock behind the cart's, and
// order.paid came before checkout had its answer.
TEST_F(cart_service_test, events_that_overtake_checkouts_answer_find_what_was_ordered) {
    add("apple", 2);
    auto what = order_of("e1", {{"apple", 2}}, "ada");
    what.created_at = clock_.now() - minutes(5);
    orders_->on_placed = [&](const orders::create_order_request& wanted) -> task<> {
        what.cart_note = wanted.cart_note;
        EXPECT_TRUE(co_await carts_->on_order_created(told("orders", "e0", ++offset_), what));
        EXPECT_TRUE(co_await carts_->on_order_paid(told("orders", "e1", ++offset_), what));
    };
    ASSERT_EQ(call("Checkout", address, "ada", "key").status, 201);
    EXPECT_TRUE(of().items.empty());
}

TEST_F(cart_service_test, a_note_in_somebody_elses_words_counts_as_none) {
    add("apple", 2);
    clock_.advance(milliseconds(1));
    for (const auto* note : {"x", "1,2", "1,", "9999999999999999999999", ",", "1 2"}) {
        auto what = order_of(note, {{"apple", 1}}, "ada");
        what.created_at = clock_.now();
        what.cart_note = note;
        const std::string id(note);
        ASSERT_TRUE(loop_.run(
            [&] { return carts_->on_order_created(told("orders", "c" + id, ++offset_), what); }));
        add("apple", 1);
        ASSERT_TRUE(loop_.run(
            [&] { return carts_->on_order_paid(told("orders", "p" + id, ++offset_), what); }));
        EXPECT_EQ(lines(), std::vector<std::string>{"apple:2"}) << note;
    }
}

TEST_F(cart_service_test, an_order_told_of_late_takes_nothing_of_the_next_wish) {
    // Placed past the cart, and paid; its events wait while the cart is filled for the next order.
    auto late = order_of("e1", {{"apple", 2}}, "ada");
    late.created_at = clock_.now();
    clock_.advance(milliseconds(10));
    add("apple", 5);
    ASSERT_TRUE(loop_.run(
        [&] { return carts_->on_order_created(told("orders", "late-1", ++offset_), late); }));
    ASSERT_TRUE(loop_.run(
        [&] { return carts_->on_order_paid(told("orders", "late-2", ++offset_), late); }));
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:5"});
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

// --- product.restored ----------

TEST_F(cart_service_test, a_restored_product_is_put_in_carts_at_once) {
    ASSERT_TRUE(deleted("apple", 2));
    products_.shelf["apple"].is_active = true;
    EXPECT_EQ(add("apple", 1).wrong.errors.at(0).code, "product_unavailable");
    ASSERT_TRUE(restored("apple", 3));
    EXPECT_TRUE(add("apple", 1).ok());
    EXPECT_TRUE(
        call("ReplaceCart", R"({"items":[{"product_id":"apple","quantity":2}]})", "bob").ok());
    EXPECT_EQ(lines("bob"), std::vector<std::string>{"apple:2"});
    // Told of twice, and with nothing left for a second pass to take.
    --offset_;
    ASSERT_TRUE(restored("apple", 3));
    clock_.advance(minutes(2));
    EXPECT_EQ(sweep(), 0);
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:1"});
    ASSERT_TRUE(deleted("apple", 4));
    EXPECT_TRUE(of().items.empty());
    EXPECT_TRUE(of("bob").items.empty());
}

TEST_F(cart_service_test, a_deletion_that_comes_after_the_return_buries_nothing) {
    add("apple", 1);
    ASSERT_TRUE(restored("apple", 3));
    ASSERT_TRUE(deleted("apple", 2));  // redriven
    products_.shelf["apple"].is_active = true;
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:1"});
    EXPECT_TRUE(add("apple", 1).ok());
    ASSERT_TRUE(deleted("apple", 4));
    EXPECT_TRUE(of().items.empty());
    products_.shelf["apple"].is_active = true;
    ASSERT_TRUE(restored("apple", 3));  // redriven: of before the last deletion
    EXPECT_EQ(add("apple", 1).wrong.errors.at(0).code, "product_unavailable");
}

TEST_F(cart_service_test, a_tombstone_without_a_version_is_lifted_too) {
    ASSERT_TRUE(deleted("apple"));
    const auto key = key_of("id", tombstone_id("apple"));
    write_set in;
    in.update(guards_table, key, {removed("version")});
    ASSERT_TRUE(loop_.run([&] { return items_->write(in); }));
    ASSERT_TRUE(restored("apple", 3));
    EXPECT_TRUE(add("apple", 1).ok());
}

TEST_F(cart_service_test, lines_of_a_product_that_came_back_during_a_pass_stay) {
    ASSERT_TRUE(deleted("apple", 2));
    cart_store store(*items_);
    ASSERT_TRUE(restored("apple", 3));
    add("apple", 1);
    EXPECT_EQ(loop_.run([&] { return store.empty_of("apple"); }).value(), 0);
    EXPECT_EQ(lines(), std::vector<std::string>{"apple:1"});
}

TEST_F(cart_service_test, a_first_pass_made_again_after_the_tombstone_s_time_takes_the_lines) {
    add("apple", 1);
    items_->fail_in = 2;
    EXPECT_FALSE(deleted("apple", 2));
    clock_.advance(hours(25));
    cart_store store(*items_);
    ASSERT_FALSE(loop_.run([&] { return store.deleted("apple", clock_.now()); }).value());
    --offset_;
    ASSERT_TRUE(deleted("apple", 2));
    EXPECT_TRUE(of().items.empty());
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
