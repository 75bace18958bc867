// The SQL tables behind key-value tables: one a table, one an index, and every statement over them.
#pragma once

#include "adapters/sqlite/sqlite_connection.hpp"
#include "ports/key_value.hpp"

#include <array>
#include <map>
#include <memory>

namespace stoa {

// A way to read items in order: the table itself or one of its indexes. Statements are kept as text
// at a fixed address, since connections know them by it.
struct kv_path {
    std::string_view name;         // of the index; empty: the table
    std::string_view hash, range;  // attributes; range may be empty
    std::string relation;          // quoted
    // The attributes that order the items of one hash value; a range condition is on the first.
    std::vector<std::string_view> order;
    // ?1 hash, ?2 and ?3 the first ordering attribute's bounds [from, to), ?4 limit, ?5 … the page
    // key.
    std::array<std::string, 4> queries;  // + 1 forwards, + 2 after a page key
    std::string insert, erase;           // indexes: (hash, [range,] table's key)

    const char* query(bool forwards, bool after) const {
        return queries[static_cast<std::size_t>(forwards) + 2 * static_cast<std::size_t>(after)]
            .c_str();
    }
};

struct kv_state {
    const kv_table* table = nullptr;
    kv_path items;
    std::vector<kv_path> indexes;
    std::string get, put, erase, scan, scan_after, expired;
    bool ranged() const { return !table->range.empty(); }
};

// Thread rule: fixed once opened.
class kv_schema {
 public:
    // Makes what is missing, fills new indexes, drops those that are no longer declared. `conflict`
    // with code table_changed where a table stands with other key attributes.
    result<void> open(sqlite_connection& db, const std::vector<const kv_table*>& tables);
    const kv_state* find(const kv_table* table) const;
    const kv_state* find(std::string_view name) const;
    std::vector<const kv_state*> all() const;

 private:
    void make(sqlite_connection& db, const kv_table& table);
    std::map<std::string, std::unique_ptr<kv_state>, std::less<>> by_name_;
    std::map<const kv_table*, const kv_state*> by_address_;
};

// The index's key columns of an item; absent: the item is not in it.
struct kv_index_key {
    const attribute* hash;
    const attribute* range;  // null for an index without one
};
std::optional<kv_index_key> index_key(const kv_path& index, const item& of);
void insert_index_row(sqlite_connection& db, const kv_state& in, const kv_path& index,
                      const item& of);
void erase_index_row(sqlite_connection& db, const kv_state& in, const kv_path& index,
                     const item& of);

}  // namespace stoa
