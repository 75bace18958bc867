// A shop of many paid orders, written straight into the stores: for measuring `stoa audit`,
// `backup` and `restore`, which nobody would wait for a million checkouts for.
//
//   bench_audit DIRECTORY ORDERS        then: stoa audit --data-dir DIRECTORY
//
// Every order has two lines, a hold, movements, a captured payment with its intent, four events and
// two mails; every tenth an idempotency key, every twentieth customer a cart.
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sqlite/sqlite_records.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/wiring.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "ports/idempotency.hpp"
#include "ports/item_codec.hpp"
#include "services/cart/cart_store.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_events.hpp"
#include "services/payment/payment_store.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>

namespace stoa {
namespace {

constexpr int products = 4'000, customers = 20'000, partitions = 4;
constexpr std::int64_t stock_of_each = 10'000'000;
const currency_code euro = *read_currency("EUR");

void must(result<void> done) {
    if (!done) throw std::runtime_error(done.error().code + ": " + done.error().detail);
}

// Ids as a process makes them: in the order of their time, unlike each other.
struct ids {
    std::uint64_t state;
    timestamp at;
    std::string next() {
        state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
        return uuid_v7(at, stable_hash(std::to_string(state)), state);
    }
};

class big_shop {
 public:
    big_shop(const settings& from, std::int64_t orders) : from_(from), orders_(orders) {}

    void make() {
        const auto& directory = from_.text("data_dir");
        {
            // The schema's own record of itself.
            const auto opened = shop::open(from_);
            if (!opened) throw std::runtime_error(opened.error().detail);
        }
        std::filesystem::remove(directory + "/shop.db");
        std::filesystem::remove(directory + "/provider/shop.db");
        fill(shop_options(from_, directory), true);
        fill(provider_options(from_, directory + "/provider"), false);
    }

 private:
    void section(const std::string& kind, const std::string& name,
                 const std::function<void()>& records) {
        std::fprintf(stderr, "%s %s\n", kind.c_str(), name.c_str());
        must(into_->begin({kind, name}));
        records();
    }
    void add(const item& one) {
        record_.clear();
        encode_item(record_, one);
        must(into_->add(record_));
    }
    template <class T>
    void put(const T& one) {
        add(to_item(one));
    }
    template <class Each>
    void every(std::int64_t step, Each each) {
        for (std::int64_t i = 0; i < orders_; i += step) each(i);
    }

    timestamp time_of(std::int64_t order) const { return {1'790'000'000'000'000 + order * 40'000}; }
    // The ids of one order, the same whenever they are asked for.
    struct named {
        std::string order, payment, intent, user;
        std::string events[4];
        std::string lines[2];
    };
    named names(std::int64_t i) const {
        ids made{static_cast<std::uint64_t>(i) * 977 + 1, time_of(i)};
        named out;
        out.order = made.next();
        out.payment = made.next();
        out.intent = "pi_" + made.next();
        for (auto& each : out.events) each = made.next();
        out.user = user(i % customers);
        out.lines[0] = product(i % products);
        out.lines[1] = product((i * 7 + 1) % products);
        if (out.lines[0] == out.lines[1]) out.lines[1] = product((i + 1) % products);
        return out;
    }
    static std::string product(std::int64_t n) {
        return uuid_v7({1'780'000'000'000'000 + n * 1'000}, static_cast<std::uint64_t>(n), 5);
    }
    static std::string user(std::int64_t n) {
        return uuid_v7({1'781'000'000'000'000 + n * 1'000}, static_cast<std::uint64_t>(n), 6);
    }

