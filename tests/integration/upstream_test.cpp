// What a gateway passes on to services of other processes: the real server, router and client over
// loopback, with services made for it.
#include "transport/http/upstream.hpp"

#include "adapters/security/jwt_authority.hpp"
#include "adapters/system/system_clock.hpp"
#include "transport/http/client.hpp"
#include "transport/http/router.hpp"
#include "transport/http/server.hpp"
#include "transport/rpc/http_edge.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <future>

namespace stoa {
namespace {

struct echo_request {
    std::string id;
    std::optional<std::string> word;
};
BOOST_DESCRIBE_STRUCT(echo_request, (), (id, word))
struct echo_answer {
    std::string id, address, request_id, key;
    std::int64_t version = 7;
};
BOOST_DESCRIBE_STRUCT(echo_answer, (), (id, address, request_id, key, version))

class echo_api {
 public:
    task<result<echo_answer>> say(request_context context, echo_request wanted) {
        ++asked;
        if (wanted.id == "slow") co_await time.sleep(milliseconds(3'000));
        if (wanted.id == "refused")
            co_return fail(errc::conflict, "out_of_words", "there are none");
        co_return echo_answer{wanted.id, context.address, context.request_id,
                              context.key_from_client ? context.idempotency_key : ""};
    }
    int asked = 0;

 private:
    system_clock time;
};

constexpr operation table[] = {
    serve<&echo_api::say>(verb::get, "/echo/{id}", "GetEcho").allows(who::anyone),
    serve<&echo_api::say>(verb::post, "/echo/{id}", "Echo")
        .allows(who::anyone)
        .takes_idempotency_key(),
};

// A body of any size up, and the same down.
http::route mirror() {
    http::route out{.method = verb::post,
                    .path = "/mirror",
                    .name = "Mirror",
                    .caller = who::anyone,
                    .body_limit_bytes = std::int64_t{1} << 30};
    out.stream = [](request_context, http::exchange& with, http::route::parameters) -> task<> {
        std::string first = *co_await with.read_chunk();
        if (first == "no") {
            http::response refused{.status = 422};
            refused.set_body("refused");
            (void)co_await with.answer(std::move(refused));
            co_return;
        }
        std::string whole;
        for (auto chunk = std::move(first); !chunk.empty(); chunk = *co_await with.read_chunk())
            whole += chunk;
        (void)co_await with.begin({.content_type = "text/plain"});
        for (std::size_t at = 0; at < whole.size(); at += 100'000)
            (void)co_await with.write_chunk(whole.substr(at, 100'000));
        (void)co_await with.finish();
    };
    return out;
}

class passing_on : public ::testing::Test {
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

    passing_on() {
        (void)service_end.add(service{"echo", table, &echo});
        (void)service_end.add(mirror());
        (void)service_end.add(rpc::rpc_route({{"EchoService", {service{"echo", table, &echo}}}},
                                             tokens, currency_code{{'E', 'U', 'R'}}));
        loops.at(0);
        running = std::jthread([this] { loops.run(); });
    }
    ~passing_on() override {
        run([this]() -> task<int> {
            if (gate) co_await gate->drain(seconds(5));
            if (behind) co_await behind->drain(seconds(5));
            gate.reset();
            behind.reset();
            gate_end.reset();
            upstream.reset();
            client.reset();
            outside.reset();
            co_return 0;
        });
        loops.stop();
        running.join();
    }
    http::router_needs needs() {
        return {time,
                random,
                measured,
                limiter,
                [](std::string) -> task<result<principal>> {
                    co_return fail(errc::unauthenticated, "nobody");
                },
                nullptr,
                [this](std::string_view token) { return tokens.is_service(token); }};
    }
    // The service listens at a port of its own; what `more` names is tried, too.
    void start(std::vector<std::string> before = {}, seconds patience = seconds(5)) {
        run([&, this]() -> task<int> {
            behind = std::make_unique<http::server>(loops, http::limits{});
            EXPECT_TRUE(behind->listen("127.0.0.1", 0, {&service_end}));
            auto addresses = before;
            addresses.push_back("127.0.0.1:" + std::to_string(behind->port()));
            open_gate(std::move(addresses), patience);
            co_return 0;
        });
    }
    void open_gate(std::vector<std::string> addresses, seconds patience) {
        client = std::make_unique<http::async_client>(loops.at(0));
        upstream = std::make_unique<http::upstream>(
            "echo", std::move(addresses),
            http::upstream::needs{loops.at(0), *client, time, tokens, patience});
        gate_end = std::make_unique<http::router>(needs(), http::router_settings{});
        EXPECT_TRUE(gate_end->add_elsewhere(service{"echo", table, nullptr}, *upstream));
        EXPECT_TRUE(gate_end->add(http::passed_on(mirror(), *upstream)));
        gate = std::make_unique<http::server>(loops, http::limits{});
        EXPECT_TRUE(gate->listen("127.0.0.1", 0, {gate_end.get()}));
        port = gate->port();
    }
    result<http_response> ask(const std::string& method, const std::string& path,
                              const std::string& body = {}, std::vector<http_header> headers = {}) {
        return run([&, this]() -> task<result<http_response>> {
            if (!outside) {
                http::client_settings bounds;
                bounds.answer_limit_bytes = 64 << 20;
                outside = std::make_unique<http::async_client>(loops.at(0), bounds);
            }
            co_return co_await outside->send(
                {.method = method,
                 .url = "http://127.0.0.1:" + std::to_string(port) + path,
                 .headers = headers,
                 .body = body},
                seconds(20));
        });
    }

    loop_set loops{1};
    system_clock time;
    system_random random;
    metrics measured;
    rate_limiter limiter;
    jwt_authority keys{make_key_ring(time.now())};
    rpc::service_tokens tokens{keys, time, "gateway"};
    echo_api echo;
    http::router service_end{needs(), http::router_settings{}};
    std::unique_ptr<http::async_client> client, outside;
    std::unique_ptr<http::upstream> upstream;
    std::unique_ptr<http::router> gate_end;
    std::unique_ptr<http::server> behind, gate;
    std::uint16_t port = 0;
    std::jthread running;
};

// A port that nobody listens at.
std::string nobody() { return "127.0.0.1:1"; }

TEST_F(passing_on, requests_and_answers_pass_unchanged_with_the_clients_address) {
    start();
    const auto got = ask("POST", "/echo/a", "{}",
                         {{"idempotency-key", "k"},
                          {"x-request-id", "mine"},
                          {"x-forwarded-for", "9.9.9.9"},
                          {std::string(http::passed_on_by), "forged"}});
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body,
              R"({"id":"a","address":"127.0.0.1","request_id":"mine","key":"k","version":7})");
    EXPECT_EQ(got->find("etag"), "\"7\"");
    EXPECT_EQ(got->find("idempotency-key"), "k");
    EXPECT_EQ(got->find("x-request-id"), "mine");
    EXPECT_EQ(std::ranges::count(got->headers, "x-request-id", &http_header::name), 1);
    EXPECT_EQ(std::ranges::count(got->headers, "content-type", &http_header::name), 1);
    const auto known = ask("GET", "/echo/a", {}, {{"if-none-match", "\"7\""}});
    ASSERT_TRUE(known);
    EXPECT_EQ(known->status, 304);
    EXPECT_EQ(known->body, "");
}

TEST_F(passing_on, a_strangers_word_for_a_clients_address_is_not_believed) {
    start();
    run([this]() -> task<int> {
        port = behind->port();  // straight to the service
        co_return 0;
    });
    const auto forged =
        ask("GET", "/echo/a", {},
            {{"x-forwarded-for", "9.9.9.9"}, {std::string(http::passed_on_by), "forged"}});
    ASSERT_TRUE(forged);
    EXPECT_NE(forged->body.find("127.0.0.1"), std::string::npos) << forged->body;
    const auto ours =
        ask("GET", "/echo/a", {},
            {{"x-forwarded-for", "9.9.9.9"}, {std::string(http::passed_on_by), tokens.own()}});
    ASSERT_TRUE(ours);
    EXPECT_NE(ours->body.find("9.9.9.9"), std::string::npos) << ours->body;
}

TEST_F(passing_on, refusals_are_the_services_own) {
    start();
    const auto refused = ask("POST", "/echo/refused", "{}");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 409);
    EXPECT_NE(refused->body.find("out_of_words"), std::string::npos);
    EXPECT_EQ(refused->find("content-type"), "application/problem+json");
    const auto ill = ask("POST", "/echo/a", "{");
    ASSERT_TRUE(ill);
    EXPECT_EQ(ill->status, 400);
    const auto nothing = ask("GET", "/nothing");
    ASSERT_TRUE(nothing);
    EXPECT_EQ(nothing->status, 404);
}

TEST_F(passing_on, a_replica_that_is_away_costs_nobody_an_answer) {
    start({nobody()});
    for (int i = 0; i < 10; ++i) {
        const auto got = ask("POST", "/echo/a", "{}");
        ASSERT_TRUE(got);
        EXPECT_EQ(got->status, 200) << got->body;
    }
    EXPECT_EQ(echo.asked, 10);
}

// Connections come about, and nobody ever takes them: a process that is stopped, or a network that
// swallows what is sent.
class silent_listener {
 public:
    silent_listener() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {}
    std::string address() const {
        return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }

 private:
    asio::io_context io_;
    asio::ip::tcp::acceptor acceptor_;
};

TEST_F(passing_on, what_a_silent_replica_took_is_asked_elsewhere_and_it_is_left_out) {
    const silent_listener silent;
    start({silent.address()});
    for (const auto* method : {"GET", "POST"}) {
        const auto began = time.ticks();
        const auto got =
            ask(method, "/echo/a", *method == 'P' ? "{}" : "", {{"idempotency-key", "k"}});
        ASSERT_TRUE(got);
        EXPECT_EQ(got->status, 200) << got->body;
        EXPECT_LT(time.ticks() - began, seconds(6)) << "of a deadline of 15 s";
    }
    const auto began = time.ticks();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("GET", "/echo/a")->status, 200);
    EXPECT_LT(time.ticks() - began, seconds(4)) << "one in a second looks whether it is back";
}

TEST_F(passing_on, a_replica_that_is_slow_and_well_is_waited_for_and_asked_once) {
    start();
    const auto got = ask("POST", "/echo/slow", "{}", {{"idempotency-key", "k"}});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200) << got->body;
    EXPECT_EQ(echo.asked, 1);
}

TEST_F(passing_on, a_service_that_stays_away_is_named_after_the_patience_and_then_at_once) {
    run([this]() -> task<int> {
        open_gate({nobody(), nobody()}, seconds(1));
        co_return 0;
    });
    const auto began = time.ticks();
    const auto first = ask("POST", "/echo/a", "{}");
    ASSERT_TRUE(first);
    EXPECT_EQ(first->status, 503);
    EXPECT_NE(first->body.find("service_away"), std::string::npos) << first->body;
    EXPECT_NE(first->body.find("the echo service"), std::string::npos) << first->body;
    EXPECT_EQ(first->find("retry-after"), "1");
    EXPECT_GE(time.ticks() - began, milliseconds(900)) << "it may have been starting again";
    const auto then = time.ticks();
    const auto second = ask("POST", "/echo/a", "{}");
    ASSERT_TRUE(second);
    EXPECT_EQ(second->status, 503);
    EXPECT_LT(time.ticks() - then, milliseconds(900));
    const auto stream = ask("POST", "/mirror", "words");
    ASSERT_TRUE(stream);
    EXPECT_EQ(stream->status, 503);
}

TEST_F(passing_on, bodies_of_any_size_pass_both_ways_by_chunks) {
    start({nobody()});
    std::string large;
    while (large.size() < (20 << 20)) large += "line " + std::to_string(large.size()) + '\n';
    const auto got = ask("POST", "/mirror", large);
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body.size(), large.size());
    EXPECT_TRUE(got->body == large);
    EXPECT_EQ(got->find("content-type"), "text/plain");
}

TEST_F(passing_on, a_stream_that_is_refused_gets_the_services_answer) {
    start();
    const auto got = ask("POST", "/mirror", "no");
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got->status, 422);
    EXPECT_EQ(got->body, "refused");
}

TEST_F(passing_on, services_ask_each_other_by_http_as_they_would_in_one_process) {
    start();
    rpc::http_channel channel(*upstream, "EchoService", currency_code{{'E', 'U', 'R'}});
    const auto call = [&](std::string_view rpc, std::string id, request_context context) {
        return run([&, rpc, id, context]() -> task<result<echo_answer>> {
            co_return co_await channel.ask<echo_answer>(rpc, context, echo_request{id, {}});
        });
    };
    request_context context;
    context.caller = {.is = role::customer, .user_id = "ann"};
    context.request_id = "r-1";
    context.address = "9.9.9.9";
    context.idempotency_key = "k";
    context.key_from_client = true;
    context.deadline = time.ticks() + seconds(10);
    const auto said = call("Echo", "a", context);
    ASSERT_TRUE(said) << said.error().detail;
    EXPECT_EQ(said->id, "a");
    EXPECT_EQ(said->key, "k");
    EXPECT_EQ(said->address, "9.9.9.9");
    EXPECT_EQ(said->request_id, "r-1");
    const auto refused = call("Echo", "refused", context);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::conflict);
    EXPECT_EQ(refused.error().code, "out_of_words");
    const auto unknown = call("Shout", "a", context);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, "no_such_rpc");
}

TEST_F(passing_on, a_stranger_does_not_get_at_what_services_ask) {
    start();
    run([this]() -> task<int> {
        port = behind->port();
        co_return 0;
    });
    const std::string body = R"({"context":{"caller":{"is":"operator"}},"request":{"id":"a"}})";
    const auto stranger = ask("POST", "/rpc/EchoService/Echo", body);
    ASSERT_TRUE(stranger);
    EXPECT_EQ(stranger->status, 403);
    EXPECT_EQ(echo.asked, 0);
    const std::vector<http_header> ours{{std::string(http::passed_on_by), tokens.own()}};
    for (const auto& [text, status] :
         {std::pair{"{", 400}, {"{}", 422}, {R"({"context":7,"request":{}})", 200}}) {
        const auto got = ask("POST", "/rpc/EchoService/Echo", text, ours);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->status, status) << text << ": " << got->body;
    }
    EXPECT_EQ(ask("POST", "/rpc/NoService/Echo", body, ours)->status, 404);
    EXPECT_EQ(echo.asked, 0);
}

}  // namespace
}  // namespace stoa
