// The cart service on the real embedded engine, through its operation rows and its event handlers.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "services/cart/cart_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace stoa::carts::testing {

using namespace stoa::testing;

constexpr currency_code eur{{'E', 'U', 'R'}};

class fake_products final : public products::stock_keeper {
 public:
    task<result<products::quote>> quote_products(request_context context,
                                                 products::quote_request wanted) override {
        callers.push_back(context.caller.is);
        if (down) co_return fail(errc::timeout, "slow");
        products::quote out;
        for (const auto& id : wanted.product_ids)
            if (const auto found = shelf.find(id); found != shelf.end())
                out.products.push_back(found->second);
        if (after_quote) co_await after_quote();
        co_return out;
    }
    task<result<products::hold_outcome>> hold(request_context, products::hold_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    void stock(const std::string& id, std::int64_t price_minor, std::int64_t units,
               currency_code currency = eur) {
        shelf[id] = {.id = id,
                     .sku = "SKU-" + id,
                     .name = "Product " + id,
                     .price = {price_minor, currency},
                     .currency = currency,
                     .stock = units};
    }

    std::map<std::string, products::product> shelf;
    std::vector<role> callers;
    bool down = false;
    std::function<task<>()> after_quote;
};

// Keeps idempotency as the real one does: one key, one order.
class fake_orders final : public orders::book {
 public:
    fake_orders(key_value& items, idempotency_keys& keys) : items_(items), keys_(keys) {}
    task<result<orders::order>> create_order(request_context context,
                                             orders::create_order_request wanted) override {
        STOA_CO_TRY(const auto known, co_await keys_.look_up(context));
        if (known) co_return orders::order{};
        asked.push_back(wanted);
        if (on_placed) co_await on_placed(wanted);
        orders::order made{.id = "order-" + std::to_string(asked.size()),
                           .user_id = context.caller.user_id};
        write_set in;
        keys_.record(in, context, made.id, 201, to_json(made));
        STOA_CO_TRY_VOID(co_await items_.write(std::move(in)));
        *context.reply = {.status = 201, .body = to_json(made)};
        co_return made;
    }
    task<result<orders::order>> get_order(request_context, orders::get_order_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order_list>> list_orders(request_context,
                                                 orders::list_orders_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    task<result<orders::order>> begin_attempt(request_context,
                                              orders::begin_attempt_request) override {
        co_return fail(errc::internal, "not_asked");
    }
    std::vector<orders::create_order_request> asked;
    std::function<task<>(const orders::create_order_request&)> on_placed;  // before its answer

 private:
    key_value& items_;
    idempotency_keys& keys_;
};

// Fails the n-th write from now as an engine does that lost its disk for a moment.
class failing_writes final : public key_value {
 public:
    explicit failing_writes(key_value& inner) : inner_(inner) {}
    task<result<std::optional<item>>> get(const kv_table& table, item key) override {
        return inner_.get(table, std::move(key));
    }
    task<result<kv_page>> query(kv_query what) override { return inner_.query(std::move(what)); }
    task<result<write_outcome>> write(write_set what) override {
        writes.push_back(what.writes.size());
        if (fail_in > 0 && --fail_in == 0) co_return fail(errc::unavailable, "storage_unavailable");
        co_return co_await inner_.write(std::move(what));
    }
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override {
        return inner_.scan(table, std::move(after), limit);
    }
    int fail_in = 0;
    std::vector<std::size_t> writes;

 private:
    key_value& inner_;
};

struct reply {
    error wrong;
    std::string body;
    int status = 0;
    bool replayed = false;

    bool ok() const { return wrong.code.empty(); }
    cart as_cart() const { return from_json<cart>(body, eur).value(); }
};

constexpr topic_spec topics[] = {{.name = "orders", .partitions = 1},
                                 {.name = "product.deleted", .partitions = 1}};

class cart_service_test : public ::testing::Test {
 protected:
    cart_service_test() {
        auto opened =
            sqlite_shop::open({.directory = directory_.path(),
                               .tables = {&carts_table, &guards_table, &idempotency_table},
                               .topics = {std::begin(topics), std::end(topics)}},
                              clock_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        items_.emplace(shop_->items());
        keys_.emplace(*items_, clock_, "epoch-1", true);
        orders_.emplace(*items_, *keys_);
        carts_.emplace(cart_service::needs{*items_, products_, *orders_, clock_, *keys_},
                       cart_settings{.shop_currency = eur});
        products_.stock("apple", 150, 10);
        products_.stock("pear", 99, 1'000'000);
    }
    ~cart_service_test() override { shop_->close(); }

    // As the transport does it: read, check the rules, call the row.
    reply call(std::string_view rpc, std::string body = "{}", std::string user = "ada",
               std::string key = {}) {
        const auto rows = operations_of(*carts_).operations;
        const auto row = std::ranges::find(rows, rpc, &operation::rpc);
        if (row == rows.end()) throw std::runtime_error("no such operation");
        record_box request(*row->request);
        auto found = read_json(body, *row->request, request.get(), eur);
        if (found.empty()) check_rules(found, *row->request, request.get());
        if (!found.empty()) return {invalid_request(std::move(found))};
        request_context context{
            .caller = {.is = user.empty() ? role::service : role::customer, .user_id = user},
            .operation = std::string(row->rpc),
            .idempotency_key = key.empty() ? "made-" + std::to_string(++calls_) : key,
            .key_from_client = !key.empty(),
            .request_hash = stable_hash(body)};
        return loop_.run([&]() -> task<reply> {
            auto answer =
                co_await row->call(static_cast<api*>(&*carts_), context, std::move(request));
            if (!answer) co_return reply{answer.error()};
            reply out{.status = context.reply->status ? context.reply->status : row->success,
                      .replayed = context.reply->replayed};
            if (!context.reply->body.empty()) out.body = context.reply->body;
            else write_json(out.body, answer->of(), answer->get());
            co_return out;
        });
    }
    reply add(const std::string& product, int quantity, const std::string& user = "ada",
              const std::string& key = {}) {
        return call(
            "AddCartItem",
            R"({"product_id":")" + product + R"(","quantity":)" + std::to_string(quantity) + "}",
            user, key);
    }
    cart of(const std::string& user = "ada") {
        auto shown = call("GetCart", "{}", user);
        EXPECT_TRUE(shown.ok()) << shown.wrong.detail;
        return shown.as_cart();
    }
    // product:quantity of a user's lines, in product order.
    std::vector<std::string> lines(const std::string& user = "ada") {
        std::vector<std::string> out;
        for (const auto& each : of(user).items)
            out.push_back(each.product_id + ':' + std::to_string(each.quantity));
        std::ranges::sort(out);
        return out;
    }
    static delivery told(std::string topic, std::string id, std::int64_t offset = 0) {
        return {.group = "cart",
                .offset = offset,
                .message = {.topic = std::move(topic), .key = "k", .id = std::move(id)}};
    }
    using goods = std::vector<std::pair<std::string, int>>;
    static orders::order_event order_of(const std::string& id, const goods& bought,
                                        const std::string& user) {
        orders::order_event out{.order_id = "o-" + id, .user_id = user};
        for (const auto& [product, n] : bought)
            out.items.push_back({.product_id = product, .quantity = n});
        return out;
    }
    // The order that event `id` will say was paid.
    void placed(const std::string& id, const goods& bought, const std::string& user = "ada") {
        placed_.insert(id);
        auto what = order_of(id, bought, user);
        what.created_at = clock_.now();
        ASSERT_TRUE(loop_.run([&] {
            return carts_->on_order_created(told("orders", "placed-" + id, ++offset_), what);
        }));
    }
    result<void> paid(const std::string& id, const goods& bought, const std::string& user = "ada",
                      std::optional<std::string> placed_by = {}) {
        if (!placed_.contains(id)) placed(id, bought, placed_by.value_or(user));
        auto what = order_of(id, bought, user);
        what.placed_by = std::move(placed_by);
        return loop_.run(
            [&] { return carts_->on_order_paid(told("orders", id, ++offset_), what); });
    }
    result<void> deleted(const std::string& product, std::int64_t version = 0) {
        products_.shelf[product].is_active = false;
        auto what = told("product.deleted", "d-" + product, ++offset_);
        what.message.version = version;
        return loop_.run([&] { return carts_->on_product_deleted(what, {product}); });
    }
    result<void> restored(const std::string& product, std::int64_t version) {
        products_.shelf[product].is_active = true;
        auto what = told("product.deleted", "r-" + product, ++offset_);
        what.message.version = version;
        return loop_.run([&] { return carts_->on_product_restored(what, {product}); });
    }
    int sweep() {
        return loop_.run([&] { return carts_->sweep({}); }).value();
    }
    std::string many_lines(int n) {
        std::string body = R"({"items":[)";
        for (int i = 0; i < n; ++i) {
            const auto id = "p" + std::to_string(i);
            products_.stock(id, 100, 1'000);
            if (i) body += ',';
            body += R"({"product_id":")" + id + R"(","quantity":2})";
        }
        return body + "]}";
    }
    static constexpr const char* address =
        R"({"shipping_address":{"street":"1 Main St","city":"Bern","country":"CH"}})";

    testing::temporary_directory directory_;
    testing::manual_clock clock_;
    testing::test_loop loop_;
    fake_products products_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<failing_writes> items_;
    std::optional<idempotency_keys> keys_;
    std::optional<fake_orders> orders_;
    std::optional<cart_service> carts_;
    int calls_ = 0;
    std::int64_t offset_ = 0;
    std::set<std::string> placed_;
};

}  // namespace stoa::carts::testing
