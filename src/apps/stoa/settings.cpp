#include "apps/stoa/settings.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

namespace stoa {
namespace {

constexpr setting_key keys[] = {
    {"data_dir", "", "./.stoa", "where the embedded engines keep the shop"},
    {"target", "", "all",
     "what this process serves: all, or some of "
     "gateway,user,product,cart,order,payment,notification,activity,analytics"},
    {"http", "", "127.0.0.1:8080", "address and port of the public API"},
    {"admin", "", "127.0.0.1:9090",
     "address and port of metrics, health and readiness; not for the public"},
    {"loops", "", "0", "event loops, one a thread; 0: one a core"},
    {"shop_name", "", "Stoa", "what the shop calls itself in messages, invoices and the API page"},
    {"currency", "SHOP_CURRENCY", "USD", "ISO 4217 code of amounts that name none"},
    {"log_level", "LOG_LEVEL", "info", "least level that is logged", false,
     "debug info warning error off"},
    {"access_log", "", "changes", "requests that are logged: all, changes (and errors), off", false,
     "all changes off"},
    {"cors_origins", "", "", "origins that browsers may call from, by commas; * for any"},
    {"sql", "", "sqlite", "engine of users and products", false, "sqlite postgres"},
    {"key_value", "", "sqlite", "engine of carts, orders, payments, notifications", false,
     "sqlite postgres dynamodb"},
    {"event_log", "", "sqlite", "engine of the event log", false, "sqlite kafka"},
    {"blob", "", "filesystem", "engine of files: images, imports, order documents", false,
     "filesystem s3"},
    {"import_folder", "", "",
     "folder whose *.csv are imported, and whose pictures/<sku>/ are shown; empty: none"},
    {"notifier", "", "outbox_file",
     "how messages leave: a mailbox file, SMTP, or Amazon SNS with `sns_topic_arn`", false,
     "outbox_file smtp sns"},
    {"mailbox_mib", "", "0",
     "a mailbox file that would grow beyond it is put aside as mailbox.mbox.1; 0: it grows"},
    {"payments", "", "simulator", "payment provider", false, "simulator stripe"},
    {"payment_review_above", "", "",
     "payments above this amount wait for a person; empty: none do"},
    {"pending_minutes", "", "2", "a pending order that nobody retries is cancelled after it"},
    {"payment_minutes", "", "15", "time to pay an order"},
    {"cart_days", "", "30", "carts that nobody touches are forgotten after it"},
    {"raw_event_days", "", "7", "activity events are kept so long"},
    {"analytics_pipelines", "", "",
     "pipelines of analytics/pipelines.json that are run here, by commas; empty: all"},
    {"rate_login_burst", "", "200", "registrations and logins at once from one address"},
    {"rate_login_per_second", "", "20", "registrations and logins from one address, sustained"},
    {"rate_principal_burst", "", "2000", "requests at once by one caller; 0: no limit"},
    {"rate_principal_per_second", "", "500", "requests by one caller, sustained"},
    {"request_seconds", "", "15", "a request is given up after it"},
    {"drain_seconds", "", "20", "requests in flight may take so long after SIGTERM"},
    {"smtp_url", "SMTP_URL", "",
     "smtp://[user:password@]host:port; smtps:// for TLS, or smtp+starttls://", true},
    {"smtp_ca_file", "", "",
     "PEM of whom the mail server's certificate must be from; empty: the machine's"},
    {"mail_from", "MAIL_FROM", "shop@localhost", "sender of messages"},
    {"reset_url", "", "",
     "where a new password is set, as https://shop.example/reset?token=; the token is appended; "
     "empty: the message shows the token alone"},
    {"verify_url", "", "",
     "where an e-mail address is confirmed, likewise with the token appended"},
    {"otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "",
     "collector of traces, http(s)://host:4318; empty: off"},
    {"trace_ratio", "OTEL_TRACES_SAMPLER_ARG", "1.0",
     "share of the traces beginning here that is kept, 0 to 1; a caller's own choice is kept"},
    {"trace_memory", "", "10000",
     "latest spans that this process remembers for the console's page of an order; 0: none"},
    {"service_name", "OTEL_SERVICE_NAME", "stoa", "name of this service in traces"},
    // The documented variables of engines that a shop on its own does not use; read when an engine
    // is chosen.
    {"database_url", "DATABASE_URL", "", "PostgreSQL, as postgres://user:password@host:port/name",
     true},
    {"db_host", "DB_HOST", "", "PostgreSQL host"},
    {"db_port", "DB_PORT", "5432", "PostgreSQL port"},
    {"db_name", "DB_NAME", "", "PostgreSQL database"},
    {"db_user", "DB_USER", "", "PostgreSQL user"},
    {"db_password", "DB_PASSWORD", "", "PostgreSQL password", true},
    {"db_ssl_mode", "DB_SSL_MODE PGSSLMODE", "",
     "PostgreSQL TLS, as libpq names it; empty: verify-full, or prefer on this machine"},
    {"db_ssl_root_cert", "DB_SSL_ROOT_CERT PGSSLROOTCERT", "",
     "PEM of whom PostgreSQL's certificate must be from; empty: the system's"},
    {"db_connections", "DB_POOL_SIZE", "16", "connections to PostgreSQL, 8 to 32"},
    {"kafka_brokers", "KAFKA_BOOTSTRAP_SERVERS KAFKA_BROKERS", "",
     "Kafka brokers, host:port by commas"},
    {"kafka_security_protocol", "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", "how Kafka is reached",
     false, "PLAINTEXT SSL SASL_PLAINTEXT SASL_SSL"},
    {"kafka_sasl_mechanism", "KAFKA_SASL_MECHANISM", "",
     "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with a SASL protocol; AWS_MSK_IAM shows the AWS "
     "credentials to Amazon MSK, with SASL_SSL"},
    {"kafka_sasl_username", "KAFKA_SASL_USERNAME", "", "Kafka user"},
    {"kafka_sasl_password", "KAFKA_SASL_PASSWORD", "", "Kafka password", true},
    {"kafka_ssl_ca_file", "KAFKA_SSL_CA_FILE", "",
     "PEM of whom Kafka's certificates must be from; empty: the system's"},
    {"kafka_ssl_certificate_file", "KAFKA_SSL_CERTIFICATE_FILE", "", "PEM of our certificate"},
    {"kafka_ssl_key_file", "KAFKA_SSL_KEY_FILE", "", "PEM of its key"},
    {"kafka_group_instance_id", "KAFKA_GROUP_INSTANCE_ID", "",
     "name of this target and replica in its groups, as order-0: back within 6 s it keeps its "
     "partitions; empty: every start is a new member"},
    {"kafka_topic_prefix", "KAFKA_TOPIC_PREFIX", "", "before the names of topics and groups"},
    {"kafka_replication_factor", "KAFKA_REPLICATION_FACTOR", "3", "of topics that migrate makes"},
    {"kafka_min_insync_replicas", "KAFKA_MIN_INSYNC_REPLICAS", "2", "of topics that migrate makes"},
    {"kafka_raw_topic", "KAFKA_TOPIC KAFKA_INPUT_TOPIC", "ecom-raw-events",
     "topic of activity events"},
    {"kafka_results_topic", "KAFKA_OUTPUT_TOPIC", "ecom-analytics-results",
     "topic of window results"},
    {"kafka_orders_topic", "KAFKA_ORDERS_TOPIC", "orders", "topic of order events"},
    {"aws_region", "AWS_REGION AWS_DEFAULT_REGION", "", "AWS region"},
    {"aws_access_key_id", "AWS_ACCESS_KEY_ID", "", "AWS key", true},
    {"aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "", "AWS secret", true},
    {"aws_session_token", "AWS_SESSION_TOKEN", "", "AWS session token", true},
    {"aws_endpoint_url", "AWS_ENDPOINT_URL", "", "instead of Amazon's own, for all its services"},
    {"aws_endpoint_url_dynamodb", "AWS_ENDPOINT_URL_DYNAMODB", "", "for DynamoDB only"},
    {"aws_endpoint_url_s3", "AWS_ENDPOINT_URL_S3", "", "for S3 only"},
    {"aws_endpoint_url_sns", "AWS_ENDPOINT_URL_SNS", "", "for SNS only"},
    {"aws_endpoint_url_sqs", "AWS_ENDPOINT_URL_SQS", "", "for SQS only"},
    {"dynamodb_table_prefix", "DYNAMODB_TABLE_PREFIX", "", "before the names of tables"},
    {"s3_bucket_prefix", "S3_BUCKET_PREFIX", "", "before the names of buckets"},
    {"s3_bucket_suffix", "S3_BUCKET_SUFFIX", "", "after the names of buckets, as -<account id>"},
    {"s3_make_buckets", "", "no", "migrate makes missing buckets, private ones", false, "yes no"},
    {"dynamodb_table", "DYNAMODB_TABLE", "ecommerce-analytics", "name of the analytics table"},
    {"stripe_api_key", "STRIPE_API_KEY", "", "Stripe's secret key (sk_ or rk_)", true},
    {"stripe_webhook_secret", "STRIPE_WEBHOOK_SECRET", "",
     "signing secret (whsec_) of the webhook's endpoint; several by commas while it is changed",
     true},
    {"stripe_api_url", "STRIPE_API_URL", "https://api.stripe.com", "where Stripe answers"},
    {"stripe_ca_file", "", "",
     "PEM of whom stripe_api_url's certificate must be from; empty: the machine's"},
    {"sns_topic_arn", "SNS_TOPIC_ARN", "", "SNS topic of notifications, for `notifier` = sns"},
    {"sqs_queue_url", "SQS_QUEUE_URL", "",
     "SQS queue that gets every order event, too, for receivers that do not read Kafka"},
    {"product_api_url", "PRODUCT_API_URL", "", "where the import function sends products"},
    {"user_service_host", "USER_SERVICE_HOST", "",
     "hosts of the user service, by commas; its ports, unless given as host:http:grpc, are 8001 "
     "and 50051"},
    {"product_service_host", "PRODUCT_SERVICE_HOST", "",
     "hosts of the product service, by commas; its ports, unless given as host:http:grpc, are 8001 "
     "and 50052"},
    {"cart_service_host", "CART_SERVICE_HOST", "",
     "hosts of the cart service, by commas; its ports, unless given as host:http:grpc, are 8005 "
     "and 50055"},
    {"order_service_host", "ORDER_SERVICE_HOST", "",
     "hosts of the order service, by commas; its ports, unless given as host:http:grpc, are 8003 "
     "and 50053"},
    {"payment_service_host", "PAYMENT_SERVICE_HOST", "",
     "hosts of the payment service, by commas; its ports, unless given as host:http:grpc, are 8004 "
     "and 50054"},
    {"notification_service_host", "NOTIFICATION_SERVICE_HOST", "",
     "hosts of the notification service, by commas; its ports, unless given as host:http:grpc, are "
     "8007 and 50057"},
    {"activity_service_host", "ACTIVITY_SERVICE_HOST", "",
     "hosts of the activity service, by commas; its ports, unless given as host:http:grpc, are "
     "8006 and 50056"},
    {"analytics_service_host", "ANALYTICS_SERVICE_HOST", "",
     "hosts of the analytics service, by commas; its ports, unless given as host:http:grpc, are "
     "8008 and 50058"},
    {"listen_host", "", "127.0.0.1",
     "address on which single targets listen, at their documented ports; 0.0.0.0 in a pod"},
    {"keys_file", "", "",
     "the shop's signing keys, the same for all its processes; empty: keys.json in data_dir"},
    {"edges", "", "grpc", "how services of different processes ask each other", false, "grpc http"},
    {"grpc_certificate_file", "", "", "PEM of our certificate for gRPC; empty: plain text"},
    {"grpc_key_file", "", "", "PEM of its key"},
    {"grpc_ca_file", "", "",
     "PEM of whom the other services' certificates must be from; with it, theirs are asked for, "
     "too"},
};

constexpr std::string_view numbers[] = {"loops",
                                        "mailbox_mib",
                                        "pending_minutes",
                                        "payment_minutes",
                                        "cart_days",
                                        "raw_event_days",
                                        "trace_memory",
                                        "rate_login_burst",
                                        "rate_login_per_second",
                                        "rate_principal_burst",
                                        "rate_principal_per_second",
                                        "request_seconds",
                                        "drain_seconds",
                                        "db_connections",
                                        "kafka_replication_factor",
                                        "kafka_min_insync_replicas",
                                        "db_port"};

std::vector<std::string> split(std::string_view text, char by) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto cut = std::min(text.find(by), text.size());
        if (cut > 0) out.emplace_back(text.substr(0, cut));
        text.remove_prefix(std::min(cut + 1, text.size()));
    }
    return out;
}

std::optional<std::int64_t> read_number(std::string_view text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return n;
}

std::optional<double> read_ratio(std::string_view text) {
    double n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || !(n >= 0 && n <= 1)) return {};
    return n;
}

