// The order saga where its steps come apart: processes that die between them, answers that are
// lost, deadlines that pass, payments that race with cancellations.
#include "integration/saga_shop.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

using orders::order_status;
using testing::saga_shop;

TEST(saga, a_paid_order_takes_its_units_once) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 3, "credit_card");
    ASSERT_TRUE(order) << order.error().detail;
    EXPECT_EQ(order->status, order_status::awaiting_payment);
    shop.await_status(order->id, order_status::paid);
    shop.pump([&] { return shop.index.count({}) == 1; });
    shop.eventually([&] { return shop.stock_of(product).reserved == 0; });
    EXPECT_EQ(shop.stock_of(product).on_hand, 7);
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
    EXPECT_EQ(shop.provider->confirms, 1);
}

TEST(saga, the_topic_of_orders_has_events_as_documented) {  // R74
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 3, "credit_card");
    ASSERT_TRUE(order) << order.error().detail;
    shop.await_status(order->id, order_status::paid);
    auto& log = shop.store->log();
    std::vector<event> told;
    for (const auto& each : shop.call([&] { return log.positions("orders"); }).value())
        for (auto& one :
             shop.call([&] { return log.read("orders", each.partition, 0, 100); }).value())
            told.push_back(std::move(one.message));
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].type, "order.created");
    EXPECT_EQ(told[1].type, "order.paid");
    for (const auto& each : told) {
        EXPECT_EQ(each.key, order->id) << "one order, one partition, in order";
        for (const auto& member :
             {"\"id\":\"" + each.id + '"', "\"order_id\":\"" + order->id + '"',
              std::string("\"user_id\":\"ann\""), "\"event_type\":\"" + each.type + '"',
              std::string("\"total_amount\":"), std::string("\"items_count\":3"),
              std::string("\"created_at\":\"20"), "\"items\":[{\"product_id\":\"" + product.id})
            EXPECT_NE(each.payload.find(member), std::string::npos)
                << member << " in " << each.payload;
    }
    EXPECT_NE(told[0].payload.find("\"status\":\"awaiting_payment\""), std::string::npos);
    EXPECT_NE(told[1].payload.find("\"status\":\"paid\""), std::string::npos);
}

TEST(saga, an_order_for_nobody_is_not_taken) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto refused = shop.place(shop.as("nobody"), product, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::invalid);
    EXPECT_EQ(refused.error().errors.front().code, "unknown_user");
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
}

TEST(saga, without_the_user_service_no_order_is_taken) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto refused = shop.place(shop.as("unreachable"), product, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::unavailable);
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
    const auto listed = shop.call([&] {
        return shop.orders->list_orders(shop.as("unreachable"), {.user_id = "unreachable"});
    });
    ASSERT_TRUE(listed);
    EXPECT_TRUE(listed->orders.empty());
}

TEST(saga, a_request_that_died_before_the_hold_goes_on_with_its_own_order) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.stock->cut_before = true;
    const auto lost = shop.place(shop.as("ann", "k"), product, 2);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, errc::unavailable);
    shop.stop();
    shop.start("second");  // another process: the first one's lease is void
    const auto again = shop.place(shop.as("ann", "k"), product, 2);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->status, order_status::awaiting_payment);
    EXPECT_EQ(shop.stock_of(product).reserved, 2);
}

TEST(saga, a_request_that_died_after_the_hold_reads_its_outcome) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.stock->cut_after = true;
    ASSERT_FALSE(shop.place(shop.as("ann", "k"), product, 2));
    EXPECT_EQ(shop.stock_of(product).reserved, 2);
    shop.stop();
    shop.start("second");
    const auto again = shop.place(shop.as("ann", "k"), product, 2);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(shop.stock_of(product).reserved, 2) << "held once";
}

TEST(saga, a_live_request_with_the_key_is_in_progress_for_at_most_five_seconds) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.stock->cut_before = true;
    ASSERT_FALSE(shop.place(shop.as("ann", "k"), product, 1));
    shop.stock->cut_before = false;
    const auto early = shop.place(shop.as("ann", "k"), product, 1);
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, "request_in_progress");
    EXPECT_EQ(early.error().retry_after_s, 1);
    shop.time.advance(seconds(6));
    EXPECT_TRUE(shop.place(shop.as("ann", "k"), product, 1));
}

