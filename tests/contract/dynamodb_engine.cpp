// DynamoDB under the outbox; events go by the relay to an embedded log.
#include "adapters/dynamodb/dynamodb_key_value.hpp"
#include "adapters/outbox/relay.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "contract/engine.hpp"
#include "engines/aws_under_test.hpp"
#include "support/temporary_directory.hpp"

#include <stdexcept>

namespace stoa::testing {
namespace {

// The embedded log, after everything in the outbox has been brought to it.
class relayed_log final : public event_log {
 public:
    relayed_log(event_log& real, relay& bringer) : real_(real), bringer_(bringer) {}
    task<result<void>> append(std::vector<event> events) override {
        return real_.append(std::move(events));
    }
    result<std::unique_ptr<subscription>> subscribe(std::string group,
                                                    std::vector<std::string> topics,
                                                    lane share) override {
        return real_.subscribe(std::move(group), std::move(topics), share);
    }
    task<result<std::vector<delivery>>> read(std::string topic, int partition, std::int64_t from,
                                             int max) override {
        for (int shard = 0; shard < outbox_shards; ++shard) {
            const auto done = co_await bringer_.work_on(shard);
            if (!done) co_return std::unexpected(done.error());
        }
        co_return co_await real_.read(std::move(topic), partition, from, max);
    }
    task<result<std::vector<topic_position>>> positions(std::string topic) override {
        return real_.positions(std::move(topic));
    }
    task<result<std::vector<group_lag>>> lags() override { return real_.lags(); }
    task<result<void>> park(delivery what, error cause, int attempts) override {
        return real_.park(std::move(what), std::move(cause), attempts);
    }
    task<result<bool>> is_parked(std::string group, std::string topic, std::string key) override {
        return real_.is_parked(std::move(group), std::move(topic), std::move(key));
    }

 private:
    event_log& real_;
    relay& bringer_;
};

class dynamodb_under_test final : public engine {
 public:
    dynamodb_under_test(const engine_setup& setup, manual_clock& time)
        : time_(time), tables_(setup.tables) {
        for (const auto* each : {&outbox_table, &inbox_table, &leases_table})
            tables_.push_back(each);
        for (const auto& each : setup.topics) topics_.emplace_back(each.name);
        sqlite_.directory = directory_ / "data";
        sqlite_.topics = setup.topics;
        on_tables(&dynamodb_key_value::ensure_tables);
        on_tables(&dynamodb_key_value::check_tables);
        open();
    }
    ~dynamodb_under_test() override { on_tables(&dynamodb_key_value::drop_tables); }
    sql& database() override { return beside_->database(); }
    key_value& items() override { return *items_; }
    event_log& log() override { return *log_; }
    void restart() override { open(); }

 private:
    using of_tables = task<result<void>> (dynamodb_key_value::*)(std::vector<const kv_table*>);

    dynamodb_options options() const {
        return {.region = aws_test_region,
                .endpoint_url = engine_address("STOA_TEST_DYNAMODB"),
                .table_prefix = prefix_};
    }
    void on_tables(of_tables what) {
        test_loop own;
        aws_under_test aws;
        dynamodb_key_value store(options(), aws.by, aws.here, aws.time, aws.random);
        const auto done = own.run([&] { return (store.*what)(tables_); });
        if (!done) ADD_FAILURE() << done.error().code << ": " << done.error().detail;
    }
    void open() {
        log_.reset();
        relay_.reset();
        items_.reset();
        store_.reset();
        aws_ = std::make_unique<aws_under_test>();
        beside_.reset();
        auto opened = sqlite_shop::open(sqlite_, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        beside_ = *std::move(opened);
        store_ = std::make_unique<dynamodb_key_value>(options(), aws_->by, aws_->here, aws_->time,
                                                      aws_->random);
        items_ = std::make_unique<outboxed_items>(*store_, time_, topics_);
        relay_ = std::make_unique<relay>(*store_, beside_->log(), time_, aws_->random, "contract");
        log_ = std::make_unique<relayed_log>(beside_->log(), *relay_);
    }

    temporary_directory directory_;
    manual_clock& time_;
    std::vector<const kv_table*> tables_;
    std::vector<std::string> topics_;
    sqlite_options sqlite_;
    std::string prefix_ = new_place("contract-");
    std::unique_ptr<aws_under_test> aws_;
    std::unique_ptr<sqlite_shop> beside_;
    std::unique_ptr<dynamodb_key_value> store_;
    std::unique_ptr<outboxed_items> items_;
    std::unique_ptr<relay> relay_;
    std::unique_ptr<relayed_log> log_;
};

}  // namespace

engine_kind dynamodb_engine() {
    return {"dynamodb",
            [](const engine_setup& setup, manual_clock& time) -> std::unique_ptr<engine> {
                return std::make_unique<dynamodb_under_test>(setup, time);
            }};
}

}  // namespace stoa::testing
