// A whole database as sections of records that no engine's layout shows through, for backups, and a
// fresh database made of them. A record is an item in the encoding of item_codec.hpp.
//
//   kind     name                 a record
//   schema   migrations           component, version, name, checksum: of an applied migration
//   rows     an SQL table         a row, by column names; NULL = absent
//   items    a key_value table    an item
//   log      partitions           topic, partition, first: the offset of the first event kept
//   events   a topic              partition, offset, accepted_at, key, id, type, version,
//                                 occurred_at, traceparent, payload (times in microseconds)
//   log      consumers            group, topic, partition, next: everything below is done
//   log      inbox                group, topic, partition, offset: done beyond `next`
//   log      inbox_redriven, dead_letters, parked_keys: as docs/operations.md has them
//
// Sections come in this order. Indexes are not in them: they follow from the items.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"

#include <functional>

namespace stoa {

struct record_section {
    std::string kind, name;
    friend bool operator==(const record_section&, const record_section&) = default;
};

// Thread rule: one thread at a time, as the snapshot. Throws sql_failure.
class sqlite_records {
 public:
    explicit sqlite_records(const sqlite_snapshot& of);

    const std::vector<record_section>& sections() const { return sections_; }
    void begin(const record_section& of);
    // False: the section's end. `record` is appended to.
    bool next(std::string& record);

 private:
    std::string statement_of(const record_section& of) const;

    const sqlite_snapshot& of_;
    std::vector<record_section> sections_;
    std::unique_ptr<snapshot_rows> rows_;
    bool raw_ = false;  // the only column is a record already
};

// Fills a database that is not there yet. Nothing is durable before finish(). Errors: `conflict`
// with code backup_newer (a migration, table or topic that this version does not know), `invalid`
// with code backup_ill_formed, else the engine's.
class sqlite_loader {
 public:
    static result<std::unique_ptr<sqlite_loader>> open(const sqlite_options& into, clock& time);
    ~sqlite_loader();

    result<void> begin(const record_section& section);
    result<void> add(std::string_view record);
    result<void> finish();

 private:
    explicit sqlite_loader(const sqlite_options& into);
    void prepare();  // after the schema section
    void insert(std::string_view table, const item& row);
    void add_item(std::string_view record);
    void add_event(const item& row);
    void add_consumer(const item& row);
    const log_partition& partition_of_record(const item& row);
    result<void> guarded(const std::function<void()>& work);

    sqlite_options options_;
    timestamp now_;
    std::unique_ptr<sqlite_connection> db_;
    kv_schema schema_;
    log_state log_;
    bool prepared_ = false;
    std::vector<item> applied_;
    record_section section_;
    const kv_state* table_ = nullptr;
    std::map<std::string, std::vector<std::string>> columns_;
    std::map<std::string, std::unique_ptr<std::string>> statements_;
    std::map<std::string, std::int64_t> consumers_;
    int in_transaction_ = 0;
};

}  // namespace stoa
