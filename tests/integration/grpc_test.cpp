// gRPC between two processes' worth of parts: the real server and the real channel over loopback,
// with services made for it.
#include "transport/grpc/grpc_server.hpp"

#include "adapters/security/jwt_authority.hpp"
#include "adapters/system/system_clock.hpp"
#include "base/json.hpp"
#include "services/cart/cart_remote.hpp"
#include "services/payment/payment_remote.hpp"
#include "transport/grpc/grpc_channel.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <future>

namespace stoa {
namespace {

using payments::payment;

// Notes what it was asked and answers as it is told.
class noting_till final : public payments::till {
 public:
    std::function<result<payment>(request_context&, const payments::create_payment_request&)> pays =
        [](request_context&, const payments::create_payment_request&) -> result<payment> {
        return payment{};
    };
    request_context asked_with;
    clock* sleeps_on = nullptr;
    std::atomic<bool> cancelled = false;

    task<result<payment>> create_payment(request_context context,
                                         payments::create_payment_request wanted) override {
        asked_with = context;
        if (sleeps_on) {
            try {
                co_await sleeps_on->sleep(seconds(30));
            } catch (...) {
                cancelled = true;
                throw;
            }
        }
        co_return pays(context, wanted);
    }
    task<result<payment>> get_payment(request_context context,
                                      payments::get_payment_request wanted) override {
        asked_with = std::move(context);
        co_return payment{.id = wanted.id};
    }
    task<result<payments::payment_list>> list_payments(
        request_context, payments::list_payments_request wanted) override {
        payments::payment_list out;
        for (int i = 1; i <= 3; ++i)
            out.payments.push_back({.order_id = wanted.order_id, .attempt = i});
        co_return out;
    }
};

constexpr operation more_of_payments[] = {
    serve<&payments::till::list_payments>(verb::get, "", "ListPayments").allows(who::signed_in),
};

struct noting_baskets final : carts::baskets {
    std::string guest, user;
    task<result<void>> merge(std::string guest_id, std::string user_id) override {
        guest = std::move(guest_id);
        user = std::move(user_id);
        co_return result<void>{};
    }
};

class grpc_calls : public ::testing::Test {
 protected:
    template <class Body>
    auto run(Body body) {
        using value = typename std::invoke_result_t<Body&>::value_type;
        std::promise<value> done;
        asio::co_spawn(
            loops.at(0), [&] { return body(); },
            [&](std::exception_ptr thrown, value made) {
                if (thrown) done.set_exception(thrown);
                else done.set_value(std::move(made));
            });
        return done.get_future().get();
    }

    grpc_calls() {
        loops.at(0);
        running = std::jthread([this] { loops.run(); });
    }
    ~grpc_calls() override {
        if (server)
            run([this]() -> task<int> {
                co_await server->drain(seconds(5));
                co_return 0;
            });
        run([this]() -> task<int> {
            channel.reset();
            co_return 0;
        });
        loops.stop();
        running.join();
    }

    void start(std::uint16_t port = 0, int in_flight = 100) {
        std::vector<rpc::grpc_lane> lanes;
        for (int i = 0; i < loops.size(); ++i)
            lanes.push_back({.services = {{"stoa.v1.PaymentService",
                                           {payments::rpcs_of(till),
                                            service{"payments", more_of_payments,
                                                    static_cast<payments::till*>(&till)}}},
                                          {"stoa.v1.CartService", {carts::rpcs_of(cart_desk)}}},
                             .authenticate = [](std::string token) -> task<result<principal>> {
                                 if (token == "ann")
                                     co_return principal{.is = role::customer, .user_id = "ann"};
                                 co_return fail(errc::unauthenticated, "not_signed_in");
                             }});
        auto opened = rpc::grpc_server::open(
            {loops, tools, time, random, measured, tokens},
            {.port = port, .in_flight = in_flight, .shop_currency = {{'E', 'U', 'R'}}},
            std::move(lanes));
        ASSERT_TRUE(opened) << opened.error().detail;
        server = *std::move(opened);
        server->serving(true);
        connect(server->port(), tokens);
    }
    void connect(std::uint16_t port, rpc::service_tokens& by) {
        auto to = rpc::grpc_connection::open({.addresses = "127.0.0.1:" + std::to_string(port)});
        ASSERT_TRUE(to);
        connection = *to;
        channel = std::make_unique<rpc::grpc_channel>(
            connection, "stoa.v1.PaymentService",
            rpc::grpc_channel::needs{time, by, nullptr, patience}, currency_code{{'E', 'U', 'R'}});
        remote = std::make_unique<payments::remote_till>(*channel);
    }
    request_context as_customer() {
        request_context out;
        out.caller = {.is = role::customer, .user_id = "ann", .session_id = "s-1"};
        out.request_id = "r-1";
        out.operation = "CreatePayment";
        out.idempotency_key = "k-1";
        out.key_from_client = true;
        out.request_hash = 77;
        out.deadline = time.ticks() + seconds(10);
        return out;
    }
    result<payment> pay(request_context context) {
        return run([this, context]() -> task<result<payment>> {
            co_return co_await remote->create_payment(
                context, {.order_id = "01a1ff98-7fcc-7aef-affb-d6bd56a182ff",
                          .amount = {1210, {{'E', 'U', 'R'}}},
                          .method = "credit_card"});
        });
    }

    system_clock time;
    system_random random;
    metrics measured;
    loop_set loops{2};
    std::jthread running;
    blocking_pool tools{"tools", 1, 8};
    key_ring ring = make_key_ring(time.now());
    jwt_authority keys{ring};
    rpc::service_tokens tokens{keys, time, "order"};
    seconds patience{8};
    noting_till till;
    noting_baskets baskets;
    carts::cart_rpcs cart_desk{baskets};
    std::unique_ptr<rpc::grpc_server> server;
    std::shared_ptr<rpc::grpc_connection> connection;
    std::unique_ptr<rpc::grpc_channel> channel;
    std::unique_ptr<payments::remote_till> remote;
};

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
