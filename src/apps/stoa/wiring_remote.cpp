// The shop on engines that other processes reach, too: PostgreSQL, DynamoDB, Kafka, S3.
#include "adapters/dynamodb/dynamodb_key_value.hpp"
#include "adapters/filesystem/filesystem_blob.hpp"
#include "adapters/kafka/kafka_event_log.hpp"
#include "adapters/outbox/relay.hpp"
#include "adapters/postgres/postgres_store.hpp"
#include "adapters/s3/s3_blob.hpp"
#include "adapters/sqs/sqs_queue.hpp"
#include "apps/stoa/house.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "runtime/log.hpp"
#include "services/order/order_events.hpp"
#include "transport/events/sweepers.hpp"
#include "transport/http/client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <filesystem>

namespace stoa {
namespace {

class remote_engines final : public engines {
 public:
    remote_engines(const settings& from, needs ports) : from_(from), ports_(std::move(ports)) {
        for (const auto& each : shop_topics(from)) topics_.emplace_back(each.name);
    }

    // All of them before anything is asked of a server.
    result<void> check_settings() const {
        if (needs_postgres()) STOA_TRY_VOID(postgres_of(from_));
        if (!needs_items()) return {};
        STOA_TRY(const auto kafka, kafka_of(from_));
        STOA_TRY_VOID(stoa::check(kafka));
        if (from_.text("key_value") == "dynamodb")
            STOA_TRY_VOID(
                aws::check_options({.service = "dynamodb",
                                    .region = from_.text("aws_region"),
                                    .endpoint = endpoint_of(from_, "aws_endpoint_url_dynamodb")}));
        if (needs_blobs() && from_.text("blob") == "s3")
            STOA_TRY_VOID(
                aws::check_options({.service = "s3",
                                    .region = from_.text("aws_region"),
                                    .endpoint = endpoint_of(from_, "aws_endpoint_url_s3")}));
        return from_.given("sqs_queue_url") ? check_queue() : result<void>();
    }

    result<void> open_stores(bool migrates) {
        STOA_TRY_VOID(check_settings());
        // The shop's signing keys lie there.
        std::error_code why;
        std::filesystem::create_directories(from_.text("data_dir"), why);
        if (why) return fail(bad_setting("data_dir", "cannot be made: " + why.message()));
        if (needs_postgres()) STOA_TRY_VOID(open_postgres(migrates));
        if (!needs_items()) return {};
        const bool keeps_items = from_.text("key_value") == "dynamodb";
        const bool queues = from_.given("sqs_queue_url");
        if (keeps_items || queues || (needs_blobs() && from_.text("blob") == "s3")) open_aws();
        if (queues) open_queue();
        if (keeps_items) open_dynamodb();
        items_ = std::make_unique<outboxed_items>(base_items(), ports_.time, topics_);
        return needs_blobs() ? open_blobs() : result<void>();
    }
    result<void> open_log() {
        if (!needs_items()) return {};
        STOA_TRY(auto kafka, kafka_of(from_));
        STOA_TRY(log_, kafka_event_log::open(std::move(kafka), base_items(), ports_.time));
        return {};
    }

    sql& database() override { return postgres_->database(); }
    key_value& items() override { return *items_; }
    event_log& log() override { return *log_; }
    dead_letter_store& dead_letters() override { return *log_; }
    blob_store& blobs() override { return s3_ ? static_cast<blob_store&>(*s3_) : *files_; }
    key_value& provider_items() override { return base_items(); }

    task<result<void>> check() override {
        if (postgres_) STOA_CO_TRY_VOID(co_await postgres_->probe());
        if (dynamodb_)
            STOA_CO_TRY_VOID(co_await dynamodb_->check_tables(dynamodb_tables_of_shop()));
        if (s3_) STOA_CO_TRY_VOID(co_await s3_->check_buckets(shop_buckets()));
        if (!log_) co_return result<void>{};
        if (auto seen = log_->ready(); !seen) co_return seen;
        if (!ports_.restores) co_return co_await check_no_restore();
        co_return result<void>{};
    }
    task<result<void>> check_no_restore() {
        STOA_CO_TRY(const auto marker, co_await base_items().get(leases_table, restore_marker()));
        if (!marker) co_return result<void>{};
        co_return fail(errc::conflict, "restore_interrupted",
                       "a restore into these engines did not end, so there is no whole shop in "
                       "them: run `stoa restore` with the same file again");
    }

    task<result<std::vector<std::string>>> make() {
        std::vector<std::string> did{"PostgreSQL is at this version's schema"};
        if (dynamodb_) {
            STOA_CO_TRY_VOID(co_await dynamodb_->ensure_tables(dynamodb_tables_of_shop()));
            did.push_back("DynamoDB has its tables and indexes");
        }
        if (s3_ && from_.text("s3_make_buckets") == "yes") {
            STOA_CO_TRY_VOID(co_await s3_->ensure_buckets(shop_buckets()));
            did.push_back("S3 has its buckets");
        }
        STOA_CO_TRY(auto kafka, kafka_of(from_));
        auto work = [kafka]() { return make_kafka_topics(kafka); };
        STOA_CO_TRY(const auto made, co_await offload(ports_.files, std::move(work)));
        did.push_back("Kafka has its topics (" + std::to_string(made.size()) + " made)");
        co_return did;
    }

