#include "adapters/sqlite/sqlite_shop.hpp"
#include "contract/engine.hpp"
#include "support/temporary_directory.hpp"

#include <stdexcept>

namespace stoa::testing {
namespace {

class sqlite_under_test final : public engine {
 public:
    sqlite_under_test(const engine_setup& setup, manual_clock& time) : time_(time) {
        options_.directory = directory_ / "data";
        options_.tables = setup.tables;
        options_.topics = setup.topics;
        sql_component tables{"contract", {}};
        for (const auto& each : setup.statements)
            tables.steps.push_back({"step_" + std::to_string(tables.steps.size()), each});
        options_.migrations.push_back(std::move(tables));
        open();
    }
    sql& database() override { return shop_->database(); }
    key_value& items() override { return shop_->items(); }
    event_log& log() override { return shop_->log(); }
    void restart() override {
        shop_.reset();
        open();
    }

 private:
    void open() {
        auto opened = sqlite_shop::open(options_, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
    }
    temporary_directory directory_;
    manual_clock& time_;
    sqlite_options options_;
    std::unique_ptr<sqlite_shop> shop_;
};

}  // namespace

engine_kind sqlite_engine() {
    return {"sqlite", [](const engine_setup& setup, manual_clock& time) -> std::unique_ptr<engine> {
                return std::make_unique<sqlite_under_test>(setup, time);
            }};
}

}  // namespace stoa::testing
