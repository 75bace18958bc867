#include "adapters/dynamodb/dynamodb_key_value.hpp"
#include "adapters/kafka/kafka_cluster.hpp"
#include "adapters/s3/s3_blob.hpp"
#include "adapters/smtp/smtp_notifier.hpp"
#include "adapters/stripe/stripe_payments.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/doctor.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "apps/stoa/wiring_notifier.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "apps/stoa/wiring_provider.hpp"
#include "runtime/loops.hpp"
#include "transport/http/client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <ctime>
#include <filesystem>

#include <unistd.h>

namespace stoa {
namespace {

constexpr std::int64_t oldest_postgres = 13;
constexpr seconds tolerated_skew{60};

// Asks the services that speak HTTP, from a loop of its own.
class asker {
 public:
    explicit asker(const std::string& ca_file = {})
        : client_(loops_.at(0), {.answer_limit_bytes = dynamodb_answer_bytes, .ca_file = ca_file}) {
    }

    template <class Body>
    auto run(Body body) -> typename std::invoke_result_t<Body&>::value_type {
        using outcome = typename std::invoke_result_t<Body&>::value_type;
        outcome done = fail(errc::internal, "asked_in_vain");
        asio::co_spawn(loops_.at(0), body(), [&](const std::exception_ptr& thrown, outcome told) {
            loops_.stop();
            if (thrown) std::rethrow_exception(thrown);
            done = std::move(told);
        });
        loops_.run();
        return done;
    }
    http_client& client() { return client_; }
    aws::http_here here() {
        return [this]() -> http_client& { return client_; };
    }