TEST(saga, a_pending_order_that_nobody_retries_is_cancelled_with_its_key) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.stock->cut_after = true;
    ASSERT_FALSE(shop.place(shop.as("ann", "k"), product, 2));
    shop.time.advance(minutes(1));
    shop.sweep();
    EXPECT_EQ(shop.stock_of(product).reserved, 2) << "not before two minutes";
    shop.time.advance(minutes(2));
    shop.sweep();
    shop.eventually([&] { return shop.stock_of(product).reserved == 0; });
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
    shop.stock->cut_after = false;
    auto context = shop.as("ann", "k");
    (void)shop.place(context, product, 2);
    EXPECT_EQ(context.reply->status, 409);
    EXPECT_NE(context.reply->body.find("order_expired"), std::string::npos);
}

TEST(saga, a_retry_that_finds_the_units_of_its_own_order_gone_is_told_of_that_order) {
    saga_shop shop;
    const auto product = shop.add(2);
    // Between the retry's look at the key and its look at the stock, the first request is taken.
    std::optional<result<orders::order>> first;
    const orders::create_order_request wanted{.items = {{product.id, 2}},
                                              .shipping_address = {"\"Athens\""}};
    auto early = shop.as("ann", "k"), late = shop.as("ann", "k");
    shop.stock->before_quote = [&]() -> task<> {
        first = co_await shop.orders->create_order(early, wanted);
    };
    const auto retry = shop.call([&] { return shop.orders->create_order(late, wanted); });
    ASSERT_TRUE(first && *first);
    ASSERT_TRUE(retry) << retry.error().code << ": its own order holds the units";
    EXPECT_EQ(late.reply->status, 201);
    EXPECT_EQ(late.reply->body, early.reply->body);
}

TEST(saga, a_refund_whose_repeat_finds_the_money_gone_answers_the_same) {
    saga_shop shop;
    const auto product = shop.add(2);
    const auto order = shop.place(shop.as("ann"), product, 1, "credit_card");
    shop.await_status(order->id, order_status::paid);
    auto operator_ = shop.as("op", "refund-1");
    operator_.caller.is = role::operator_;
    operator_.operation = "RefundOrder";
    const auto ship = shop.call([&] { return shop.orders->ship_order(operator_, {order->id}); });
    ASSERT_TRUE(ship);
    auto again = operator_;
    again.reply = std::make_shared<reply_note>();
    int ended = 0;
    std::vector<result<orders::order>> answers;
    for (auto* context : {&operator_, &again})
        shop.loop.spawn([&, context]() -> task<> {
            answers.push_back(co_await shop.orders->refund_order(*context, {.id = order->id}));
            ++ended;
        });
    shop.pump([&] { return ended == 2; });
    for (const auto& each : answers) {
        // The one that lost either reads the winner's answer or is told to ask again.
        if (!each) EXPECT_EQ(each.error().code, "request_in_progress");
    }
    EXPECT_EQ(shop.order_of(order->id).refunds.size(), 1U);
}

TEST(saga, an_unpaid_order_ends_at_its_deadline) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 4);
    shop.time.advance(minutes(14));
    shop.sweep();
    EXPECT_EQ(shop.order_of(order->id).status, order_status::awaiting_payment);
    shop.time.advance(minutes(2));
    shop.sweep();
    shop.await_status(order->id, order_status::cancelled);
    EXPECT_EQ(shop.order_of(order->id).reason, "payment_deadline");
    shop.eventually([&] { return shop.stock_of(product).reserved == 0; });
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
}

TEST(saga, a_hold_that_comes_after_the_release_is_refused) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto id = new_id(shop.time, shop.random);
    request_context service;
    service.caller = {.is = role::service};
    const auto released = shop.call([&] { return shop.products->release_reserved(service, {id}); });
    ASSERT_TRUE(released);
    EXPECT_EQ(released->outcome, "tombstone");
    products::hold_request late{.order_id = id,
                                .lines = {{product.id, 1, product.price, product.currency}}};
    const auto held = shop.call([&] { return shop.products->hold(service, late); });
    ASSERT_TRUE(held);
    EXPECT_EQ(held->status, products::hold_status::refused);
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
}

