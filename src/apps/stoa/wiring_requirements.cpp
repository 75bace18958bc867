#include "apps/stoa/wiring_requirements.hpp"

#include "adapters/dynamodb/dynamodb_permissions.hpp"
#include "adapters/kafka/kafka_permissions.hpp"
#include "adapters/outbox/relay.hpp"
#include "adapters/s3/s3_permissions.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sns/sns_permissions.hpp"
#include "adapters/sqs/sqs_permissions.hpp"
#include "apps/stoa/targets.hpp"
#include "apps/stoa/wiring_analytics.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "ports/idempotency.hpp"
#include "services/analytics/analytics_events.hpp"
#include "services/analytics/analytics_store.hpp"
#include "services/analytics/pipeline.hpp"
#include "services/cart/cart_store.hpp"
#include "services/notification/notification_service.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_events.hpp"
#include "services/order/order_store.hpp"
#include "services/payment/payment_events.hpp"
#include "services/payment/payment_store.hpp"
#include "services/product/catalogue_import.hpp"
#include "services/product/product_events.hpp"
#include "services/user/session_store.hpp"
#include "services/user/user_events.hpp"

#include <algorithm>

namespace stoa {
namespace {

constexpr std::int64_t admin_port = 9090;

// What a target's services are given of the stores, besides what every relay and consumer shares.
struct holding {
    target is{};
    std::vector<const kv_table*> tables{};
    std::vector<std::string_view> buckets{}, reads{};  // reads: topics
    bool postgres = false;
};

std::vector<holding> holdings() {
    using enum target;
    std::vector<holding> out;
    out.push_back({.is = gateway});
    out.push_back({.is = user, .tables = {&users::sessions_table}, .postgres = true});
    out.push_back({.is = product,
                   .buckets = {products::imports_bucket, products::images_bucket},
                   .reads = {orders::topic::orders, products::topic::changed,
                             products::topic::images_processed},
                   .postgres = true});
    out.push_back({.is = cart,
                   .tables = {&carts::carts_table, &carts::guards_table, &idempotency_table},
                   .reads = {orders::topic::orders, products::topic::deleted}});
    out.push_back({.is = order,
                   .tables = {&orders::orders_table, &orders::counters_table, &idempotency_table},
                   .reads = {payments::topic::succeeded, payments::topic::failed,
                             payments::topic::closed, payments::topic::refunded}});
    holding pays{.is = payment,
                 .tables = {&payments::payments_table, &idempotency_table},
                 .reads = {orders::topic::payment_requested, orders::topic::close_requested,
                           orders::topic::refund_requested}};
    for (const auto& each : simulator_tables()) pays.tables.push_back(&each);
    out.push_back(std::move(pays));
    out.push_back({.is = notification,
                   .tables = {&notifications::notifications_table},
                   .buckets = {notifications::documents_bucket},
                   .reads = {orders::topic::orders, users::topic::notifications}});
    out.push_back({.is = activity});
    holding windows{.is = analytics,
                    .tables = analytics_tables(),
                    .buckets = {analytics::results_bucket, analytics::state_bucket},
                    .reads = {analytics::topic::results}};
    for (const auto& each : analytics::definitions::built_in().topics())
        windows.reads.push_back(each.name);
    out.push_back(std::move(windows));
    return out;
}

template <class List>
std::vector<std::string> texts(const List& from) {
    return {std::begin(from), std::end(from)};
}
std::vector<std::string> under(std::string_view kind, const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const auto& each : names) out.push_back(std::string(kind) + '/' + each);
    return out;
}
std::vector<std::string> names_of(const std::vector<const kv_table*>& tables) {
    std::vector<std::string> out;
    for (const auto* each : tables) out.emplace_back(each->name);
    return out;
}

required_table described_table(const kv_table& from) {
    required_table out{.name = std::string(from.name), .hash = std::string(from.hash)};
    const auto some = [](std::string_view text) {
        return text.empty() ? std::nullopt : std::optional(std::string(text));
    };
    out.range = some(from.range);
    out.ttl = some(from.ttl);
    out.numbers = texts(from.numbers);
    for (const auto& each : from.indexes)
        out.indexes.push_back({std::string(each.name), std::string(each.hash), some(each.range)});
    return out;
}

// One grant an engine and kind of thing; sorted, so that the same needs are the same text.
class grants {
 public:
    void add(std::span<const std::string_view> actions, std::vector<std::string> resources) {
        if (resources.empty()) return;
        std::ranges::sort(resources);
        all_.push_back({texts(actions), std::move(resources)});
    }
    std::vector<required_grant> take() { return std::move(all_); }

