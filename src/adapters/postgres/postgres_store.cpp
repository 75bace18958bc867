#include "adapters/postgres/postgres_store.hpp"

#include "adapters/outbox/relay.hpp"
#include "adapters/postgres/postgres_migrations.hpp"

namespace stoa {
namespace {

std::vector<const kv_table*> with_outbox(std::vector<const kv_table*> tables) {
    for (const auto* each : {&outbox_table, &inbox_table, &leases_table}) tables.push_back(each);
    return tables;
}

}  // namespace

postgres_store::postgres_store(const postgres_options& options, clock& time)
    : options_(options),
      time_(time),
      schema_(with_outbox(options.tables)),
      events_(schema_, options.topics, time) {
    pool_ = std::make_unique<postgres_pool>(
        options_.server, options_.connections,
        [this](postgres_connection& on) { return make_schema(on); });
    sql_ = std::make_unique<postgres_sql>(*pool_, events_, options_.shop_currency,
                                          options_.connections, options_.queue_limit);
    key_value_ = std::make_unique<postgres_key_value>(*pool_, schema_, options_.queue_limit);
}

result<std::unique_ptr<postgres_store>> postgres_store::open(const postgres_options& options,
                                                             clock& time) {
    std::unique_ptr<postgres_store> store(new postgres_store(options, time));
    STOA_TRY_VOID(store->pool_->start(options.may_be_away));
    return store;
}

result<void> postgres_store::make_schema(postgres_connection& on) {
    const postgres_schema_lock one_process_at_a_time(on);
    STOA_TRY_VOID(migrate(on, options_.migrations, time_.now(), options_.migrates));
    return schema_.open(on, options_.migrates);
}

task<result<void>> postgres_store::probe() {
    auto ask = [](transaction& t) -> result<std::int64_t> {
        return t.number("SELECT 1").value_or(0);
    };
    STOA_CO_TRY_VOID(co_await sql_->read(std::move(ask)));
    co_return result<void>{};
}

void postgres_store::close() {
    if (pool_) pool_->close();
}

}  // namespace stoa