TEST(saga, holds_that_come_at_once_are_decided_one_after_the_other) {
    saga_shop shop;
    const auto scarce = shop.add(3), plenty = shop.add(100);
    const auto ask = [&](const std::string& order, const products::product& of, std::int32_t n) {
        return products::hold_request{
            .order_id = order,
            .lines = {{of.id, n, of.price, of.currency}, {plenty.id, 1, plenty.price, {}}}};
    };
    // The first goes alone; the others gather behind it and go together, one order twice.
    const auto one = new_id(shop.time, shop.random), two = new_id(shop.time, shop.random),
               three = new_id(shop.time, shop.random), four = new_id(shop.time, shop.random);
    std::vector<std::pair<std::string, products::hold_outcome>> told;
    for (const auto& each : {ask(one, plenty, 1), ask(two, scarce, 2), ask(three, scarce, 2),
                             ask(two, scarce, 2), ask(four, scarce, 1)})
        shop.loop.spawn([&, each]() -> task<> {
            auto outcome = co_await shop.products->hold({}, each);
            if (outcome) told.emplace_back(each.order_id, *std::move(outcome));
        });
    shop.pump([&] { return told.size() == 5; });
    for (const auto& [order, outcome] : told)
        EXPECT_EQ(outcome.status,
                  order == three ? products::hold_status::refused : products::hold_status::held)
            << order;
    const auto refused =
        std::ranges::find(told, three, [](const auto& each) { return each.first; });
    ASSERT_EQ(refused->second.refused.size(), 1U);
    EXPECT_EQ(refused->second.refused.front().why, products::refusal::out_of_stock);
    EXPECT_EQ(refused->second.refused.front().available, 1) << "what the one before it has left";
    EXPECT_EQ(shop.stock_of(scarce).reserved, 3);
    EXPECT_EQ(shop.stock_of(plenty).reserved, 4) << "twin lines of one order are summed";
    const auto again = shop.call([&] { return shop.products->hold({}, ask(three, scarce, 1)); });
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, products::hold_status::refused) << "the stored outcome is told";
}

TEST(saga, a_changed_price_is_refused_and_told) {
    saga_shop shop;
    const auto product = shop.add(10, 1'000);
    products::hold_request stale{.order_id = new_id(shop.time, shop.random),
                                 .lines = {{product.id, 1, {900, {}}, {}}}};
    const auto held = shop.call([&] { return shop.products->hold({}, stale); });
    ASSERT_TRUE(held);
    EXPECT_EQ(held->status, products::hold_status::refused);
    EXPECT_EQ(held->refused.front().why, products::refusal::price_changed);
    EXPECT_EQ(held->refused.front().price->minor, 1'000);
}

TEST(saga, an_attempt_of_a_process_that_is_gone_is_taken_up_with_the_same_key) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.provider->held = true;
    const auto order = shop.place(shop.as("ann"), product, 1, "credit_card");
    shop.pump([&] { return shop.provider->confirms == 1; });
    shop.stop();  // cancels the waiting confirm, as a dying process would
    shop.provider->held = false;
    shop.start("second");
    shop.time.advance(seconds(6));
    shop.sweep();
    shop.await_status(order->id, order_status::paid);
    const auto told =
        shop.call([&] { return shop.payments->list_payments(shop.as("ann"), {order->id}); });
    ASSERT_TRUE(told);
    EXPECT_EQ(told->payments.size(), 1U) << "one attempt, whoever drove it";
}

TEST(saga, an_order_that_should_have_moved_on_by_itself_is_stuck) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto late = shop.place(shop.as("ann"), product, 1);
    shop.time.advance(minutes(8));
    const auto early = shop.place(shop.as("bob"), product, 1);
    auto manager = shop.as("operator");
    manager.caller.is = role::operator_;
    const auto stuck = [&](request_context who, orders::list_orders_request more = {}) {
        more.stuck = true;
        std::vector<std::string> ids;
        for (const auto& each :
             shop.call([&] { return shop.orders->list_orders(who, more); }).value().orders)
            ids.push_back(each.id);
        return ids;
    };
    using ids = std::vector<std::string>;
    shop.time.advance(minutes(7) + seconds(30));
    EXPECT_EQ(stuck(manager), ids{}) << "the sweeper has its minute";
    shop.time.advance(seconds(31));
    EXPECT_EQ(stuck(manager), ids{late->id});
    const auto customer =
        shop.call([&] { return shop.orders->list_orders(shop.as("bob"), {.stuck = true}); });
    ASSERT_FALSE(customer);
    EXPECT_EQ(customer.error().code, "not_permitted");

    // It is to be cancelled, and payment, which must say that no money comes, does not hear of it.
    shop.stop();
    shop.start("deaf", {}, false);
    shop.sweep();
    EXPECT_EQ(shop.order_of(late->id).status, order_status::cancelling);
    EXPECT_EQ(stuck(manager), ids{}) << "it has just moved on";
    shop.time.advance(minutes(8) + seconds(1));
    EXPECT_EQ(stuck(manager), (ids{late->id, early->id})) << "longest waiting first";
    EXPECT_EQ(stuck(manager, {.status = "cancelling"}), ids{late->id});
    EXPECT_EQ(stuck(manager, {.limit = 1}), ids{late->id});

    shop.stop();
    shop.start("third");
    shop.sweep();
    shop.await_status(late->id, order_status::cancelled);
    shop.await_status(early->id, order_status::cancelled);
    EXPECT_EQ(stuck(manager), ids{});
    const auto refused =
        shop.call([&] { return shop.orders->list_orders(manager, {.skip = 1, .stuck = true}); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().errors.front().code, "no_pages");
}

TEST(saga, an_answer_that_was_lost_is_asked_for_and_never_guessed) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 1, "tok_timeout_after_capture");
    shop.pump([&] { return shop.provider->confirms == 1; });
    EXPECT_EQ(shop.order_of(order->id).status, order_status::awaiting_payment)
        << "unknown is neither";
    shop.eventually([&] { return shop.payment_state(order->id) == "unknown"; });
    shop.time.advance(seconds(10));
    shop.eventually([&] {
        shop.sweep();
        return shop.order_of(order->id).status == order_status::paid;
    });
    EXPECT_EQ(shop.provider->confirms, 1) << "asked by id, not charged again";
    EXPECT_EQ(shop.order_of(order->id).captured_amount, order->total_amount);
}

