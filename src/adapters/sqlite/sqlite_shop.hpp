// A whole shop's storage in one SQLite file: `shop.db` in a data directory, behind the ports sql,
// key_value and event_log. What one transaction changes through any of them is durable together.
#pragma once

#include "adapters/sqlite/migrations.hpp"
#include "adapters/sqlite/sqlite_event_log.hpp"
#include "adapters/sqlite/sqlite_key_value.hpp"
#include "adapters/sqlite/sqlite_snapshot.hpp"
#include "adapters/sqlite/sqlite_sql.hpp"

namespace stoa {

struct sqlite_options {
    std::string directory;
    std::vector<sql_component> migrations;
    std::vector<const kv_table*> tables;
    std::vector<topic_spec> topics;
    currency_code shop_currency;
    std::size_t queue_limit = 4096;  // write jobs that may wait
    std::string vfs;  // SQLite's name of a file layer, for fault injection; empty: the system's
};

// Thread rule: made and closed by the main thread; the ports from any loop. Declare it after the
// loops and before the services that use it; destroy subscriptions before it.
class sqlite_shop {
 public:
    static result<std::unique_ptr<sqlite_shop>> open(const sqlite_options& options, clock& time);
    ~sqlite_shop() { close(); }

    sqlite_sql& database() { return *sql_; }
    sqlite_key_value& items() { return *key_value_; }
    sqlite_event_log& log() { return *log_; }
    const sqlite_counters& counters() const { return writer_->counters(); }

    // This moment, for as long as it is kept: the write-ahead log grows meanwhile.
    result<std::unique_ptr<sqlite_snapshot>> snapshot();

    // Whether a write goes through again after one found no space (counters().full, which this
    // clears): a megabyte must be free, and a commit that changes nothing succeed. Errors:
    // storage_full.
    task<result<void>> look_for_room();

    // Runs what has queued, refuses the rest, moves the write-ahead log into the file. The ports
    // then answer `unavailable`. Idempotent.
    void close();

 private:
    explicit sqlite_shop(directory_lock lock) : lock_(std::move(lock)) {}

    directory_lock lock_;  // released last
    std::string path_, vfs_;
    currency_code shop_currency_;
    kv_schema schema_;
    log_state state_;
    std::unique_ptr<sqlite_readers> readers_;
    std::unique_ptr<sqlite_writer> writer_;
    std::unique_ptr<sqlite_sql> sql_;
    std::unique_ptr<sqlite_key_value> key_value_;
    std::unique_ptr<sqlite_event_log> log_;
};

}  // namespace stoa
