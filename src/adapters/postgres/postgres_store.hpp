// The ports sql and key_value on one PostgreSQL database. What one transaction changes through
// either is durable together; its events and receipts are items of the outbox and the inbox
// (adapters/outbox), which are made here whatever the tables are.
//
// A commit whose answer is lost is `unavailable` with code outcome_unknown: it may have been kept.
// Nothing is retried then; the caller's idempotency key, receipt or condition makes its retry safe.
#pragma once

#include "adapters/postgres/postgres_key_value.hpp"
#include "adapters/postgres/postgres_sql.hpp"
#include "ports/sql_migrations.hpp"

namespace stoa {

struct postgres_options {
    postgres_address server;  // DATABASE_URL
    std::vector<sql_component> migrations;
    std::vector<const kv_table*> tables;
    std::vector<std::string> topics;  // that transactions may publish to
    currency_code shop_currency;
    std::size_t connections = 16;     // 8–32
    std::size_t queue_limit = 4'096;  // pieces of work of one kind that may wait
    bool migrates = true;             // false: tables and migrations must stand (`stoa migrate`)
    bool may_be_away = false;  // open() succeeds without a server; work is `unavailable` meanwhile
};

// Thread rule: made and closed by the main thread; the ports from any loop. Declare it after the
// loops and before the services that use it.
class postgres_store {
 public:
    // Errors, beside those of migrations and tables: connect_error's.
    static result<std::unique_ptr<postgres_store>> open(const postgres_options& options,
                                                        clock& time);
    ~postgres_store() { close(); }

    postgres_sql& database() { return *sql_; }
    postgres_key_value& items() { return *key_value_; }
    const postgres_counters& counters() const { return pool_->counters(); }

    // For readiness: a statement goes through.
    task<result<void>> probe();

    // Runs what has queued, for 5 s at most, and refuses the rest. The ports then answer
    // `unavailable`. Idempotent.
    void close();

 private:
    postgres_store(const postgres_options& options, clock& time);
    result<void> make_schema(postgres_connection& on);

    const postgres_options options_;
    clock& time_;
    postgres_items_schema schema_;
    postgres_events events_;
    std::unique_ptr<postgres_pool> pool_;
    std::unique_ptr<postgres_sql> sql_;
    std::unique_ptr<postgres_key_value> key_value_;
};

}  // namespace stoa