TEST(saga, a_capture_that_beats_the_cancellation_is_given_back) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.provider->held = true;
    const auto order = shop.place(shop.as("ann"), product, 2, "credit_card");
    shop.pump([&] { return shop.provider->confirms == 1; });
    const auto cancelling =
        shop.call([&] { return shop.orders->cancel_order(shop.as("ann"), {order->id, {}}); });
    ASSERT_TRUE(cancelling);
    EXPECT_EQ(cancelling->status, order_status::cancelling);
    shop.provider->held = false;  // the confirm that was on its way captures
    shop.await_status(order->id, order_status::cancelled);
    shop.eventually([&] { return shop.order_of(order->id).refunded_amount.minor != 0; });
    const auto ended = shop.order_of(order->id);
    EXPECT_EQ(ended.refunded_amount, order->total_amount);
    EXPECT_EQ(ended.refund_status, orders::refund_state::succeeded);
    EXPECT_EQ(shop.stock_of(product).on_hand, 10);
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
}

TEST(saga, a_cancellation_before_the_confirm_charges_nothing) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 2);
    const auto cancelled =
        shop.call([&] { return shop.orders->cancel_order(shop.as("ann"), {order->id, {}}); });
    ASSERT_TRUE(cancelled);
    shop.await_status(order->id, order_status::cancelled);
    auto context = shop.as("ann");
    const auto late = shop.call([&] {
        return shop.payments->create_payment(
            context,
            {.order_id = order->id, .amount = order->total_amount, .method = "credit_card"});
    });
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, errc::conflict);
    EXPECT_EQ(shop.provider->creates, 0);
}

TEST(saga, a_payment_whose_order_ends_first_is_told_so_and_charges_nothing) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 1);
    shop.provider->creates_held = true;
    std::optional<result<payments::payment>> told;
    auto paying = shop.as("ann", "pay");
    shop.loop.spawn([&]() -> task<> {
        told = co_await shop.payments->create_payment(
            paying,
            {.order_id = order->id, .amount = order->total_amount, .method = "credit_card"});
    });
    shop.pump([&] { return shop.provider->creates > 0; });
    ASSERT_TRUE(
        shop.call([&] { return shop.orders->cancel_order(shop.as("ann"), {order->id, {}}); }));
    shop.provider->creates_held = false;
    shop.pump([&] { return told.has_value(); });
    ASSERT_FALSE(*told) << "a payment that charged nothing is not created";
    EXPECT_EQ(told->error().code, "order_closed");
    EXPECT_EQ(shop.provider->confirms, 0);
    shop.await_status(order->id, order_status::cancelled);
}

