// gRPC between two processes' worth of parts: what travels, what is refused, what is waited for.
#include "integration/grpc_calls.hpp"

#include "base/json.hpp"

namespace stoa {
namespace {

TEST_F(grpc_calls, every_member_arrives_as_it_was_sent) {
    start();
    payment sent{.id = "p-1",
                 .payment_id = "p-1",
                 .order_id = "o",
                 .user_id = "ann",
                 .attempt = 3,
                 .amount = {-1210, {{'E', 'U', 'R'}}},
                 .currency = {{'E', 'U', 'R'}},
                 .status = payments::payment_status::review,
                 .method = "τεστ",
                 .failure_reason = "",
                 .created_at = {1'700'000'000'123'456},
                 .updated_at = {-1},
                 .version = INT64_MAX};
    payments::create_payment_request got;
    till.pays = [&](request_context&, const payments::create_payment_request& wanted) {
        got = wanted;
        return result<payment>(sent);
    };
    const auto answered = pay(as_customer());
    ASSERT_TRUE(answered) << answered.error().detail;
    EXPECT_EQ(to_json(*answered), to_json(sent));
    EXPECT_FALSE(answered->transaction_id) << "absent is not empty";
    EXPECT_EQ(answered->failure_reason, "");
    EXPECT_EQ(got.amount.minor, 1210);
    EXPECT_EQ(got.amount.currency, (currency_code{{'E', 'U', 'R'}}));
    const auto listed = run([this]() -> task<result<payments::payment_list>> {
        co_return co_await remote->list_payments(as_customer(), {"o-9"});
    });
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->payments.size(), 3U);
    EXPECT_EQ(listed->payments[2].attempt, 3);
    EXPECT_EQ(listed->payments[2].order_id, "o-9");
}

TEST_F(grpc_calls, the_caller_and_the_key_travel_with_a_part_of_the_shop) {
    start();
    ASSERT_TRUE(pay(as_customer()));
    const auto& seen = till.asked_with;
    EXPECT_EQ(seen.caller.user_id, "ann");
    EXPECT_EQ(seen.caller.session_id, "s-1");
    EXPECT_EQ(seen.caller.is, role::customer);
    EXPECT_EQ(seen.operation, "CreatePayment") << "one idempotency scope over any transport";
    EXPECT_EQ(seen.idempotency_key, "k-1");
    EXPECT_TRUE(seen.key_from_client);
    EXPECT_EQ(seen.request_hash, 77U);
    EXPECT_EQ(seen.request_id, "r-1");
    EXPECT_GT(seen.deadline, time.ticks() + seconds(5));
    EXPECT_LT(seen.deadline, time.ticks() + seconds(11));
}

TEST_F(grpc_calls, an_error_arrives_whole) {
    start();
    const error why{.kind = errc::conflict,
                    .code = "out_of_stock",
                    .detail = "some items are not in stock as asked",
                    .errors = {{"items[0]", "out_of_stock", "3 available", 3}},
                    .allowed = {"cancelled"},
                    .retry_after_s = 4};
    till.pays = [&](request_context&, const auto&) -> result<payment> { return fail(why); };
    const auto answered = pay(as_customer());
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().kind, errc::conflict);
    EXPECT_EQ(answered.error().code, "out_of_stock");
    ASSERT_EQ(answered.error().errors.size(), 1U);
    EXPECT_EQ(answered.error().errors[0].available, 3);
    EXPECT_EQ(answered.error().allowed, std::vector<std::string>{"cancelled"});
    EXPECT_EQ(answered.error().retry_after_s, 4);
    till.pays = [](request_context&, const auto&) -> result<payment> {
        return fail(errc::internal, "broken", "the password is x");
    };
    EXPECT_EQ(pay(as_customer()).error().detail, "") << "what broke is not for others";
}

TEST_F(grpc_calls, a_stored_answer_arrives_byte_for_byte) {
    start();
    const std::string body = to_json(payment{.id = "stored"});
    till.pays = [&](request_context& context, const auto&) {
        *context.reply = {.status = 201, .body = body, .replayed = true};
        return result<payment>(payment{});
    };
    auto context = as_customer();
    const auto answered = pay(context);
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->id, "stored") << "for clients that know no note";
    EXPECT_EQ(context.reply->body, body);
    EXPECT_EQ(context.reply->status, 201);
    EXPECT_TRUE(context.reply->replayed);
    const std::string refusal(200'000, 'x');
    till.pays = [&](request_context& noted, const auto&) {
        *noted.reply = {.status = 409, .body = refusal, .replayed = true};
        return result<payment>(payment{});
    };
    auto second = as_customer();
    EXPECT_TRUE(pay(second));
    EXPECT_EQ(second.reply->status, 409);
    EXPECT_EQ(second.reply->body, refusal);
}

TEST_F(grpc_calls, who_is_no_part_of_the_shop_is_refused) {
    start();
    const auto others = make_key_ring(time.now());
    jwt_authority other_keys{others};
    rpc::service_tokens forged{other_keys, time, "order"};
    connect(server->port(), forged);
    const auto answered = pay(as_customer());
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().kind, errc::unauthenticated);
    EXPECT_TRUE(till.asked_with.operation.empty()) << "the service was not asked";
}

