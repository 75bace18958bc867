// The saga's first three steps on PostgreSQL, without HTTP: the services order and product, each
// with its transactions on one database, asked by CLIENTS clients at once, each with two products
// of a thousand. Prints `ready` once the products stand and waits for a line, so that whoever
// measures the server counts orders alone; then one line of JSON. What comes after the third step
// (events, payments) is written, as ever, and read by nobody.
//
//   order_steps POSTGRES_URL CLIENTS SECONDS [CONNECTIONS]
#include "adapters/outbox/outbox.hpp"
#include "adapters/postgres/postgres_store.hpp"
#include "adapters/system/system_clock.hpp"
#include "embedded/product_migrations.hpp"
#include "ports/idempotency.hpp"
#include "services/order/order_operations.hpp"
#include "services/product/product_operations.hpp"
#include "services/product/product_service.hpp"
#include "support/test_loop.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace stoa {
namespace {

constexpr int products_in_all = 1'000, customers = 10'000;

// Users are not of the three steps' transactions: everybody exists.
class everybody final : public users::directory {
 public:
    task<result<users::user>> get_user(request_context, users::get_user_request wanted) override {
        co_return users::user{.id = std::move(wanted.id)};
    }
    task<result<principal>> authenticate(std::string) override {
        co_return fail(errc::unauthenticated, "not_here");
    }
};

template <class T>
T must(result<T> made) {
    if (!made) throw std::runtime_error(made.error().code + ": " + made.error().detail);
    return *std::move(made);
}

std::int64_t cpu_us() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto us = [](timeval t) { return t.tv_sec * 1'000'000L + t.tv_usec; };
    return us(used.ru_utime) + us(used.ru_stime);
}

postgres_options options_of(std::string url, std::size_t connections) {
    postgres_options out{
        .server = {.url = std::move(url)},
        .tables = {&idempotency_table, &orders::orders_table, &orders::counters_table},
        .connections = connections};
    sql_component product{"product", {}};
    for (const auto& file : embedded::product_migrations())
        product.steps.push_back({std::string(file.name), std::string(file.content)});
    out.migrations = {std::move(product)};
    for (const auto name :
         {orders::topic::orders, orders::topic::payment_requested, orders::topic::close_requested,
          orders::topic::refund_requested, products::topic::deleted, products::topic::changed,
          products::topic::images_processed})
        out.topics.emplace_back(name);
    return out;
}

class steps {
 public:
    steps(std::string url, std::size_t connections)
        : store_(must(postgres_store::open(options_of(std::move(url), connections), time_))),
          items_(store_->items(), time_) {
        for (int i = 0; i < products_in_all; ++i) add(i);
    }

    void run(int clients, std::chrono::seconds how_long) {
        const auto cpu = cpu_us();
        const auto began = std::chrono::steady_clock::now(), end = began + how_long;
        const auto trips = store_->counters().round_trips.load();
        int ended = 0;
        std::int64_t orders = 0;
        for (int i = 0; i < clients; ++i)
            loop_.spawn([&]() -> task<> {
                while (std::chrono::steady_clock::now() < end) {
                    must(co_await orders_.create_order(anybody(), two_products()));
                    ++orders;
                }
                ++ended;
            });
        if (!loop_.run_until([&] { return ended == clients; }, how_long + std::chrono::seconds(30)))
            throw std::runtime_error("the orders did not come to an end");
        const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began);
        std::printf(R"({"orders": %lld, "per_s": %.0f, "cpu_us": %.1f, "round_trips": %.2f, )"
                    R"("conflicts": %llu})"
                    "\n",
                    static_cast<long long>(orders), static_cast<double>(orders) / took.count(),
                    static_cast<double>(cpu_us() - cpu) / static_cast<double>(orders),
                    static_cast<double>(store_->counters().round_trips.load() - trips) /
                        static_cast<double>(orders),
                    static_cast<unsigned long long>(store_->counters().conflicts.load()));
    }

 private:
    request_context anybody() {
        request_context out;
        out.caller = {.is = role::customer,
                      .user_id = "customer-" + std::to_string(random_.below(customers))};
        out.operation = "CreateOrder";
        out.key_from_client = true;
        out.idempotency_key = new_id(time_, random_);
        out.deadline = time_.ticks() + seconds(15);
        return out;
    }
    orders::create_order_request two_products() {
        const auto half = static_cast<std::uint64_t>(products_in_all / 2);
        return {.items = {{ids_[random_.below(half)], 1}, {ids_[half + random_.below(half)], 1}},
                .shipping_address = {R"({"street":"1 Bench Way","city":"Athens","country":"GR"})"}};
    }
    void add(int n) {
        auto by = anybody();
        by.caller.is = role::operator_;
        by.operation = "CreateProduct";
        by.request_id = by.idempotency_key;
        auto made = must(loop_.run([&] {
            return products_.create_product(
                by,
                {.name = "Thing " + std::to_string(n), .price = {1'250, {}}, .stock = 1'000'000});
        }));
        ids_.push_back(std::move(made.id));
    }

    testing::test_loop loop_;
    system_clock time_;
    system_random random_;
    metrics measured_;
    everybody users_;
    std::unique_ptr<postgres_store> store_;
    outboxed_items items_;
    products::catalogue_index index_;
    products::change_board board_;
    idempotency_keys keys_{items_, time_, "bench", true};
    products::product_service products_{{store_->database(), index_, board_, time_, random_}, {}};
    orders::order_service orders_{{.items = items_,
                                   .users = users_,
                                   .products = products_,
                                   .time = time_,
                                   .random = random_,
                                   .keys = keys_,
                                   .measured = measured_},
                                  {}};
    std::vector<std::string> ids_;
};

}  // namespace
}  // namespace stoa

int main(int count, char** words) {
    if (count < 4 || count > 5) {
        std::fputs("usage: order_steps POSTGRES_URL CLIENTS SECONDS [CONNECTIONS]\n", stderr);
        return 2;
    }
    try {
        stoa::steps all(words[1], count > 4 ? static_cast<std::size_t>(std::atoi(words[4])) : 16);
        std::puts("ready");
        std::fflush(stdout);
        while (std::getchar() != '\n' && std::feof(stdin) == 0) {
        }
        all.run(std::atoi(words[2]), std::chrono::seconds(std::atoi(words[3])));
    } catch (const std::exception& failed) {
        std::fprintf(stderr, "order_steps: %s\n", failed.what());
        return 1;
    }
}