std::optional<settings::listen_address> read_address(std::string_view text) {
    const auto cut = text.rfind(':');
    if (cut == std::string_view::npos || cut == 0) return {};
    const auto port = read_number(text.substr(cut + 1));
    if (!port || *port < 0 || *port > 65'535) return {};
    return settings::listen_address{std::string(text.substr(0, cut)),
                                    static_cast<std::uint16_t>(*port)};
}

// Text that stands on a line of its own, in a mail's subject for one: a line break would be another
// header.
bool is_shop_name(std::string_view text) {
    return !text.empty() && text.size() <= 100 && text.front() != ' ' && text.back() != ' ' &&
           std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
}

// An absolute web address that a token can be appended to: http or https with a host, and nothing
// that would end a link in a mail.
bool is_web_address(std::string_view text) {
    const auto scheme = text.starts_with("https://") ? 8U : text.starts_with("http://") ? 7U : 0U;
    if (scheme == 0 || text.size() > 1'000) return false;
    const auto host = text.substr(scheme, text.find_first_of("/?#:", scheme) - scheme);
    return !host.empty() && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < '\x7f' && !std::string_view("\"<>\\^`{|}").contains(c);
    });
}

std::string variable_of(std::string_view key) {
    std::string out = "STOA_";
    for (const char c : key) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return out;
}

