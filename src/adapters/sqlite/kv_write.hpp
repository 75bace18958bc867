// A write set, checked on the caller's thread and carried out on the writer's.
#pragma once

#include "adapters/sqlite/kv_schema.hpp"
#include "adapters/sqlite/sqlite_writer.hpp"

namespace stoa {

inline constexpr std::size_t most_writes = 100;
inline constexpr std::size_t largest_item_bytes = 400 * 1024;
inline constexpr std::size_t largest_page_bytes = 1024 * 1024;

struct kv_planned_write {
    const kv_state* in;
    write_set::write what;
    item key;          // the table's key attributes alone
    std::string body;  // put: encoded
};
struct kv_plan {
    std::vector<kv_planned_write> writes;
    std::vector<event> events;
    std::optional<delivery> receipt;
};

// `invalid` for whatever breaks the port's limits: nothing is written then.
result<kv_plan> plan_writes(const kv_schema& schema, write_set what);

// Throws sql_failure, or says that nothing was written; an error rolls back.
result<write_outcome> apply(sqlite_transaction& to, const kv_plan& plan);

// The key attributes of a table, out of a key or a whole item.
result<item> table_key(const kv_state& in, const item& from);
result<void> check_key(std::string_view name, const attribute* value);
std::optional<item> read_item_row(sqlite_connection& db, const kv_state& in, const item& key);
// Deletes an item that stands, with its index rows.
void erase_item_row(sqlite_connection& db, const kv_state& in, const item& standing);

}  // namespace stoa