    orders::order_record order(std::int64_t i) const {
        const auto of = names(i);
        orders::order_record out;
        out.id = out.order_id = of.order;
        out.user_id = of.user;
        out.status = orders::order_status::paid;
        for (const auto& each : of.lines)
            out.items.push_back({each,
                                 "SKU-" + each.substr(0, 8),
                                 "A thing of some kind",
                                 2,
                                 {1'250, euro},
                                 {2'500, euro}});
        out.total_amount = out.captured_amount = {5'000, euro};
        out.refunded_amount = {0, euro};
        out.currency = euro;
        out.shipping_address = {R"({"street":"1 Stoa Way","city":"Athens","country":"GR"})"};
        out.payment_id = of.payment;
        out.payment_due_at = time_of(i) + minutes(15);
        out.created_at = out.updated_at = time_of(i);
        out.version = 3;
        return out;
    }

    struct told {
        std::string topic, type, id, payload;
        std::int64_t version;
    };
    std::vector<told> events(std::int64_t i) const {
        const auto of = names(i);
        const auto one = order(i);
        const auto of_order = [&](const char* type, const std::string& id) {
            orders::order_event out;
            out.id = id;
            out.order_id = one.id;
            out.user_id = one.user_id;
            out.total_amount = one.total_amount;
            out.currency = euro;
            out.status = one.status;
            out.items = one.items;
            out.event_type = type;
            out.created_at = out.occurred_at = one.created_at;
            return to_json(out);
        };
        const orders::payment_requested asked{.order_id = one.id,
                                              .user_id = one.user_id,
                                              .total = one.total_amount,
                                              .currency = euro,
                                              .method = "credit_card",
                                              .due_at = one.created_at};
        const payments::payment_succeeded paid{one.id,           of.payment, one.user_id, 1,
                                               one.total_amount, euro,       of.intent};
        return {
            {"orders", "order.created", of.events[0], of_order("order.created", of.events[0]), 2},
            {"payment.requested", "payment.requested", of.events[1], to_json(asked, naming::camel),
             2},
            {"payment.succeeded", "payment.succeeded", of.events[2], to_json(paid, naming::camel),
             3},
            {"orders", "order.paid", of.events[3], of_order("order.paid", of.events[3]), 3}};
    }

    void fill(const sqlite_options& options, bool whole) {
        auto opened = sqlite_loader::open(options, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        into_ = *std::move(opened);
        if (whole) {
            schema(options);
            catalogue();
            items();
            log();
        } else {
            section("schema", "migrations", [] {});
            intents();
        }
        must(into_->finish());
    }

    void schema(const sqlite_options& options) {
        section("schema", "migrations", [&] {
            for (const auto& component : options.migrations)
                for (std::size_t n = 0; n < component.steps.size(); ++n) {
                    item one;
                    one.set("component", component.name);
                    one.set("version", static_cast<std::int64_t>(n + 1));
                    one.set("name", component.steps[n].name);
                    one.set("checksum",
                            static_cast<std::int64_t>(stable_hash(component.steps[n].text)));
                    add(one);
                }
        });
    }

    void movement(const std::string& of, std::int64_t delta, const char* reason,
                  const std::string& reference) {
        item one;
        one.set("product_id", of);
        one.set("delta", delta);
        one.set("reason", reason);
        one.set("reference", reference);
        one.set("created_at", rfc3339(time_of(0)));
        add(one);
    }
    void catalogue() {
        std::map<std::string, std::int64_t> sold;
        section("rows", "stock_movements", [&] {
            for (int n = 0; n < products; ++n) movement(product(n), stock_of_each, "initial", "i");
            every(1, [&](std::int64_t i) {
                const auto of = names(i);
                for (const auto& each : of.lines) {
                    movement(each, -2, "sold", of.order);
                    sold[each] += 2;
                }
            });
        });
        section("rows", "products", [&] {
            for (int n = 0; n < products; ++n) {
                item one;
                for (const auto* name : {"name", "description", "category"})
                    one.set(name, "A thing of some kind");
                one.set("id", product(n));
                one.set("sku", "SKU-" + std::to_string(n));
                one.set("price", 1'250);
                one.set("currency", "EUR");
                one.set("on_hand", stock_of_each - sold[product(n)]);
                one.set("created_at", rfc3339(time_of(0)));
                one.set("updated_at", rfc3339(time_of(0)));
                add(one);
            }
        });
        section("rows", "holds", [&] {
            every(1, [&](std::int64_t i) {
                item one;
                one.set("order_id", names(i).order);
                one.set("status", "committed");
                one.set("outcome", R"({"status":"held","refused":[]})");
                for (const auto* name : {"due_at", "created_at", "updated_at"})
                    one.set(name, rfc3339(time_of(i)));
                add(one);
            });
        });
        section("rows", "hold_lines", [&] {
            every(1, [&](std::int64_t i) {
                const auto of = names(i);
                for (const auto& each : of.lines) {
                    item one;
                    one.set("order_id", of.order);
                    one.set("product_id", each);
                    one.set("quantity", 2);
                    add(one);
                }
            });
        });
    }

    void items() {
        section("items", std::string(orders::orders_table.name),
                [&] { every(1, [&](std::int64_t i) { put(order(i)); }); });
        section("items", std::string(orders::counters_table.name), [&] {
            item one = key_of("name", "orders:0");
            one.set("paid", orders_);
            add(one);
        });
        section("items", std::string(payments::payments_table.name),
                [&] { every(1, [&](std::int64_t i) { payment(i); }); });
        section("items", std::string(idempotency_table.name), [&] {
            every(10, [&](std::int64_t i) {
                const auto one = order(i);
                put(idempotency_record{
                    .scope_key = "user:" + one.user_id + "|CreateOrder|" + one.id,
                    .request_hash = "1",
                    .subject = one.id,
                    .state = idempotency_state::done,
                    .status = 201,
                    .body = to_json<orders::order>(one),
                    .expires_at = 4'000'000'000});
            });
        });
        section("items", std::string(notifications::notifications_table.name),
                [&] { every(1, [&](std::int64_t i) { mails(i); }); });
        section("items", std::string(carts::carts_table.name), [&] {
            for (int n = 0; n < customers; n += 20)
                for (int line = 0; line < 5; ++line)
                    put(carts::line{.user_id = user(n),
                                    .product_id = product((n + line) % products),
                                    .quantity = 1,
                                    .added_at = time_of(orders_ + 1),
                                    .price_seen = {1'250, euro},
                                    .currency = euro,
                                    .expires_at = 4'000'000'000});
        });
    }
    void payment(std::int64_t i) {
        const auto of = names(i);
        const auto at = time_of(i);
        put(payments::payment_head{.id = payments::head_id(of.order),
                                   .order_id = of.order,
                                   .user_id = of.user,
                                   .amount = {5'000, euro},
                                   .currency = euro,
                                   .state = payments::head_state::captured,
                                   .method = "credit_card",
                                   .payment_id = of.payment,
                                   .intent_id = of.intent,
                                   .created_at = at,
                                   .updated_at = at});
        put(payments::payment{.id = of.payment,
                              .payment_id = of.payment,
                              .order_id = of.order,
                              .user_id = of.user,
                              .amount = {5'000, euro},
                              .currency = euro,
                              .status = payments::payment_status::succeeded,
                              .method = "credit_card",
                              .transaction_id = of.intent,
                              .created_at = at,
                              .updated_at = at});
    }
    void mails(std::int64_t i) {
        for (const auto& each : events(i)) {
            if (each.topic != "orders") continue;
            notifications::notification_record one;
            one.event_id = each.id;
            one.channel = "email";
            one.event_type = each.type;
            one.order_id = names(i).order;
            one.user_id = names(i).user;
            one.to = "somebody@example.com";
            one.subject = "Your shop: Your order has been received";
            one.body = std::string(700, 'x');
            one.status = notifications::notification_status::sent;
            one.created_at = one.updated_at = time_of(i);
            one.sent_at = time_of(i);
            put(one);
        }
    }

    void log() {
        std::map<std::pair<std::string, int>, std::int64_t> ends;
        for (const auto* topic : {"orders", "payment.requested", "payment.succeeded"})
            section("events", topic, [&] {
                every(1, [&](std::int64_t i) {
                    const auto key = names(i).order;
                    const int partition = partition_of(key, partitions);
                    for (auto& each : events(i)) {
                        if (each.topic != topic) continue;
                        item one;
                        one.set("partition", std::int64_t{partition});
                        one.set("offset", ends[{each.topic, partition}]++);
                        one.set("accepted_at", time_of(i).micros);
                        one.set("key", key);
                        one.set("id", each.id);
                        one.set("type", each.type);
                        one.set("version", each.version);
                        one.set("occurred_at", time_of(i).micros);
                        one.set("traceparent", "");
                        one.set("payload", std::move(each.payload));
                        add(one);
                    }
                });
            });
        section("log", "consumers", [&] {
            for (const auto& [where, end] : ends)
                for (const auto* group : {"product", "cart", "notification", "order", "payment"}) {
                    item one;
                    one.set("group", group);
                    one.set("topic", where.first);
                    one.set("partition", std::int64_t{where.second});
                    one.set("next", end);
                    add(one);
                }
        });
    }

    void intents() {
        section("items", "simulator-intents", [&] {
            every(1, [&](std::int64_t i) {
                const auto of = names(i);
                item told;
                told.set("id", of.intent);
                told.set("status", "succeeded");
                told.set("amount", 5'000);
                told.set("currency", "EUR");
                told.set("reference", of.order);
                item one = key_of("id", of.intent);
                one.set("intent", std::move(told));
                one.set("method", "credit_card");
                one.set("refunded", 0);
                one.set("currency", "EUR");
                one.set("version", 2);
                add(one);
            });
        });
    }

    const settings& from_;
    std::int64_t orders_;
    system_clock time_;
    std::unique_ptr<sqlite_loader> into_;
    std::string record_;
};

int run(int count, char** words) {
    if (count != 3) {
        std::fputs("bench_audit DIRECTORY ORDERS: writes a shop that size; then run stoa audit\n",
                   stderr);
        return 2;
    }
    const char* const nothing[] = {nullptr};
    const auto from = settings::load({{"data_dir", words[1]}}, nothing, "");
    if (!from) throw std::runtime_error(from.error().detail);
    big_shop(*from, std::atoll(words[2])).make();
    return 0;
}

}  // namespace
}  // namespace stoa

int main(int count, char** words) {
    try {
        return stoa::run(count, words);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
