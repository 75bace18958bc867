#include "apps/stoa/wiring_options.hpp"

#include "adapters/outbox/relay.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "apps/stoa/wiring_msk.hpp"
#include "services/analytics/analytics_store.hpp"
#include "services/notification/notification_service.hpp"
#include "services/product/catalogue_import.hpp"

namespace stoa {

error bad_setting(std::string_view key, const std::string& what) {
    return {.kind = errc::invalid,
            .code = "bad_setting",
            .detail = '`' + std::string(key) + "` " + what};
}

result<postgres_address> postgres_of(const settings& from) {
    postgres_address out{.url = from.text("database_url"),
                         .password = from.text("db_password"),
                         .ssl_mode = from.text("db_ssl_mode"),
                         .ssl_root_cert = from.text("db_ssl_root_cert")};
    if (!out.url.empty()) return out;
    if (!from.given("db_host"))
        return fail(bad_setting("sql",
                                "= postgres needs `database_url` (DATABASE_URL), or "
                                "`db_host` with `db_name` and `db_user`"));
    for (const auto* key : {"db_name", "db_user"})
        if (!from.given(key)) return fail(bad_setting(key, "is needed with `db_host`"));
    const auto quoted = [](const std::string& text) {
        std::string value = "'";
        for (const char c : text) {
            if (c == '\'' || c == '\\') value += '\\';
            value += c;
        }
        return value + '\'';
    };
    out.url = "host=" + quoted(from.text("db_host")) + " port=" + from.text("db_port") +
              " dbname=" + quoted(from.text("db_name")) + " user=" + quoted(from.text("db_user"));
    return out;
}

result<rpc::tls_identity> identity_of(const settings& from, timestamp now) {
    STOA_TRY(auto read,
             rpc::read_tls_identity({.grpc_certificate_file = from.text("grpc_certificate_file"),
                                     .grpc_key_file = from.text("grpc_key_file"),
                                     .grpc_ca_file = from.text("grpc_ca_file")},
                                    now));
    if (!read.certificate.empty() && from.text("edges") == "http")
        return fail(bad_setting("edges",
                                "= http carries what services ask each other in plain text, and "
                                "`grpc_certificate_file` would do nothing: set edges to grpc, or "
                                "take the certificate out"));
    return read;
}

result<kafka_options> kafka_of(const settings& from) {
    if (!from.given("kafka_brokers"))
        return fail(
            bad_setting("event_log", "= kafka needs `kafka_brokers` (KAFKA_BOOTSTRAP_SERVERS)"));
    kafka_options out{
        .brokers = from.text("kafka_brokers"),
        .protocol = from.text("kafka_security_protocol"),
        .mechanism = from.text("kafka_sasl_mechanism"),
        .username = from.text("kafka_sasl_username"),
        .password = from.text("kafka_sasl_password"),
        .ca_file = from.text("kafka_ssl_ca_file"),
        .certificate_file = from.text("kafka_ssl_certificate_file"),
        .key_file = from.text("kafka_ssl_key_file"),
        .instance_id = from.text("kafka_group_instance_id"),
        .prefix = from.text("kafka_topic_prefix"),
        .topics = shop_topics(from),
        .replication = static_cast<int>(from.number("kafka_replication_factor")),
        .min_insync = static_cast<int>(from.number("kafka_min_insync_replicas")),
    };
    if (out.mechanism != msk_iam) return out;
    if (!from.given("aws_region"))
        return fail(bad_setting("kafka_sasl_mechanism",
                                "= AWS_MSK_IAM needs `aws_region` (AWS_REGION), the cluster's"));
    out.token = msk_tokens(from);
    return out;
}

aws::environment aws_environment(const settings& from) {
    return [from](std::string_view name) -> std::optional<std::string> {
        for (const auto& [variable, key] :
             {std::pair{"AWS_ACCESS_KEY_ID", "aws_access_key_id"},
              std::pair{"AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"},
              std::pair{"AWS_SESSION_TOKEN", "aws_session_token"}})
            if (name == variable && from.given(key)) return from.text(key);
        return aws::process_environment()(name);
    };
}

std::string endpoint_of(const settings& from, std::string_view own) {
    return from.given(own) ? from.text(own) : from.text("aws_endpoint_url");
}

std::vector<std::string> shop_buckets() {
    return {std::string(notifications::documents_bucket), std::string(products::imports_bucket),
            std::string(products::images_bucket), std::string(analytics::results_bucket),
            std::string(analytics::state_bucket)};
}

std::string documented_bucket(std::string_view bucket) {
    constexpr std::string_view project = "ecommerce-";
    return (bucket.starts_with(project) ? "" : std::string(project)) + std::string(bucket);
}

std::map<std::string, std::string, std::less<>> s3_bucket_names(const settings& from) {
    std::map<std::string, std::string, std::less<>> out;
    for (const auto& each : shop_buckets())
        out[each] =
            from.text("s3_bucket_prefix") + documented_bucket(each) + from.text("s3_bucket_suffix");
    return out;
}

namespace {
std::vector<const kv_table*> provider_tables() {
    std::vector<const kv_table*> out;
    for (const auto& each : simulator_tables()) out.push_back(&each);
    return out;
}
}  // namespace

std::vector<const kv_table*> item_tables_of_shop() {
    auto out = shop_tables();
    out.push_back(&parked_table);
    const auto provider = provider_tables();
    out.insert(out.end(), provider.begin(), provider.end());
    return out;
}

std::vector<const kv_table*> dynamodb_tables_of_shop() {
    auto out = item_tables_of_shop();
    for (const auto* each : {&outbox_table, &inbox_table, &leases_table}) out.push_back(each);
    return out;
}

}  // namespace stoa