TEST_F(grpc_calls, a_peer_that_is_away_is_waited_for_and_told_at_once_when_it_stays_away) {
    start();
    const auto port = server->port();
    run([this]() -> task<int> {
        co_await server->drain(seconds(1));
        co_return 0;
    });
    server.reset();
    patience = seconds(1);
    connect(port, tokens);
    const auto told_after = [this] {
        const auto began = std::chrono::steady_clock::now();
        const auto away = pay(as_customer());
        EXPECT_FALSE(away);
        if (!away) EXPECT_EQ(away.error().kind, errc::unavailable);
        return std::chrono::steady_clock::now() - began;
    };
    const auto first = told_after(), second = told_after();
    EXPECT_GE(first, std::chrono::milliseconds(700)) << "it may have been starting again";
    EXPECT_LT(second, std::chrono::milliseconds(700));
}

TEST_F(grpc_calls, a_peer_that_is_started_again_answers_who_called_meanwhile) {
    start();
    const auto port = server->port();
    run([this]() -> task<int> {
        co_await server->drain(seconds(1));
        co_return 0;
    });
    server.reset();
    auto kept = std::move(channel);
    auto kept_remote = std::move(remote);
    std::optional<result<payment>> answered;
    {
        const std::jthread calling([&] {
            answered = run([&]() -> task<result<payment>> {
                co_return co_await kept_remote->get_payment(as_customer(), {"p-1"});
            });
        });
        start(port);
    }
    ASSERT_TRUE(answered);
    EXPECT_TRUE(*answered) << answered->error().detail;
    run([&]() -> task<int> {
        kept_remote.reset();
        kept.reset();
        co_return 0;
    });
}

TEST_F(grpc_calls, a_deadline_ends_the_call_on_both_sides) {
    start();
    till.sleeps_on = &time;
    auto context = as_customer();
    context.deadline = time.ticks() + milliseconds(150);
    const auto answered = pay(context);
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().kind, errc::timeout);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!till.cancelled && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_TRUE(till.cancelled) << "the service goes on for nobody";
}

TEST_F(grpc_calls, one_service_s_desk_stands_beside_another_s) {
    start();
    rpc::grpc_channel to_carts(connection, "stoa.v1.CartService", {time, tokens}, {});
    carts::remote_baskets carts(to_carts);
    const auto merged =
        run([&]() -> task<result<void>> { co_return co_await carts.merge("guest", "ann"); });
    EXPECT_TRUE(merged) << merged.error().detail;
    EXPECT_EQ(baskets.guest + '/' + baskets.user, "guest/ann");
}

}  // namespace
}  // namespace stoa