TEST(saga, a_refund_that_the_provider_refuses_waits_for_a_person) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 1, "tok_refund_refused");
    shop.await_status(order->id, order_status::paid);
    ASSERT_TRUE(
        shop.call([&] { return shop.orders->cancel_order(shop.as("ann"), {order->id, {}}); }));
    shop.eventually(
        [&] { return shop.order_of(order->id).refund_status != orders::refund_state::pending; });
    EXPECT_EQ(shop.order_of(order->id).refund_status, orders::refund_state::failed);
    EXPECT_EQ(shop.order_of(order->id).refunded_amount.minor, 0);
}

TEST(saga, an_event_that_comes_twice_has_one_effect) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 1, "credit_card");
    shop.await_status(order->id, order_status::paid);
    const auto before = shop.order_of(order->id);
    const payments::payment_succeeded again{.order_id = order->id,
                                            .payment_id = *before.payment_id,
                                            .user_id = "ann",
                                            .attempt = 1,
                                            .amount = order->total_amount};
    delivery what{
        .group = "order",
        .partition = 0,
        .offset = 1'000'000,
        .message = {.topic = std::string(payments::topic::succeeded), .key = order->id, .id = "e"}};
    ASSERT_TRUE(shop.call([&] { return shop.orders->on_payment_succeeded(what, again); }));
    EXPECT_EQ(shop.order_of(order->id).version, before.version);
}

TEST(saga, a_second_capture_is_recorded_and_given_back) {
    saga_shop shop;
    const auto product = shop.add(10);
    const auto order = shop.place(shop.as("ann"), product, 1, "credit_card");
    shop.await_status(order->id, order_status::paid);
    const payments::payment_succeeded second{.order_id = order->id,
                                             .payment_id = "another",
                                             .user_id = "ann",
                                             .attempt = 2,
                                             .amount = order->total_amount};
    delivery what{
        .group = "order",
        .partition = 0,
        .offset = 1'000'000,
        .message = {.topic = std::string(payments::topic::succeeded), .key = order->id, .id = "e"}};
    ASSERT_TRUE(shop.call([&] { return shop.orders->on_payment_succeeded(what, second); }));
    const auto now = shop.order_of(order->id);
    EXPECT_EQ(now.status, order_status::paid);
    EXPECT_EQ(now.captured_amount.minor, 2 * order->total_amount.minor);
    ASSERT_EQ(now.refunds.size(), 1U);
    EXPECT_EQ(now.refunds.front().amount, order->total_amount);
}

