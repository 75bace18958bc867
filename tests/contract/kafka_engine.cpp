// Kafka as the log beside a store of its own: what transactions publish lies in the store's outbox
// until the relay brings it.
#include "adapters/kafka/kafka_event_log.hpp"
#include "adapters/outbox/relay.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/system/system_clock.hpp"
#include "contract/engine.hpp"
#include "engines/engine_address.hpp"
#include "support/temporary_directory.hpp"

#include <boost/asio/co_spawn.hpp>

#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace stoa::testing {
namespace {

// Topics and groups of every engine that a run makes have names of their own.
std::string new_prefix() {
    static std::atomic<int> count{0};
    return "t" + std::to_string(getpid()) + "-" + std::to_string(++count) + "-";
}

class kafka_under_test final : public engine {
 public:
    kafka_under_test(const engine_setup& setup, manual_clock& time) : time_(time) {
        store_options_ = {.directory = directory_ / "data", .tables = setup.tables, .topics = {}};
        for (const auto* each : {&outbox_table, &inbox_table, &leases_table, &parked_table})
            store_options_.tables.push_back(each);
        sql_component tables{"contract", {}};
        for (const auto& each : setup.statements)
            tables.steps.push_back({"step_" + std::to_string(tables.steps.size()), each});
        store_options_.migrations.push_back(std::move(tables));
        log_options_ = {.brokers = engine_address("STOA_TEST_KAFKA"),
                        .prefix = new_prefix(),
                        .topics = setup.topics,
                        .replication = 1,
                        .min_insync = 1};
        if (auto made = make_kafka_topics(log_options_); !made)
            throw std::runtime_error(made.error().detail);
        open();
    }
    ~kafka_under_test() override { close(); }
    sql& database() override { return store_->database(); }
    key_value& items() override { return *items_; }
    event_log& log() override { return *log_; }
    void restart() override {
        close();
        open();
    }

 private:
    void open() {
        auto store = sqlite_shop::open(store_options_, time_);
        if (!store) throw std::runtime_error(store.error().detail);
        store_ = *std::move(store);
        items_ = std::make_unique<outboxed_items>(store_->items(), time_);
        auto log = kafka_event_log::open(log_options_, store_->items(), time_);
        if (!log) throw std::runtime_error(log.error().detail);
        log_ = *std::move(log);
        relay_loop_ = std::make_unique<loop>(1);
        relay_ = std::jthread([this] { bring(); });
    }
    void close() {
        if (relay_.joinable()) {
            asio::post(*relay_loop_, [this] { stop_relay_(); });
            relay_.join();
        }
        log_.reset();
        items_.reset();
        store_.reset();
    }
    // The relay on a loop and a thread of its own, by the real clock.
    void bring() {
        auto busy = asio::make_work_guard(*relay_loop_);
        supervisor background(*relay_loop_);
        relay bringing(store_->items(), *log_, real_time_, random_, "relay");
        bringing.start(background);
        stop_relay_ = [&] {
            asio::co_spawn(*relay_loop_, background.stop(), [&busy](std::exception_ptr thrown) {
                busy.reset();
                if (thrown) std::rethrow_exception(thrown);
            });
        };
        relay_loop_->run();
    }

    temporary_directory directory_;
    manual_clock& time_;
    system_clock real_time_;
    system_random random_;
    sqlite_options store_options_;
    kafka_options log_options_;
    std::unique_ptr<sqlite_shop> store_;
    std::unique_ptr<outboxed_items> items_;
    std::unique_ptr<kafka_event_log> log_;
    std::unique_ptr<loop> relay_loop_;
    std::function<void()> stop_relay_;
    std::jthread relay_;
};

}  // namespace

engine_kind kafka_engine() {
    return {"kafka", [](const engine_setup& setup, manual_clock& time) -> std::unique_ptr<engine> {
                return std::make_unique<kafka_under_test>(setup, time);
            }};
}

}  // namespace stoa::testing
