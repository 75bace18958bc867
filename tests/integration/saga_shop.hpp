// Product, order and payment on the real embedded engines, with their consumers, a clock that a
// test moves, and faults that it switches on at the seams between them.
#pragma once

#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "embedded/product_migrations.hpp"
#include "ports/idempotency.hpp"
#include "services/order/order_operations.hpp"
#include "services/payment/payment_operations.hpp"
#include "services/product/product_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"
#include "transport/events/consumer.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>

namespace stoa::testing {

// Everybody exists but `nobody`; of `unreachable` the user service does not tell.
class any_user final : public users::directory {
 public:
    task<result<users::user>> get_user(request_context, users::get_user_request wanted) override {
        if (wanted.id == "nobody") co_return fail(errc::not_found, "user_not_found");
        if (wanted.id == "unreachable") co_return fail(errc::unavailable, "cut");
        co_return users::user{.id = wanted.id};
    }
    task<result<principal>> authenticate(std::string) override {
        co_return fail(errc::unauthenticated, "not_here");
    }
};

// The stock keeper behind a line that can be cut before or after the hold was made.
class cut_stock final : public products::stock_keeper {
 public:
    explicit cut_stock(products::stock_keeper& real) : real_(real) {}
    bool cut_before = false, cut_after = false;
    std::function<task<>()> before_quote;  // run once

    task<result<products::quote>> quote_products(request_context c,
                                                 products::quote_request r) override {
        if (auto first = std::exchange(before_quote, nullptr)) co_await first();
        co_return co_await real_.quote_products(std::move(c), std::move(r));
    }
    task<result<products::hold_outcome>> hold(request_context c,
                                              products::hold_request r) override {
        if (cut_before) co_return fail(errc::unavailable, "cut");
        auto out = co_await real_.hold(std::move(c), std::move(r));
        if (cut_after) co_return fail(errc::unavailable, "cut");
        co_return out;
    }

 private:
    products::stock_keeper& real_;
};

// The provider behind gates: while `held`, confirms wait, while `creates_held`, creations.
class gated_provider final : public payment_provider {
 public:
    gated_provider(payment_provider& real, clock& time) : real_(real), time_(time) {}
    bool held = false, creates_held = false;
    int confirms = 0, creates = 0;

    task<result<payment_intent>> create(std::string k, money a, std::string m,
                                        std::string r) override {
        ++creates;
        while (creates_held) co_await time_.sleep(milliseconds(1));
        co_return co_await real_.create(std::move(k), a, std::move(m), std::move(r));
    }
    task<result<payment_intent>> confirm(std::string id) override {
        ++confirms;
        while (held) co_await time_.sleep(milliseconds(1));
        co_return co_await real_.confirm(std::move(id));
    }
    task<result<payment_intent>> get(std::string id) override { return real_.get(std::move(id)); }
    task<result<payment_intent>> cancel(std::string id) override {
        return real_.cancel(std::move(id));
    }
    task<result<provider_refund>> refund(std::string k, std::string id, money a) override {
        return real_.refund(std::move(k), std::move(id), a);
    }

 private:
    payment_provider& real_;
    clock& time_;
};

class saga_shop {
 public:
    saga_shop() {
        sqlite_options options{.directory = directory.path(),
                               .tables = {&idempotency_table, &orders::orders_table,
                                          &orders::counters_table, &payments::payments_table}};
        sql_component product{"product", {}};
        for (const auto& file : embedded::product_migrations())
            product.steps.push_back({std::string(file.name), std::string(file.content)});
        options.migrations = {product};
        for (const auto name :
             {orders::topic::orders, orders::topic::payment_requested,
              orders::topic::close_requested, orders::topic::refund_requested,
              payments::topic::succeeded, payments::topic::failed, payments::topic::closed,
              payments::topic::refunded, products::topic::deleted, products::topic::changed,
              products::topic::images_processed})
            options.topics.push_back({.name = name});
        store = must(sqlite_shop::open(options, time));
        sqlite_options simulated{.directory = directory / "provider"};
        for (const auto& table : simulator_tables()) simulated.tables.push_back(&table);
        provider_store = must(sqlite_shop::open(simulated, time));
        simulator = std::make_unique<payment_simulator>(provider_store->items(), time, random,
                                                        std::function<void(std::string)>{},
                                                        payment_simulator::settings{});
        provider = std::make_unique<gated_provider>(*simulator, time);
        start("first");
    }
    ~saga_shop() {
        stop();
        store->close();
        provider_store->close();
        loop.drain();
    }