 private:
    std::vector<required_grant> all_;
};

class collected {
 public:
    explicit collected(const settings& from) : tables_(dynamodb_tables_of_shop()) {
        for (const auto& each : shop_buckets()) buckets_.push_back(documented_bucket(each));
        for (const auto& each : shop_topics(from)) {
            if (is_told_by_buckets(each.name)) continue;
            topics_.push_back({std::string(each.name), each.partitions, each.keep.count()});
            topics_.push_back({std::string(each.name) + ".dlq", each.partitions, 0});
        }
    }

    shop_requirements all() {
        shop_requirements out{.topics = topics_, .buckets = buckets_};
        for (const auto* each : tables_) out.tables.push_back(described_table(*each));
        for (const auto& each : setting_keys())
            for (auto& name : variables_of(each))
                out.variables.push_back({std::move(name), std::string(each.name), each.secret});
        for (const auto& each : holdings()) out.roles.push_back(role_of(each));
        out.roles.push_back(migrating());
        out.roles.push_back(auditing());
        out.making = texts(dynamodb::make_actions);
        return out;
    }

 private:
    std::vector<std::string> all_tables() const { return under("table", names_of(tables_)); }
    std::vector<std::string> topics_under(std::string_view kind) const {
        std::vector<std::string> out;
        for (const auto& each : topics_) out.push_back(std::string(kind) + '/' + each.name);
        return out;
    }

    required_role role_of(const holding& from) const {
        const auto& facts = facts_of(from.is);
        required_role out{.name = std::string(facts.name),
                          .service_account = from.is == target::gateway
                                                 ? "api-gateway"
                                                 : std::string(facts.name) + "-service",
                          .http_port = facts.http_port,
                          .admin_port = admin_port,
                          .postgres = from.postgres};
        if (facts.grpc_port) out.grpc_port = facts.grpc_port;
        if (from.is != target::gateway) out.grants = grants_of(from);
        return out;
    }

    std::vector<required_grant> grants_of(const holding& from) const {
        grants out;
        auto own = from.tables;
        // Receipts, parked keys, and the outbox, which every process may bring to the log.
        for (const auto* each : {&parked_table, &outbox_table, &inbox_table, &leases_table})
            own.push_back(each);
        out.add(dynamodb::item_actions, under("table", names_of(own)));
        out.add(dynamodb::check_actions, all_tables());
        if (!from.buckets.empty()) {
            std::vector<std::string> objects;
            for (const auto each : from.buckets)
                objects.push_back("objects/" + documented_bucket(each));
            out.add(s3_object_actions, std::move(objects));
            out.add(s3_check_actions, under("bucket", buckets_));
        }
        out.add(kafka_cluster_actions, {"cluster"});
        out.add(kafka_write_actions, topics_under("topic"));
        // Of the outbox, as the topics.
        out.add(sqs_send_actions, {"order-notifications"});
        out.add(kafka_read_actions, readable(from));
        if (!from.reads.empty())
            out.add(kafka_group_actions, {"group/" + std::string(facts_of(from.is).name)});
        if (from.is == target::notification) out.add(sns_send_actions, {"notifications"});
        return out.take();
    }

    // What it reads, and the letters that a redrive of its group takes up.
    static std::vector<std::string> readable(const holding& from) {
        std::vector<std::string> out;
        for (const auto each : from.reads) {
            out.push_back("topic/" + std::string(each));
            out.push_back("topic/" + std::string(each) + ".dlq");
        }
        return out;
    }

    required_role migrating() const {
        grants out;
        out.add(dynamodb::migrate_actions, all_tables());
        out.add(kafka_cluster_actions, {"cluster"});
        out.add(kafka_make_actions, topics_under("topic"));
        return {.name = "migrate",
                .service_account = "migrate",
                .postgres = true,
                .grants = out.take()};
    }

    required_role auditing() const {
        grants out;
        out.add(dynamodb::scan_actions, all_tables());
        out.add(dynamodb::check_actions, all_tables());
        out.add(s3_check_actions, under("bucket", buckets_));
        out.add(kafka_cluster_actions, {"cluster"});
        out.add(kafka_read_actions, topics_under("topic"));
        std::vector<std::string> groups;
        for (const auto& each : holdings())
            if (!each.reads.empty())
                groups.push_back("group/" + std::string(facts_of(each.is).name));
        out.add(kafka_look_actions, std::move(groups));
        return {
            .name = "audit", .service_account = "audit", .postgres = true, .grants = out.take()};
    }

    std::vector<const kv_table*> tables_;
    std::vector<std::string> buckets_;
    std::vector<required_topic> topics_;
};

}  // namespace

shop_requirements requirements_of(const settings& from) { return collected(from).all(); }

}  // namespace stoa
