#include "apps/stoa/load.hpp"

#include "base/json.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <set>

namespace stoa {
namespace {

// Answers at once, or when the clock has passed `still_until`.
class stalling_shop final : public http_client {
 public:
    explicit stalling_shop(clock& time) : time_(time) {}
    task<result<http_response>> send(http_request what, milliseconds) override {
        asked.push_back(what);
        while (time_.ticks() >= still_from && time_.ticks() < still_until)
            co_await time_.sleep(milliseconds(1));
        if (what.url.ends_with("/auth/guest")) co_return guest();
        if (what.url.contains("in_stock")) co_return http_response{200, {}, shelf};
        co_return answer(what);
    }
    http_response guest() {
        const auto n = std::to_string(++guests);
        return {guests == 2 ? 429 : 201, {}, R"({"id":"g)" + n + R"(","token":"t)" + n + R"("})"};
    }

    std::function<result<http_response>(const http_request&)> answer =
        [](const http_request& of) -> result<http_response> {
        if (of.url.ends_with("/orders"))
            return http_response{201, {}, R"({"id":"o1","status":"awaiting_payment"})"};
        if (of.url.ends_with("/orders/o1"))
            return http_response{200, {}, R"({"id":"o1","status":"paid"})"};
        return http_response{of.method == "POST" ? 202 : 200, {}, "{}"};
    };
    std::string shelf = R"({"products":[{"id":"p1","name":"Mug, blue"},{"id":"p2","name":"7"}]})";
    instant still_from{INT64_MAX}, still_until{INT64_MAX};
    std::vector<http_request> asked;
    int guests = 0;

