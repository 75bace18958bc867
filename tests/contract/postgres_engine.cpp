// PostgreSQL under the outbox; events go by the relay to an embedded log.
#include "adapters/sqlite/sqlite_shop.hpp"
#include "contract/engine.hpp"
#include "engines/postgres_under_test.hpp"
#include "engines/relayed_log.hpp"
#include "support/temporary_directory.hpp"

#include <stdexcept>

namespace stoa::testing {
namespace {

class postgres_under_test final : public engine {
 public:
    postgres_under_test(const engine_setup& setup, manual_clock& time) : time_(time) {
        options_.server = database_.address();
        options_.tables = setup.tables;
        for (const auto& each : setup.topics) options_.topics.emplace_back(each.name);
        sql_component tables{"contract", {}};
        for (const auto& each : setup.statements)
            tables.steps.push_back({"step_" + std::to_string(tables.steps.size()), each});
        options_.migrations.push_back(std::move(tables));
        log_options_.directory = directory_ / "log";
        log_options_.topics = setup.topics;
        open();
    }
    ~postgres_under_test() override { store_->close(); }
    sql& database() override { return store_->database(); }
    key_value& items() override { return *items_; }
    event_log& log() override { return *log_; }
    void restart() override {
        store_->close();
        beside_.reset();
        open();
    }

 private:
    void open() {
        auto opened = postgres_store::open(options_, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        auto beside = sqlite_shop::open(log_options_, time_);
        if (!beside) throw std::runtime_error(beside.error().detail);
        log_.reset();
        relay_.reset();
        items_.reset();
        store_ = *std::move(opened);
        beside_ = *std::move(beside);
        items_ = std::make_unique<outboxed_items>(store_->items(), time_, options_.topics);
        relay_ =
            std::make_unique<relay>(store_->items(), beside_->log(), time_, random_, "contract");
        log_ = std::make_unique<relayed_log>(beside_->log(), *relay_);
    }

    temporary_directory directory_;
    postgres_database database_;
    manual_clock& time_;
    seeded_random random_{1};
    postgres_options options_;
    sqlite_options log_options_;
    std::unique_ptr<postgres_store> store_;
    std::unique_ptr<sqlite_shop> beside_;
    std::unique_ptr<outboxed_items> items_;
    std::unique_ptr<relay> relay_;
    std::unique_ptr<relayed_log> log_;
};

}  // namespace

engine_kind postgres_engine() {
    return {"postgres",
            [](const engine_setup& setup, manual_clock& time) -> std::unique_ptr<engine> {
                return std::make_unique<postgres_under_test>(setup, time);
            }};
}

}  // namespace stoa::testing
