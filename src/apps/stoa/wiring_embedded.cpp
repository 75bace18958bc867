// The shop on one machine: everything in one file, files in a folder beside it.
#include "adapters/filesystem/filesystem_blob.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/restore.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "runtime/log.hpp"
#include "transport/events/sweepers.hpp"

namespace stoa {
namespace {

engine_state state_of(std::string name, const sqlite_counters& told) {
    if (told.broken) return {std::move(name), false, "the disk failed; restart"};
    return {std::move(name), !told.full,
            "no space is left: reads are served, writes are refused until there is room"};
}

class embedded_engines final : public engines {
 public:
    static result<std::unique_ptr<engines>> open(const settings& from, needs ports) {
        std::unique_ptr<embedded_engines> made(new embedded_engines(ports.time));
        const auto& directory = from.text("data_dir");
        STOA_TRY(made->store_, sqlite_shop::open(shop_options(from, directory), ports.time));
        STOA_TRY(made->provider_store_,
                 sqlite_shop::open(
                     provider_options(from, directory + '/' + std::string(provider_directory)),
                     ports.time));
        STOA_TRY(made->blobs_, filesystem_blob::open(directory + "/blobs", ports.files));
        return made;
    }

    sql& database() override { return store_->database(); }
    key_value& items() override { return store_->items(); }
    event_log& log() override { return store_->log(); }
    dead_letter_store& dead_letters() override { return store_->log(); }
    blob_store& blobs() override { return *blobs_; }
    key_value& provider_items() override { return provider_store_->items(); }
    sqlite_shop* embedded() override { return store_.get(); }
    sqlite_shop* embedded_provider() override { return provider_store_.get(); }

    task<result<void>> check() override { co_return result<void>{}; }

    void start(supervisor& background) override {
        start_sweeper(background, time_, "expired items", seconds(10),
                      [this] { return store_->items().expire(time_.now(), 500); });
        for (auto* each : {store_.get(), provider_store_.get()})
            start_sweeper(background, time_, "full disk", seconds(1),
                          [each] { return look_for_room(*each); });
        start_sweeper(background, time_, "old events", seconds(60),
                      [this] { return store_->log().trim(time_.now(), 1'000); });
    }

    std::vector<engine_state> states() const override {
        return {state_of("storage", store_->counters()),
                state_of("payment_store", provider_store_->counters())};
    }

    void add_gauges(metrics& to) override {
        const auto& counters = store_->counters();
        to.gauge("storage_queue_depth", "Write jobs that wait for the writer.", {},
                 [&counters] { return static_cast<double>(counters.queued.load()); });
        to.gauge("storage_commits", "Commits since the start; each is one fsync.", {},
                 [&counters] { return static_cast<double>(counters.commits.load()); });
        to.gauge("storage_jobs", "Transactions since the start; many share a commit.", {},
                 [&counters] { return static_cast<double>(counters.jobs.load()); });
        to.gauge("storage_commit_seconds", "Time spent in commits since the start.", {},
                 [&counters] { return static_cast<double>(counters.commit_nanos.load()) / 1e9; });
        to.counts("kafka_events_published_total", "Events made durable in the log.", [this] {
            std::vector<std::pair<metric_labels, double>> out;
            for (const auto& [topic, events] : store_->log().published_now())
                out.push_back(
                    {{{"topic", topic}, {"status", "success"}}, static_cast<double>(events)});
            return out;
        });
        to.gauges("consumer_lag", "Events that a group has not dealt with.", [this] {
            std::vector<std::pair<metric_labels, double>> out;
            for (const auto& lag : store_->log().lags_now())
                out.push_back({{{"group", lag.group}, {"topic", lag.topic}},
                               static_cast<double>(lag.events)});
            return out;
        });
    }

    void close() override {
        store_->close();
        provider_store_->close();
    }

 private:
    explicit embedded_engines(clock& time) : time_(time) {}

    // Traffic would tell, but a shop that is not ready may get none.
    static task<result<int>> look_for_room(sqlite_shop& in) {
        if (!in.counters().full) co_return 0;
        STOA_CO_TRY_VOID(co_await in.look_for_room());
        log_info("storage_has_room", {});
        co_return 0;
    }

    clock& time_;
    std::unique_ptr<sqlite_shop> store_, provider_store_;
    std::unique_ptr<filesystem_blob> blobs_;
};

}  // namespace

result<std::unique_ptr<engines>> open_embedded_engines(const settings& from, engines::needs ports) {
    return embedded_engines::open(from, std::move(ports));
}

}  // namespace stoa
