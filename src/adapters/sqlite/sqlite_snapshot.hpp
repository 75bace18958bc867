// The whole shop at one moment, to read only: for audits and backups.
#pragma once

#include "adapters/sqlite/kv_schema.hpp"
#include "adapters/sqlite/log_state.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace stoa {

class sqlite_readers;

// Rows one at a time, for what is larger than memory. Throws sql_failure. Dies before its snapshot.
class snapshot_rows {
 public:
    snapshot_rows(sqlite_connection& db, const char* sql, std::vector<std::string> texts);
    bool next() { return statement_.step(); }
    const sqlite_statement& row() const { return statement_; }

 private:
    std::vector<std::string> texts_;  // bound, so they stay
    sqlite_statement statement_;
};

// Items in the order of the table's key, or of one of its indexes. Throws sql_failure.
class snapshot_items {
 public:
    explicit snapshot_items(std::unique_ptr<snapshot_rows> from) : from_(std::move(from)) {}
    std::optional<item> next();

 private:
    std::unique_ptr<snapshot_rows> from_;
};

struct snapshot_event {
    std::string key, id, type;
    std::string_view topic;  // of the snapshot's own
    int partition = 0;
    std::int64_t offset = 0, version = 0;
};
class snapshot_events {
 public:
    snapshot_events(std::unique_ptr<snapshot_rows> from, const class sqlite_snapshot& of)
        : from_(std::move(from)), of_(of) {}
    std::optional<snapshot_event> next();

 private:
    std::unique_ptr<snapshot_rows> from_;
    const sqlite_snapshot& of_;
};

// Thread rule: one thread at a time; not across the shop's close(). Its functions throw
// sql_failure where the storage fails.
class sqlite_snapshot {
 public:
    ~sqlite_snapshot();

    // Plain SQL over the tables that migrations made. `sql` lives as long as the snapshot; ?1 … are
    // texts.
    std::unique_ptr<snapshot_rows> rows(const char* sql, std::vector<std::string> texts = {}) const;
    std::int64_t number(const char* sql, std::vector<std::string> texts = {}) const;

    snapshot_items items(const kv_table& table) const;
    snapshot_items items_by(const kv_table& table, std::string_view index) const;
    std::optional<item> get(const kv_table& table, const item& key) const;
    // One index value's items, from a value of the index's range attribute on.
    std::vector<item> query(const kv_table& table, std::string_view index, std::string hash,
                            std::string_view from = {}) const;
    std::int64_t count(const kv_table& table) const;  // about: for progress
    const kv_schema& schema() const { return *schema_; }

    struct partition {
        std::int64_t id = 0;
        std::string topic;
        int number = 0;
        std::int64_t first = 0, end = 0;  // offsets kept: [first, end)
    };
    const std::vector<partition>& partitions() const { return partitions_; }
    const partition* find_partition(std::int64_t id) const;
    struct group_share {
        std::string group, topic;
        int partition = 0;
        std::int64_t next = 0;  // everything below is done
    };
    std::vector<group_share> groups() const;
    // What a group has applied beyond `next`.
    std::vector<group_share> inbox() const;
    struct parked_key {
        std::string group, topic, key;
    };
    std::vector<parked_key> parked() const;
    // Each key's events together, a topic's in their order. Sorts on disk where they are many.
    snapshot_events events_by_key(const std::vector<std::string_view>& topics) const;
    // By id, which is nearly by age.
    snapshot_events events_by_id(const std::vector<std::string_view>& topics) const;
    snapshot_events events_of(std::string_view topic) const;  // by partition and offset
    std::int64_t last_accepted_micros() const;                // 0: no event at all

    // For this folder.
    sqlite_connection& connection() const { return *db_; }
    const char* kept(std::string sql) const;  // statements are known by their text's address

 private:
    friend class sqlite_shop;
    sqlite_snapshot(std::unique_ptr<sqlite_connection> db, const kv_schema& schema);
    const kv_state& state_of(const kv_table& table) const;

    std::unique_ptr<sqlite_connection> db_;
    const kv_schema* schema_;
    std::vector<partition> partitions_;
    mutable std::map<std::string, std::unique_ptr<std::string>, std::less<>> texts_;
};

}  // namespace stoa
