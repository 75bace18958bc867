// The key_value port on the shop's SQLite file: writes on the writer's thread, reads at once on the
// caller's.
#pragma once

#include "adapters/sqlite/kv_schema.hpp"
#include "adapters/sqlite/sqlite_file.hpp"
#include "adapters/sqlite/sqlite_sql.hpp"

namespace stoa {

class sqlite_key_value final : public key_value {
 public:
    sqlite_key_value(sqlite_sql& database, sqlite_readers& readers, const kv_schema& schema)
        : database_(database), readers_(readers), schema_(schema) {}

    task<result<std::optional<item>>> get(const kv_table& table, item key) override;
    task<result<kv_page>> query(kv_query what) override;
    task<result<write_outcome>> write(write_set what) override;
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override;

    // Deletes at most `max` items, over all tables, that were due by `now`; how many. Call again
    // while it is `max`.
    task<result<int>> expire(timestamp now, int max);

 private:
    result<std::optional<item>> get_now(const kv_table& table, const item& key);
    result<kv_page> query_now(const kv_query& what);
    result<kv_page> scan_now(const kv_table& table, const std::optional<item>& after, int limit);

    sqlite_sql& database_;
    sqlite_readers& readers_;
    const kv_schema& schema_;
};

}  // namespace stoa