    void start(supervisor& background) override {
        if (!log_) return;
        // Who is back under the same name goes on with its leases; another waits until they are
        // over.
        const auto owner = from_.given("kafka_group_instance_id")
                               ? from_.text("kafka_group_instance_id")
                               : ports_.epoch;
        relays_.push_back(std::make_unique<relay>(
            base_items(), *log_, ports_.time, ports_.random, owner,
            relay_settings{.meter = meters_.empty() ? nullptr : meters_.front().get(),
                           .also = order_queue()}));
        // Products and users publish where they stand.
        if (dynamodb_ && postgres_)
            relays_.push_back(std::make_unique<relay>(
                postgres_->items(), *log_, ports_.time, ports_.random, owner,
                relay_settings{.meter = meters_.empty() ? nullptr : meters_.back().get()}));
        for (auto& each : relays_) each->start(background);
        if (postgres_)
            start_sweeper(background, ports_.time, "expired items", seconds(10),
                          [this] { return postgres_->items().expire(ports_.time.now(), 500); });
    }

    std::vector<engine_state> states() const override {
        std::vector<engine_state> out;
        if (postgres_)
            out.push_back({"postgres", !postgres_->counters().away,
                           "PostgreSQL does not answer: see `database_url`"});
        if (!log_) return out;
        const auto kafka = log_->ready();
        out.push_back({"kafka", kafka.has_value(), kafka ? std::string() : kafka.error().detail});
        return out;
    }

    void add_gauges(metrics& to) override {
        if (log_) add_log_gauges(to);
        if (!postgres_) return;
        const auto& counters = postgres_->counters();
        to.gauge("storage_queue_depth", "Pieces of work that wait for a connection.", {},
                 [&counters] { return static_cast<double>(counters.queued.load()); });
        to.gauge("postgres_connections_open", "Connections that stand.", {},
                 [&counters] { return static_cast<double>(counters.open.load()); });
        to.gauge("postgres_connections_busy", "Connections at work.", {},
                 [&counters] { return static_cast<double>(counters.busy.load()); });
        to.gauge("postgres_conflicts", "Transactions that were run again.", {},
                 [&counters] { return static_cast<double>(counters.conflicts.load()); });
    }

    task<> finish() override {
        if (s3_) co_await s3_->close();
    }
    void close() override {
        if (postgres_) postgres_->close();
    }

 private:
    key_value& base_items() {
        return dynamodb_ ? static_cast<key_value&>(*dynamodb_) : postgres_->items();
    }

    void add_log_gauges(metrics& to) {
        // A process has two outboxes at most: of its items, and of its rows.
        for (int i = 0; i < 2; ++i)
            meters_.push_back(std::make_unique<outbox_meter>(to, ports_.time, topics_));
        to.gauge("outbox_oldest_event_seconds",
                 "Age of the oldest event that this process has yet to bring to the log, or to "
                 "the queue beside it.",
                 {}, [this] {
                     return std::max(meters_.front()->oldest_seconds(),
                                     meters_.back()->oldest_seconds());
                 });
        to.gauges("consumer_lag", "Events that a group has not dealt with.", [this] {
            std::vector<std::pair<metric_labels, double>> out;
            for (const auto& lag : log_->lags_now())
                out.push_back({{{"group", lag.group}, {"topic", lag.topic}},
                               static_cast<double>(lag.events)});
            return out;
        });
    }

    // A gateway has nothing of its own; the others keep items, if only which keys are parked.
    bool serves(target one) const { return ports_.targets.has(one); }
    bool needs_items() const {
        return std::ranges::any_of(all_targets(), [&](const target_facts& each) {
            return each.is != target::gateway && serves(each.is);
        });
    }
    bool needs_postgres() const {
        return serves(target::user) || serves(target::product) ||
               (needs_items() && from_.text("key_value") == "postgres");
    }
    bool needs_blobs() const {
        return serves(target::product) || serves(target::notification) || serves(target::analytics);
    }

    result<void> open_postgres(bool migrates) {
        STOA_TRY(auto server, postgres_of(from_));
        postgres_options options{
            .server = std::move(server),
            .migrations = shop_migrations(),
            .topics = topics_,
            .shop_currency = from_.currency("currency"),
            .connections = static_cast<std::size_t>(from_.number("db_connections")),
            .migrates = migrates,
            .may_be_away = !migrates};
        if (from_.text("key_value") == "postgres") options.tables = item_tables_of_shop();
        STOA_TRY(postgres_, postgres_store::open(options, ports_.time));
        return {};
    }