    // The services of one process; the store outlives it. Not `listening`: no event reaches them.
    void start(const std::string& epoch, payments::payment_settings paying = {},
               bool listening = true) {
        auto& items = store->items();
        background = std::make_unique<supervisor>(loop.on());
        keys = std::make_unique<idempotency_keys>(items, time, epoch, true);
        products = std::make_unique<products::product_service>(
            products::product_service::needs{store->database(), index, board, time, random},
            products::product_settings{});
        stock = std::make_unique<cut_stock>(*products);
        orders = std::make_unique<orders::order_service>(
            orders::order_service::needs{.items = items,
                                         .users = users,
                                         .products = *stock,
                                         .time = time,
                                         .random = random,
                                         .keys = *keys,
                                         .measured = measured},
            orders::order_settings{});
        payments = std::make_unique<payments::payment_service>(
            payments::payment_service::needs{items, *orders, *provider, time, random, *keys,
                                             *background, measured, epoch},
            paying);
        orders->use(*payments);
        products->use(*orders);
        if (!listening) return;
        for (const auto& each : {orders::events_of(*orders), payments::events_of(*payments),
                                 products::events_of(*products)})
            if (auto begun =
                    start_consumer(each, store->log(), time, random, measured, *background, {});
                !begun)
                throw std::runtime_error(begun.error().detail);
    }
    void stop() {
        if (!background) return;
        bool stopped = false;
        loop.spawn([&]() -> task<> {
            co_await background->stop();
            stopped = true;
        });
        pump([&] { return stopped; });
        background.reset();
    }

    template <class T>
    static T must(result<T> made) {
        if (!made) throw std::runtime_error(made.error().code + ": " + made.error().detail);
        return *std::move(made);
    }

    // Runs the loop until `holds`. The test's time passes no faster than the machine's meanwhile:
    // whoever waits for a commit must not see a deadline go by.
    void pump(const std::function<bool()>& holds) {
        using steady = std::chrono::steady_clock;
        const auto until = steady::now() + std::chrono::seconds(30);
        while (!holds()) {
            loop.drain();
            const auto now = steady::now();
            if (now > until) throw std::runtime_error("it did not come to hold");
            if (now - moved_ >= milliseconds(1)) {
                time.advance(milliseconds(1));
                moved_ = now;
            }
            std::this_thread::yield();
        }
    }
    // The same for what other calls must bring about.
    void eventually(const std::function<bool()>& holds) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!holds())
            if (std::chrono::steady_clock::now() > until)
                throw std::runtime_error("it did not come to hold");
    }
    template <class Body>
    auto call(Body body) {
        using value = typename std::invoke_result_t<Body&>::value_type;
        std::optional<value> out;
        loop.spawn([&]() -> task<> { out.emplace(co_await body()); });
        pump([&] { return out.has_value(); });
        return *std::move(out);
    }

    request_context as(std::string user, std::string key = {}) {
        request_context out;
        out.caller = {.is = role::customer, .user_id = std::move(user)};
        out.operation = "CreateOrder";
        out.key_from_client = !key.empty();
        out.idempotency_key = key.empty() ? new_id(time, random) : std::move(key);
        out.deadline = time.ticks() + seconds(15);
        return out;
    }
    products::product add(std::int64_t stock_, std::int64_t price_minor = 1'000) {
        products::create_product_request wanted{
            .name = "Thing", .price = {price_minor, {}}, .stock = stock_};
        auto context = as("operator");
        context.request_id = new_id(time, random);
        return must(call([&] { return products->create_product(context, wanted); }));
    }
    result<orders::order> place(const request_context& context, const products::product& of,
                                std::int32_t n, std::optional<std::string> method = {}) {
        orders::create_order_request wanted{.items = {{of.id, n}},
                                            .shipping_address = {"\"Athens\""},
                                            .payment_method = std::move(method)};
        return call([&] { return orders->create_order(context, wanted); });
    }
    orders::order order_of(const std::string& id) {
        request_context shop;
        shop.caller = {.is = role::service};
        return must(call([&] { return orders->get_order(shop, {id}); }));
    }
    std::string payment_state(const std::string& order_id) {
        const auto head = must(call([&] {
            return store->items().get(payments::payments_table,
                                      key_of("id", payments::head_id(order_id)));
        }));
        return head ? std::string(head->text("state")) : std::string();
    }
    void await_status(const std::string& id, orders::order_status wanted) {
        eventually([&] { return order_of(id).status == wanted; });
    }
    products::stock_report stock_of(const products::product& of) {
        return must(call([&] { return products->get_stock(as("operator"), {of.id}); }));
    }
    void sweep() {
        must(call([&] { return orders->sweep({}); }));
        must(call([&] { return payments->sweep({}); }));
        must(call([&] { return products->sweep(); }));
    }

    temporary_directory directory;
    manual_clock time;
    seeded_random random{7};
    metrics measured;
    products::catalogue_index index;
    products::change_board board;
    any_user users;
    test_loop loop;
    std::unique_ptr<sqlite_shop> store, provider_store;
    std::unique_ptr<payment_simulator> simulator;
    std::unique_ptr<gated_provider> provider;
    std::unique_ptr<supervisor> background;
    std::unique_ptr<idempotency_keys> keys;
    std::unique_ptr<products::product_service> products;
    std::unique_ptr<cut_stock> stock;
    std::unique_ptr<orders::order_service> orders;
    std::unique_ptr<payments::payment_service> payments;

 private:
    std::chrono::steady_clock::time_point moved_ = std::chrono::steady_clock::now();
};

}  // namespace stoa::testing