// The known key that differs least, for "did you mean".
std::string_view nearest(std::string_view wrong) {
    std::string_view best;
    std::size_t best_distance = 4;
    for (const auto& key : keys) {
        std::vector<std::size_t> row(key.name.size() + 1);
        for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
        for (std::size_t i = 1; i <= wrong.size(); ++i) {
            std::size_t diagonal = std::exchange(row[0], i);
            for (std::size_t j = 1; j < row.size(); ++j) {
                const auto cost = diagonal + (wrong[i - 1] != key.name[j - 1]);
                diagonal = row[j];
                row[j] = std::min({row[j] + 1, row[j - 1] + 1, cost});
            }
        }
        if (row.back() < best_distance) best_distance = row.back(), best = key.name;
    }
    return best;
}

const setting_key* find_key(std::string_view name) {
    const auto found = std::ranges::find(keys, name, &setting_key::name);
    return found == std::end(keys) ? nullptr : found;
}

std::unexpected<error> unknown(std::string_view name, std::string_view where) {
    std::string key(name.starts_with("STOA_") ? name.substr(5) : name);
    for (char& c : key)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    const auto near = nearest(key);
    return fail(errc::invalid, "unknown_setting",
                "there is no setting `" + std::string(name) + "` (" + std::string(where) + ")" +
                    (near.empty() ? "; `stoa config` lists all"
                                  : "; did you mean `" + std::string(near) + "`?"));
}

}  // namespace