    void open_aws() {
        for (int i = 0; i < ports_.loops.size(); ++i)
            clients_.push_back(std::make_unique<http::async_client>(
                ports_.loops.at(i),
                http::client_settings{.answer_limit_bytes = std::max<std::int64_t>(
                                          dynamodb_answer_bytes, s3_answer_bytes),
                                      .idle_per_origin = 64}));
        here_ = [this]() -> http_client& {
            return *clients_[static_cast<std::size_t>(std::max(0, loop_set::here()))];
        };
        credentials_ = std::make_unique<aws::credentials_chain>(
            from_.text("aws_region"), here_, ports_.time, ports_.random, aws_environment(from_));
    }

    // A queue in another place than its address says is none; a name would be looked up at a start.
    result<void> check_queue() const {
        const auto& url = from_.text("sqs_queue_url");
        if (!url.starts_with("https://") && !url.starts_with("http://"))
            return fail(bad_setting("sqs_queue_url",
                                    "(SQS_QUEUE_URL) must be a queue's address, as "
                                    "https://sqs.eu-west-1.amazonaws.com/123456789012/"
                                    "ecommerce-order-notifications"));
        return aws::check_options({.service = "sqs",
                                   .region = from_.text("aws_region"),
                                   .endpoint = endpoint_of(from_, "aws_endpoint_url_sqs")});
    }
    void open_queue() {
        queue_ = std::make_unique<sqs_queue>(
            sqs_options{.region = from_.text("aws_region"),
                        .endpoint_url = endpoint_of(from_, "aws_endpoint_url_sqs")},
            *credentials_, here_, ports_.time, ports_.random);
    }
    std::optional<queue_destination> order_queue() const {
        if (!queue_) return std::nullopt;
        return queue_destination{queue_.get(), from_.text("sqs_queue_url"),
                                 std::string(orders::topic::orders)};
    }

    void open_dynamodb() {
        dynamodb_ = std::make_unique<dynamodb_key_value>(
            dynamodb_options{.region = from_.text("aws_region"),
                             .endpoint_url = endpoint_of(from_, "aws_endpoint_url_dynamodb"),
                             .table_prefix = from_.text("dynamodb_table_prefix")},
            *credentials_, here_, ports_.time, ports_.random);
    }

    result<void> open_blobs() {
        if (from_.text("blob") == "filesystem") {
            STOA_TRY(files_,
                     filesystem_blob::open(from_.text("data_dir") + "/blobs", ports_.files));
            return {};
        }
        s3_ = std::make_unique<s3_blob>(
            s3_options{
                .region = from_.text("aws_region"),
                .endpoint_url = endpoint_of(from_, "aws_endpoint_url_s3"),
                .path_style = from_.given("aws_endpoint_url_s3") || from_.given("aws_endpoint_url"),
                .bucket_names = s3_bucket_names(from_)},
            *credentials_, here_, ports_.time, ports_.random);
        return {};
    }

    static constexpr std::int64_t s3_answer_bytes = 16 << 20;  // a part and its headers

    settings from_;
    needs ports_;
    std::vector<std::string> topics_;
    std::vector<std::unique_ptr<http::async_client>> clients_;  // one a loop
    aws::http_here here_;
    std::unique_ptr<aws::credentials_chain> credentials_;
    std::unique_ptr<postgres_store> postgres_;
    std::unique_ptr<dynamodb_key_value> dynamodb_;
    std::unique_ptr<outboxed_items> items_;
    std::unique_ptr<s3_blob> s3_;
    std::unique_ptr<sqs_queue> queue_;
    std::unique_ptr<filesystem_blob> files_;
    std::unique_ptr<kafka_event_log> log_;
    std::vector<std::unique_ptr<outbox_meter>> meters_;  // made before start(), if at all
    std::vector<std::unique_ptr<relay>> relays_;
};

}  // namespace

result<std::unique_ptr<engines>> open_remote_engines(const settings& from, engines::needs ports) {
    auto made = std::make_unique<remote_engines>(from, std::move(ports));
    STOA_TRY_VOID(made->open_stores(false));
    STOA_TRY_VOID(made->open_log());
    return made;
}

result<std::vector<std::string>> make_remote_engines(const settings& from, engines::needs ports) {
    auto& loops = ports.loops;
    remote_engines made(from, std::move(ports));
    STOA_TRY_VOID(made.open_stores(true));
    result<std::vector<std::string>> done = fail(errc::internal, "migrate_ended_early");
    asio::co_spawn(loops.at(0), made.make(),
                   [&](const std::exception_ptr& thrown, result<std::vector<std::string>> outcome) {
                       if (!thrown) done = std::move(outcome);
                       loops.stop();
                   });
    loops.run();
    made.close();
    return done;
}

}  // namespace stoa
