// The real gRPC server and the real channel over loopback, with services made for it.
#pragma once

#include "transport/grpc/grpc_server.hpp"

#include "adapters/security/jwt_authority.hpp"
#include "adapters/system/system_clock.hpp"
#include "services/cart/cart_remote.hpp"
#include "services/payment/payment_remote.hpp"
#include "transport/grpc/grpc_channel.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <future>

namespace stoa {

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

inline constexpr operation more_of_payments[] = {
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
        auto opened = rpc::grpc_server::open({loops, tools, time, random, measured, tokens},
                                             {.host = host,
                                              .port = port,
                                              .identity = server_identity,
                                              .in_flight = in_flight,
                                              .shop_currency = {{'E', 'U', 'R'}}},
                                             std::move(lanes));
        ASSERT_TRUE(opened) << opened.error().detail;
        server = *std::move(opened);
        server->serving(true);
        connect(server->port(), tokens);
    }
    void connect(std::uint16_t port, rpc::service_tokens& by) {
        connect("127.0.0.1:" + std::to_string(port), by);
    }
    void connect(std::string addresses, rpc::service_tokens& by) {
        auto to = rpc::grpc_connection::open({std::move(addresses), client_identity});
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
    std::string host = "127.0.0.1";
    rpc::tls_identity server_identity, client_identity;  // as they are: plain text
    noting_till till;
    noting_baskets baskets;
    carts::cart_rpcs cart_desk{baskets};
    std::unique_ptr<rpc::grpc_server> server;
    std::shared_ptr<rpc::grpc_connection> connection;
    std::unique_ptr<rpc::grpc_channel> channel;
    std::unique_ptr<payments::remote_till> remote;
};

}  // namespace stoa