std::span<const setting_key> setting_keys() { return keys; }

std::vector<std::string> variables_of(const setting_key& key) {
    auto out = split(key.environment, ' ');
    out.insert(out.begin(), variable_of(key.name));
    return out;
}

result<void> settings::set(const setting_key& key, std::string text, std::string source) {
    const auto wrong = [&](std::string what) {
        return fail(errc::invalid, "bad_setting",
                    "`" + std::string(key.name) + "` from " + source + " is `" +
                        (key.secret ? "****" : text) + "`: " + what);
    };
    if (!key.one_of.empty()) {
        const auto words = split(key.one_of, ' ');
        if (std::ranges::find(words, text) == words.end()) {
            std::string all;
            for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
            return wrong("must be one of " + all);
        }
    }
    const bool numeric = std::ranges::find(numbers, key.name) != std::end(numbers);
    if (const auto n = read_number(text); numeric && (!n || *n < 0 || *n > 1'000'000'000))
        return wrong("must be a whole number from 0 on");
    if ((key.name == "http" || key.name == "admin") && !read_address(text))
        return wrong("must be ADDRESS:PORT, as 127.0.0.1:8080");
    if (key.name == "trace_memory" && *read_number(text) > 1'000'000)
        return wrong("must be at most 1000000 spans, of about 600 bytes each");
    if (key.name == "trace_ratio" && !read_ratio(text))
        return wrong("must be a number from 0 to 1, as 0.1");
    if (key.name == "shop_name" && !is_shop_name(text))
        return wrong("must be a line of 1 to 100 bytes, with no space at its ends");
    if ((key.name == "reset_url" || key.name == "verify_url") && !text.empty() &&
        !is_web_address(text))
        return wrong("must be a web address, as https://shop.example/account?token=");
    if (key.name == "currency" && !read_currency(text))
        return wrong("must be an ISO 4217 code, as EUR");
    values_[std::string(key.name)] = {std::move(text), std::move(source)};
    return {};
}

result<void> settings::read_file(const std::string& file) {
    toml::table parsed;
    try {
        parsed = toml::parse_file(file);
    } catch (const toml::parse_error& e) {
        return fail(errc::invalid, "bad_config_file",
                    file + ": " + std::string(e.description()) + " (line " +
                        std::to_string(e.source().begin.line) + ")");
    }
    for (const auto& [name, node] : parsed) {
        const auto* key = find_key(name.str());
        if (!key) return unknown(name.str(), file);
        std::string text;
        if (const auto t = node.value<std::string>(); t && node.is_string()) text = *t;
        else if (const auto n = node.value<std::int64_t>(); n && node.is_integer())
            text = std::to_string(*n);
        else if (const auto b = node.value<bool>(); b && node.is_boolean())
            text = *b ? "true" : "false";
        else
            return fail(errc::invalid, "bad_setting",
                        file + ": `" + std::string(name.str()) +
                            "` must be a text, a whole number or a boolean");
        STOA_TRY_VOID(set(*key, std::move(text), file));
    }
    return {};
}

result<settings> settings::load(const std::map<std::string, std::string>& flags,
                                const char* const* environment, const std::string& file) {
    settings out;
    for (const auto& key : keys)
        out.values_[std::string(key.name)] = {std::string(key.otherwise), "default"};
    if (!file.empty()) STOA_TRY_VOID(out.read_file(file));
    std::map<std::string, const setting_key*, std::less<>> variables;
    for (const auto& key : keys)
        for (auto& name : variables_of(key)) variables[std::move(name)] = &key;
    // Not settings: the file's name, and what only ./dev and the tests read.
    static const std::set<std::string, std::less<>> ours{"STOA_ONLINE_RETAIL", "STOA_CONFIG"};
    const auto known = [](std::string_view name) {
        return ours.contains(name) || name.starts_with("STOA_TEST_") ||
               name.starts_with("STOA_DEV_");
    };
    for (const auto* each = environment; each && *each; ++each) {
        const std::string_view pair(*each);
        const auto eq = pair.find('=');
        if (eq == std::string_view::npos) continue;  // no variable
        const auto name = pair.substr(0, eq);
        const auto found = variables.find(name);
        if (found == variables.end()) {
            if (name.starts_with("STOA_") && !known(name)) return unknown(name, "environment");
            continue;
        }
        if (pair.size() > eq + 1)
            STOA_TRY_VOID(
                out.set(*found->second, std::string(pair.substr(eq + 1)), std::string(name)));
    }
    for (const auto& [name, text] : flags) {
        const auto* key = find_key(name);
        if (!key) return unknown(name, "command line");
        STOA_TRY_VOID(out.set(*key, text, "command line"));
    }
    return out;
}

result<settings> settings::with(const std::map<std::string, std::string>& changed) const {
    settings out = *this;
    for (const auto& [name, text] : changed) {
        const auto* key = find_key(name);
        if (!key) return unknown(name, "program");
        STOA_TRY_VOID(out.set(*key, text, "program"));
    }
    return out;
}

const std::string& settings::text(std::string_view key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) std::abort();
    return found->second.text;
}
bool settings::given(std::string_view key) const { return !text(key).empty(); }
std::int64_t settings::number(std::string_view key) const {
    return read_number(text(key)).value_or(0);
}
double settings::ratio(std::string_view key) const { return read_ratio(text(key)).value_or(0); }
currency_code settings::currency(std::string_view key) const { return *read_currency(text(key)); }
std::vector<std::string> settings::list(std::string_view key) const {
    return split(text(key), ',');
}
settings::listen_address settings::address(std::string_view key) const {
    return *read_address(text(key));
}

std::string settings::describe() const {
    std::string out;
    for (const auto& key : keys) {
        const auto& [text, source] = values_.find(key.name)->second;
        out +=
            std::string(key.name) + " = \"" + (key.secret && !text.empty() ? "****" : text) + "\"";
        out.append(out.size() - out.rfind('\n') < 48 ? 48 - (out.size() - out.rfind('\n')) : 1,
                   ' ');
        out += "# " + source + "; " + std::string(key.help) + '\n';
    }
    return out;
}

}  // namespace stoa