 private:
    loop_set loops_{1};
    http::async_client client_;
};

// RFC 9110's date, as servers send it.
std::optional<timestamp> read_http_date(std::string_view text) {
    std::tm parts{};
    const std::string line(text);
    const auto* const end = ::strptime(line.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (!end || *end != '\0') return {};
    return timestamp{static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000};
}

struct postgres_facts {
    std::int64_t version = 0, max_connections = 0, unsafe = 0;
};

class engine_doctor {
 public:
    engine_doctor(findings& say, const settings& from) : say_(say), from_(from) {}

    void look() {
        look_at_directory();
        if (from_.text("sql") == "postgres" || from_.text("key_value") == "postgres") postgres();
        if (from_.text("event_log") == "kafka") kafka();
        if (from_.text("key_value") == "dynamodb") dynamodb();
        if (from_.text("blob") == "s3") s3();
        if (from_.text("notifier") == "smtp") smtp();
        if (from_.text("notifier") == "sns") sns();
        if (from_.text("payments") == "stripe") stripe();
        mutual_tls();
    }

 private:
    // The signing keys lie there, on engines of other systems too.
    void look_at_directory() {
        if (from_.text("sql") == "sqlite") return;
        const auto& directory = from_.text("data_dir");
        std::error_code why;
        std::filesystem::create_directories(directory, why);
        say_.add(!why && std::filesystem::is_directory(directory, why) &&
                     ::access(directory.c_str(), W_OK) == 0,
                 "the data directory " + directory,
                 "cannot be written (`data_dir`); the shop's signing keys lie there");
    }

    void postgres() {
        auto server = postgres_of(from_);
        if (!server) return say_.wrong("PostgreSQL", server.error().detail);
        postgres_options options{.server = *std::move(server),
                                 .migrations = shop_migrations(),
                                 .shop_currency = from_.currency("currency"),
                                 .connections = 1,
                                 .migrates = false};
        for (const auto& each : shop_topics(from_)) options.topics.emplace_back(each.name);
        if (from_.text("key_value") == "postgres") options.tables = item_tables_of_shop();
        const auto store = postgres_store::open(options, time_);
        if (!store && store.error().code.starts_with("postgres_"))
            return say_.wrong("PostgreSQL", store.error().detail);
        say_.good("PostgreSQL answers and lets us in (`database_url`)");
        if (!store) return say_.wrong("PostgreSQL's schema", store.error().detail);
        say_.good("PostgreSQL has this version's schema");
        asker ask;
        const auto facts = ask.run([&] { return read_facts(store->get()); });
        if (!facts) return say_.wrong("PostgreSQL", facts.error().detail);
        say_.add(facts->version >= oldest_postgres,
                 "PostgreSQL is version " + std::to_string(facts->version),
                 "this version needs " + std::to_string(oldest_postgres) + " or newer");
        const auto wanted = from_.number("db_connections");
        say_.add(facts->max_connections >= wanted,
                 "PostgreSQL allows " + std::to_string(facts->max_connections) + " connections",
                 "each process takes `db_connections` = " + std::to_string(wanted) +
                     ": raise max_connections or lower the setting");
        say_.add(facts->unsafe == 0, "PostgreSQL keeps what it commits",
                 "fsync, full_page_writes or synchronous_commit is off: what was acknowledged is "
                 "lost when the power goes; turn them on");
    }

    static task<result<postgres_facts>> read_facts(postgres_store* from) {
        auto ask = [](transaction& t) -> result<postgres_facts> {
            postgres_facts out;
            out.version =
                t.number("SELECT current_setting('server_version_num')::int8").value_or(0) / 10'000;
            out.max_connections =
                t.number("SELECT current_setting('max_connections')::int8").value_or(0);
            out.unsafe = t.number(
                              "SELECT count(*) FROM pg_settings WHERE setting = 'off' AND name "
                              "IN ('fsync', 'full_page_writes', 'synchronous_commit')")
                             .value_or(0);
            return out;
        };
        co_return co_await from->database().read(std::move(ask));
    }

    void kafka() {
        auto options = kafka_of(from_);
        if (!options) return say_.wrong("Kafka", options.error().detail);
        if (auto fits = stoa::check(*options); !fits)
            return say_.wrong("Kafka", fits.error().detail);
        kafka_cluster cluster(*options);
        auto seen = cluster.open();
        if (seen) seen = cluster.look(options->first_contact);
        const auto at = "Kafka at " + options->brokers;
        if (!seen && !about_topics(seen.error().code)) return say_.wrong(at, seen.error().detail);
        say_.good(at + " answers, lets us in, and is reached where it says it is");
        if (seen) say_.good("Kafka has every topic of the shop");
        else say_.wrong("Kafka's topics", seen.error().detail);
    }
    static bool about_topics(std::string_view code) { return code.starts_with("topic_"); }

    void dynamodb() {
        dynamodb_options options{.region = from_.text("aws_region"),
                                 .endpoint_url = endpoint_of(from_, "aws_endpoint_url_dynamodb"),
                                 .table_prefix = from_.text("dynamodb_table_prefix")};
        const aws::client_options to{
            .service = "dynamodb", .region = options.region, .endpoint = options.endpoint_url};
        if (auto fits = aws::check_options(to); !fits)
            return say_.wrong("DynamoDB", fits.error().detail);
        asker ask;
        look_at_time("DynamoDB", aws::endpoint_of(to));
        aws::credentials_chain credentials(options.region, ask.here(), time_, random_,
                                           aws_environment(from_));
        dynamodb_key_value store(options, credentials, ask.here(), time_, random_);
        const auto seen = ask.run([&] { return store.check_tables(dynamodb_tables_of_shop()); });
        const auto at = "DynamoDB at " + aws::endpoint_of(to);
        if (seen) say_.good(at + " lets us in and has every table and index");
        else say_.wrong(at, where(seen.error(), "AWS_ENDPOINT_URL_DYNAMODB"));
    }

    void s3() {
        const auto endpoint = endpoint_of(from_, "aws_endpoint_url_s3");
        const aws::client_options to{
            .service = "s3", .region = from_.text("aws_region"), .endpoint = endpoint};
        if (auto fits = aws::check_options(to); !fits) return say_.wrong("S3", fits.error().detail);
        asker ask;
        look_at_time("S3", aws::endpoint_of(to));
        aws::credentials_chain credentials(to.region, ask.here(), time_, random_,
                                           aws_environment(from_));
        s3_blob store({.region = to.region,
                       .endpoint_url = endpoint,
                       .path_style = !endpoint.empty(),
                       .bucket_names = s3_bucket_names(from_),
                       .attempt_within = milliseconds(3'000),
                       .answer_within = milliseconds(8'000)},
                      credentials, ask.here(), time_, random_);
        const auto seen = ask.run([&] { return store.check_buckets(shop_buckets()); });
        const auto at = "S3 at " + aws::endpoint_of(to);
        if (seen) say_.good(at + " lets us in and has every bucket");
        else say_.wrong(at, where(seen.error(), "AWS_ENDPOINT_URL_S3"));
    }

    // Answers without a word (a HEAD's have none) leave the setting to be told here.
    static std::string where(const error& why, std::string_view setting) {
        if (why.detail.contains("AWS_REGION")) return why.detail;
        return why.detail + "; see AWS_REGION and " + std::string(setting) +
               " (or AWS_ENDPOINT_URL)";
    }

    // Signatures carry the time: Amazon refuses those of a clock that is minutes off. Whoever does
    // not answer, or sends no date, is asked properly next.
    void look_at_time(const std::string& name, const std::string& url) {
        asker ask;
        const auto answer = ask.run([&] {
            return ask.client().send({.method = "GET", .url = url + '/'}, milliseconds(3'000));
        });
        if (!answer) return;
        const auto theirs = read_http_date(answer->find("date"));
        if (!theirs) return;
        const auto ahead = std::chrono::duration_cast<seconds>(time_.now() - *theirs);
        if (std::chrono::abs(ahead) <= tolerated_skew)
            return say_.good("this machine's clock goes as " + name + "'s does");
        say_.wrong("this machine's clock",
                   std::to_string(std::abs(ahead.count())) + " s " +
                       (ahead.count() > 0 ? "ahead of " : "behind ") + name +
                       "'s, and signatures that are minutes off are refused: set it (NTP)");
    }

    void smtp() {
        const auto server = read_smtp_url(from_.text("smtp_url"), from_.text("mail_from"));
        if (!server) return say_.wrong("SMTP", "`smtp_url`: " + server.error().detail);
        auto with = *server;
        with.ca_file = from_.text("smtp_ca_file");
        with.answer_within = with.finish_within = milliseconds(10'000);
        const auto seen = probe_smtp(with);
        const auto at = "SMTP at " + with.host + ':' + with.port;
        if (seen) say_.good(at + " takes our mail");
        else say_.wrong(at, seen.error().detail + "; see `smtp_url`");
    }

    void sns() {
        asker ask;
        const auto seen = ask.run([&] { return probe_sns(from_, ask.client(), time_, random_); });
        const auto topic = "SNS's topic " + from_.text("sns_topic_arn");
        if (seen) say_.good(topic + " is there and lets us look at it");
        else say_.wrong(topic, where(seen.error(), "AWS_ENDPOINT_URL_SNS"));
    }

    void stripe() {
        if (auto fits = check_provider_settings(from_); !fits)
            return say_.wrong("Stripe", fits.error().detail);
        asker ask(from_.text("stripe_ca_file"));
        stripe::payments to(
            {.api_key = from_.text("stripe_api_key"), .api_url = from_.text("stripe_api_url")},
            ask.here());
        const auto mode = ask.run([&] { return to.probe(); });
        const auto at = "Stripe at " + from_.text("stripe_api_url");
        if (!mode)
            return say_.wrong(at, mode.error().detail + "; see `stripe_api_key`, `stripe_api_url`");
        say_.good(at + " takes our key, for " + *mode + " payments");
        if (!from_.given("stripe_webhook_secret"))
            say_.note(
                "Stripe's news are not taken (`stripe_webhook_secret` is not set): outcomes "
                "that were not known at once are asked for instead");
    }

    void mutual_tls() {
        const auto read = identity_of(from_, time_.now());
        if (!read) return say_.wrong("gRPC's mutual TLS", read.error().detail);
        if (!read->certificate.empty())
            say_.good(
                "the certificate for gRPC is of `grpc_ca_file`'s authority, and the key fits");
    }

    findings& say_;
    const settings& from_;
    system_clock time_;
    system_random random_;
};

}  // namespace

void look_at_engines(findings& say, const settings& from) { engine_doctor(say, from).look(); }

}  // namespace stoa
