#include "apps/stoa/wiring_engines.hpp"

#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/wiring_analytics.hpp"
#include "embedded/product_migrations.hpp"
#include "embedded/user_migrations.hpp"
#include "ports/idempotency.hpp"
#include "services/activity/activity_events.hpp"
#include "services/cart/cart_store.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_events.hpp"
#include "services/payment/payment_store.hpp"
#include "services/product/product_events.hpp"
#include "services/user/session_store.hpp"
#include "services/user/user_events.hpp"

namespace stoa {
namespace {

std::vector<sql_migration> steps_of(std::span<const embedded_file> files) {
    std::vector<sql_migration> out;
    for (const auto& file : files)
        out.push_back({std::string(file.name), std::string(file.content)});
    return out;
}

}  // namespace

std::vector<sql_component> shop_migrations() {
    return {{"user", steps_of(embedded::user_migrations())},
            {"product", steps_of(embedded::product_migrations())}};
}

std::vector<const kv_table*> shop_tables() {
    std::vector<const kv_table*> out{
        &users::sessions_table,    &idempotency_table,
        &carts::carts_table,       &carts::guards_table,
        &orders::orders_table,     &orders::counters_table,
        &payments::payments_table, &notifications::notifications_table};
    for (const auto* each : analytics_tables()) out.push_back(each);
    return out;
}

namespace {
constexpr topic_spec topic_of_objects{.name = products::topic::objects_created,
                                      .keep = hours(24 * 7)};
}  // namespace

bool is_told_by_buckets(std::string_view topic) {
    if (topic.ends_with(".dlq")) topic.remove_suffix(4);
    return topic == topic_of_objects.name;
}

std::vector<topic_spec> shop_topics(const settings& from) {
    std::vector<topic_spec> out;
    for (const auto name :
         {orders::topic::orders, orders::topic::payment_requested, orders::topic::close_requested,
          orders::topic::refund_requested, payments::topic::succeeded, payments::topic::failed,
          payments::topic::closed, payments::topic::refunded, products::topic::deleted,
          products::topic::changed, products::topic::images_processed})
        out.push_back({.name = name});
    if (from.text("event_log") == "sqlite") out.push_back(topic_of_objects);
    // They carry tokens, which are worth nothing after a day.
    out.push_back({.name = users::topic::notifications, .keep = hours(24)});
    out.push_back(
        {.name = activities::topic::raw_events, .keep = hours(24 * from.number("raw_event_days"))});
    for (const auto& each : analytics_topics()) out.push_back(each);
    return out;
}

sqlite_options shop_options(const settings& from, const std::string& directory) {
    auto topics = shop_topics(from);
    if (from.text("event_log") != "sqlite") topics.push_back(topic_of_objects);
    return {.directory = directory,
            .migrations = shop_migrations(),
            .tables = shop_tables(),
            .topics = std::move(topics),
            .shop_currency = from.currency("currency")};
}

sqlite_options provider_options(const settings& from, const std::string& directory) {
    sqlite_options out{.directory = directory, .shop_currency = from.currency("currency")};
    for (const auto& table : simulator_tables()) out.tables.push_back(&table);
    return out;
}

namespace {

result<bool> all_embedded(const settings& from) {
    if (from.text("sql") == "sqlite" && from.text("key_value") == "sqlite" &&
        from.text("event_log") == "sqlite") {
        if (from.given("sqs_queue_url"))
            return fail(errc::invalid, "bad_setting",
                        "`sqs_queue_url` (SQS_QUEUE_URL) is for a shop whose events leave it: it "
                        "goes with event_log = kafka, not sqlite");
        return true;
    }
    // One transaction of the embedded store has the event in its log; a log of another system
    // needs an outbox, which the embedded store has not.
    for (const auto* key : {"sql", "key_value", "event_log"})
        if (from.text(key) == "sqlite")
            return fail(errc::invalid, "bad_setting",
                        "`" + std::string(key) +
                            " = sqlite` goes with sqlite for sql, key_value and event_log only: "
                            "choose an engine that other processes can reach for it, or sqlite for "
                            "all three");
    return false;
}

}  // namespace

result<std::unique_ptr<engines>> engines::open(const settings& from, needs ports) {
    STOA_TRY(const bool embedded, all_embedded(from));
    return embedded ? open_embedded_engines(from, std::move(ports))
                    : open_remote_engines(from, std::move(ports));
}

result<std::vector<std::string>> engines::make(const settings& from) {
    STOA_TRY(const bool embedded, all_embedded(from));
    system_clock time;
    system_random random;
    loop_set loops(1);
    blocking_pool files("files", 2, 16);
    // Whatever this process would serve: a job makes it all.
    STOA_TRY(const auto whole, from.with({{"target", "all"}}));
    STOA_TRY(const auto targets, target_set::read(whole));
    needs ports{loops, time, random, files, new_id(time, random), targets};
    if (!embedded) return make_remote_engines(from, std::move(ports));
    STOA_TRY(const auto opened, open_embedded_engines(from, std::move(ports)));
    opened->close();
    return std::vector{from.text("data_dir") + " is at this version's schema"};
}

}  // namespace stoa
