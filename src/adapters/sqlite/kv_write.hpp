// A write set, checked on the caller's thread and carried out on the writer's.
#pragma once

#include "adapters/sqlite/kv_schema.hpp"
#include "adapters/sqlite/sqlite_writer.hpp"
#include "ports/key_value_rules.hpp"

namespace stoa {

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

std::optional<item> read_item_row(sqlite_connection& db, const kv_state& in, const item& key);
// Deletes an item that stands, with its index rows.
void erase_item_row(sqlite_connection& db, const kv_state& in, const item& standing);

}  // namespace stoa