 private:
    clock& time_;
};

class load_test : public ::testing::Test {
 protected:
    load_test() : background_(loop_.on()), shop_(clock_) {}
    // As time passes: a millisecond, then whatever is ready.
    template <class Body>
    void live(Body body) {
        bool done = false;
        loop_.spawn([&]() -> task<> {
            co_await body();
            done = true;
        });
        for (int ms = 0; !done; ++ms) {
            ASSERT_LT(ms, 100'000) << "it does not end";
            loop_.drain();
            clock_.advance(milliseconds(1));
        }
    }
    void run(load_plan plan) {
        run_.emplace(load_run::needs{shop_, clock_, background_}, std::move(plan));
        live([&]() -> task<> {
            const auto prepared = co_await run_->prepare();
            EXPECT_TRUE(prepared) << prepared.error().detail;
            began_ = clock_.ticks();
            co_await run_->run();
        });
    }
    const load_tally& tally(load_kind of) const {
        return run_->tallies()[static_cast<std::size_t>(of)];
    }

    testing::test_loop loop_;
    testing::manual_clock clock_;
    supervisor background_;
    stalling_shop shop_;
    std::optional<load_run> run_;
    instant began_;
};

TEST_F(load_test, as_many_arrive_as_the_rates_say) {
    run({.url = "http://shop",
         .per_second = {200, 0, 50, 0},
         .lasts = seconds(20),
         .ramp = seconds(10)});
    // Rates rise for ten seconds: half of what comes later. Within five standard deviations.
    EXPECT_NEAR(static_cast<double>(tally(load_kind::browse).offered), 3'000, 5 * std::sqrt(3'000));
    EXPECT_NEAR(static_cast<double>(tally(load_kind::event).offered), 750, 5 * std::sqrt(750));
    EXPECT_EQ(tally(load_kind::search).offered, 0);
    EXPECT_EQ(tally(load_kind::browse).good, tally(load_kind::browse).offered);
    EXPECT_EQ(run_->arrived_for(), seconds(20));
}

TEST_F(load_test, a_shop_that_stands_still_shows_in_every_request_that_was_due) {
    shop_.still_from = clock_.ticks() + seconds(1);
    shop_.still_until = clock_.ticks() + seconds(2);
    run({.url = "http://shop", .per_second = {100, 0, 0, 0}, .lasts = seconds(4)});
    const auto& of = tally(load_kind::browse);
    EXPECT_EQ(of.good, of.offered);
    EXPECT_GE(of.took.max_us(), 900'000);
    EXPECT_LE(of.took.quantile_us(0.5), 2'000) << "three quarters of them met nothing";
    // A quarter fell into that second, and waited half of it on average.
    EXPECT_NEAR(of.took.mean_us(), 125'000, 40'000);
}

TEST_F(load_test, what_is_too_much_at_once_is_dropped_and_told) {
    shop_.still_from = clock_.ticks();
    shop_.still_until = clock_.ticks();
    run_.emplace(load_run::needs{shop_, clock_, background_},
                 load_plan{.url = "http://shop",
                           .per_second = {100, 0, 0, 0},
                           .lasts = seconds(1),
                           .most_in_flight = 10});
    live([&]() -> task<> {
        EXPECT_TRUE(co_await run_->prepare());
        shop_.still_until = clock_.ticks() + seconds(3);
        co_await run_->run();
    });
    const auto& of = tally(load_kind::browse);
    EXPECT_EQ(of.good, 10);
    EXPECT_EQ(of.dropped, of.offered - 10);
    EXPECT_GT(of.dropped, 50);
}

TEST_F(load_test, answers_are_good_refused_or_failed) {
    int n = 0;
    shop_.answer = [&n](const http_request&) -> result<http_response> {
        switch (n++ % 6) {
            case 0:
                return http_response{201, {}, R"({"id":"o1","status":"pending"})"};
            case 1:
                return http_response{409, {}, R"({"code":"out_of_stock"})"};
            case 2:
                return http_response{409, {}, R"({"code":"key_reused"})"};
            case 3:
                return http_response{503, {}, "not JSON"};
            case 4:
                return http_response{200, {}, "{}"};
            default:
                return fail(errc::timeout, "no_answer_in_time");
        }
    };
    run({.url = "http://shop", .per_second = {0, 0, 0, 60}, .lasts = seconds(10), .buyers = 3});
    const auto& of = tally(load_kind::order);
    EXPECT_EQ(of.offered, of.good + of.refused + of.failed);
    EXPECT_NEAR(static_cast<double>(of.refused), static_cast<double>(2 * of.good), 2);
    EXPECT_NEAR(static_cast<double>(of.failed), static_cast<double>(3 * of.good), 3);
    EXPECT_EQ(of.answers.at("409 out_of_stock") + of.answers.at("503"), of.refused);
    EXPECT_TRUE(of.answers.contains("no_answer_in_time") && of.answers.contains("409 key_reused"));
    EXPECT_EQ(of.took.count(), of.good);
    std::set<std::string> keys, buyers;
    for (const auto& each : shop_.asked)
        for (const auto& header : each.headers) {
            if (header.name == "idempotency-key") EXPECT_TRUE(keys.insert(header.value).second);
            if (header.name == "authorization") buyers.insert(header.value);
        }
    EXPECT_EQ(std::ssize(keys), of.offered);
    EXPECT_EQ(buyers, (std::set<std::string>{"Bearer t1", "Bearer t3", "Bearer t4"}))
        << "the second guest was refused for being too soon, and asked for again";
}

TEST_F(load_test, every_body_is_json) {
    run({.url = "http://shop", .per_second = {5, 5, 5, 5}, .lasts = seconds(5), .buyers = 1});
    for (const auto& each : shop_.asked) {
        if (!each.body.empty()) EXPECT_TRUE(from_json<json_text>(each.body)) << each.body;
    }
    std::optional<milliseconds> settled;
    live([&]() -> task<> { settled = co_await run_->settled(seconds(1)); });
    EXPECT_EQ(settled, milliseconds(0));
}

TEST_F(load_test, a_shop_that_cannot_be_loaded_says_why) {
    load_run run({shop_, clock_, background_}, {.url = "http://shop", .per_second = {1, 0, 0, 0}});
    result<void> got;
    const auto prepare = [&] { live([&]() -> task<> { got = co_await run.prepare(); }); };
    shop_.shelf = R"({"products":[]})";
    prepare();
    EXPECT_EQ(got.error().code, "no_products");
    shop_.shelf = "<html>";
    prepare();
    EXPECT_FALSE(got);
}

TEST_F(load_test, stopped_it_waits_for_what_was_sent) {
    run_.emplace(
        load_run::needs{shop_, clock_, background_},
        load_plan{.url = "http://shop", .per_second = {100, 0, 0, 0}, .lasts = seconds(60)});
    live([&]() -> task<> {
        EXPECT_TRUE(co_await run_->prepare());
        loop_.spawn([&]() -> task<> {
            co_await clock_.sleep(seconds(1));
            run_->stop();
        });
        co_await run_->run();
    });
    const auto& of = tally(load_kind::browse);
    EXPECT_NEAR(static_cast<double>(of.offered), 100, 50);
    EXPECT_EQ(of.good, of.offered);
    EXPECT_EQ(run_->in_flight(), 0);
}

}  // namespace
}  // namespace stoa