TEST(saga, amounts_above_the_limit_wait_for_a_person) {
    saga_shop shop;
    shop.stop();
    shop.start("second", {.review_above_minor = 5'000});
    const auto product = shop.add(10, 6'000);
    const auto order = shop.place(shop.as("ann"), product, 1, "credit_card");
    std::string payment_id;
    shop.eventually([&] {
        const auto told =
            shop.call([&] { return shop.payments->list_payments(shop.as("ann"), {order->id}); });
        if (!told->payments.empty() &&
            told->payments.front().status == payments::payment_status::review)
            payment_id = told->payments.front().id;
        return !payment_id.empty();
    });
    ASSERT_FALSE(payment_id.empty());
    EXPECT_EQ(shop.provider->creates, 0) << "nothing goes to the provider before";
    ASSERT_TRUE(
        shop.call([&] { return shop.payments->decide_review(shop.as("op"), {payment_id, true}); }));
    shop.await_status(order->id, order_status::paid);
}

TEST(saga, an_order_cancelled_in_review_leaves_nothing_to_decide) {
    saga_shop shop;
    shop.stop();
    shop.start("second", {.review_above_minor = 5'000});
    const auto product = shop.add(10, 6'000);
    const auto order = shop.place(shop.as("ann"), product, 1, "credit_card");
    std::optional<payments::payment> attempt;
    const auto attempt_is = [&](payments::payment_status wanted) {
        shop.eventually([&] {
            const auto told = shop.call(
                [&] { return shop.payments->list_payments(shop.as("ann"), {order->id}); });
            if (!told->payments.empty()) attempt = told->payments.front();
            return attempt && attempt->status == wanted;
        });
        return attempt && attempt->status == wanted;
    };
    ASSERT_TRUE(attempt_is(payments::payment_status::review));
    const auto waited = *attempt;
    ASSERT_TRUE(
        shop.call([&] { return shop.orders->cancel_order(shop.as("ann"), {order->id, {}}); }));
    shop.await_status(order->id, order_status::cancelled);
    // The order heard of it from the transaction that closed the payment.
    ASSERT_TRUE(attempt_is(payments::payment_status::cancelled));
    EXPECT_EQ(attempt->version, waited.version + 1);
    EXPECT_GE(attempt->updated_at, waited.updated_at);
    for (const bool approve : {true, false}) {
        const auto late = shop.call(
            [&] { return shop.payments->decide_review(shop.as("op"), {attempt->id, approve}); });
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().code, "not_in_review");
        EXPECT_EQ(late.error().kind, errc::conflict);
    }
    EXPECT_EQ(shop.provider->creates, 0);
}

TEST(saga, twin_lines_are_summed_before_they_are_held) {
    saga_shop shop;
    const auto product = shop.add(3);
    orders::create_order_request wanted{.items = {{product.id, 2}, {product.id, 2}},
                                        .shipping_address = {"\"Athens\""}};
    auto context = shop.as("ann");
    const auto refused = shop.call([&] { return shop.orders->create_order(context, wanted); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "out_of_stock");
    products::hold_request direct{.order_id = new_id(shop.time, shop.random),
                                  .lines = {{product.id, 2, product.price, product.currency},
                                            {product.id, 2, product.price, product.currency}}};
    const auto held = shop.call([&] { return shop.products->hold({}, direct); });
    EXPECT_EQ(held->status, products::hold_status::refused);
    EXPECT_EQ(shop.stock_of(product).reserved, 0);
}

TEST(saga, reserve_by_hand_counts_once_for_its_order) {
    saga_shop shop;
    const auto product = shop.add(5);
    request_context service = shop.as("");
    service.caller = {.is = role::service};
    for (int i = 0; i < 2; ++i) {
        const auto held =
            shop.call([&] { return shop.products->reserve(service, {product.id, "o-1", 2}); });
        ASSERT_TRUE(held);
        EXPECT_EQ(held->status, products::hold_status::held);
    }
    EXPECT_EQ(shop.stock_of(product).reserved, 2);
    const auto more =
        shop.call([&] { return shop.products->reserve(service, {product.id, "o-1", 5}); });
    ASSERT_FALSE(more) << "five are not held";
    EXPECT_EQ(more.error().code, "reserved_otherwise");
    const auto nameless =
        shop.call([&] { return shop.products->reserve(service, {product.id, {}, 2}); });
    ASSERT_FALSE(nameless) << "without an order a key must name the hold";
    const auto over =
        shop.call([&] { return shop.products->reserve(service, {product.id, "o-2", 4}); });
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().errors.front().available, 3);
    shop.time.advance(minutes(20));
    shop.sweep();
    EXPECT_EQ(shop.stock_of(product).reserved, 0) << "a hold by hand ends by itself";
}

TEST(saga, a_key_holds_units_of_one_request_and_one_caller) {
    saga_shop shop;
    const auto cup = shop.add(5), plate = shop.add(5);
    auto service = shop.as("", "k");
    service.caller = {.is = role::service, .key_id = "one"};
    const auto reserve = [&](const products::product& of, std::int32_t n) {
        return shop.call([&] { return shop.products->reserve(service, {of.id, {}, n}); });
    };
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(reserve(cup, 2));
    EXPECT_EQ(reserve(cup, 3).error().code, "idempotency_key_reused");
    EXPECT_EQ(reserve(plate, 2).error().code, "idempotency_key_reused");
    EXPECT_EQ(shop.stock_of(plate).reserved, 0);
    service.caller.key_id = "another";
    EXPECT_TRUE(reserve(cup, 3));
    EXPECT_EQ(shop.stock_of(cup).reserved, 5);
}

// Without an intent of the provider nothing can have been charged, however long it was away.
TEST(saga, an_attempt_whose_key_expired_before_the_provider_answered_is_over) {
    for (const bool cancelled : {false, true}) {
        saga_shop shop;
        const auto product = shop.add(10);
        shop.provider->creates_held = true;
        const auto order = shop.place(shop.as("ann"), product, 2, "credit_card");
        shop.pump([&] { return shop.provider->creates == 1; });
        shop.stop();
        shop.provider->creates_held = false;
        shop.start("second");
        if (cancelled)
            ASSERT_TRUE(shop.call(
                [&] { return shop.orders->cancel_order(shop.as("ann"), {order->id, {}}); }));
        const int asked = shop.provider->creates;
        shop.time.advance(hours(21));
        shop.eventually([&] {
            shop.sweep();
            return shop.order_of(order->id).status == order_status::cancelled;
        });
        EXPECT_EQ(shop.provider->creates, asked) << "the key is not used again";
        EXPECT_EQ(shop.provider->confirms, 0);
        shop.eventually([&] { return shop.stock_of(product).reserved == 0; });
    }
}

// Found by simulation: seed 1003184.
TEST(saga, the_units_of_an_order_paid_and_cancelled_wait_for_its_events_past_their_deadline) {
    saga_shop shop;
    const auto product = shop.add(5);
    shop.stop();
    shop.start("deaf", {}, false);
    const auto placed = saga_shop::must(shop.place(shop.as("ann"), product, 2));
    const auto capture = saga_shop::must(shop.call([&] {
        return shop.payments->create_payment(
            shop.as("ann"),
            {.order_id = placed.id, .amount = placed.total_amount, .method = "credit_card"});
    }));
    request_context service = shop.as("");
    service.caller = {.is = role::service};
    saga_shop::must(shop.call([&] {
        return shop.orders->set_status(
            service, {.id = placed.id, .status = "paid", .payment_id = capture.id});
    }));
    const auto ended = saga_shop::must(
        shop.call([&] { return shop.orders->cancel_order(shop.as("ann"), {.id = placed.id}); }));
    ASSERT_EQ(ended.status, orders::order_status::cancelled);
    shop.time.advance(hours(1));
    saga_shop::must(shop.call([&] { return shop.products->sweep(); }));
    EXPECT_EQ(shop.stock_of(product).reserved, 2) << "order.paid has not been heard of";

    shop.stop();
    shop.start("hearing");
    shop.eventually([&] { return shop.stock_of(product).reserved == 0; });
    shop.eventually([&] { return shop.stock_of(product).on_hand == 5; });
    const auto movements = shop.stock_of(product).movements;
    EXPECT_EQ(movements.size(), 3U) << "put there, sold, returned";
    const auto parked = saga_shop::must(shop.call([&] {
        return shop.store->log().is_parked("product", std::string(orders::topic::orders),
                                           placed.id);
    }));
    EXPECT_FALSE(parked);
}

TEST(saga, a_callback_makes_an_order_paid_by_its_own_capture_and_by_nothing_else) {
    saga_shop shop;
    const auto product = shop.add(10);
    shop.stop();
    shop.start("deaf", {}, false);  // or the capture's event would be there before the callback
    const auto paid = saga_shop::must(shop.place(shop.as("ann"), product, 2));
    const auto other = saga_shop::must(shop.place(shop.as("ann"), product, 2));
    const auto capture = saga_shop::must(shop.call([&] {
        return shop.payments->create_payment(
            shop.as("ann"),
            {.order_id = paid.id, .amount = paid.total_amount, .method = "credit_card"});
    }));
    ASSERT_EQ(capture.status, payments::payment_status::succeeded);

    request_context service = shop.as("");
    service.caller = {.is = role::service};
    const auto callback = [&](const orders::order& of, std::optional<std::string> payment_id) {
        return shop.call([&] {
            return shop.orders->set_status(
                service, {.id = of.id, .status = "paid", .payment_id = payment_id});
        });
    };
    EXPECT_EQ(callback(paid, {}).error().kind, errc::invalid);
    EXPECT_EQ(callback(paid, "nothing").error().code, "capture_does_not_verify");
    EXPECT_EQ(callback(other, capture.id).error().code, "capture_does_not_verify");
    EXPECT_EQ(shop.order_of(other.id).status, order_status::awaiting_payment);
    EXPECT_EQ(shop.order_of(paid.id).status, order_status::awaiting_payment);

    const auto done = callback(paid, capture.id);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->status, order_status::paid);
    EXPECT_EQ(done->captured_amount.minor, paid.total_amount.minor);
    EXPECT_EQ(callback(paid, capture.id)->status, order_status::paid) << "a repeat changes nothing";
    shop.stop();
    shop.start("second");  // the events of both: the callback's and the capture's
    shop.eventually([&] { return shop.stock_of(product).on_hand == 8; });
    EXPECT_EQ(shop.order_of(paid.id).status, order_status::paid);
    EXPECT_EQ(shop.stock_of(product).reserved, 2) << "the other order's";
    EXPECT_EQ(shop.provider->confirms, 1);
}

}  // namespace
}  // namespace stoa
