// The rules of the key_value port that are the same on every engine: which keys and changes are
// allowed, and what conditions and changes mean. Pure. Errors are `invalid`.
#pragma once

#include "ports/key_value.hpp"

namespace stoa {

inline constexpr std::size_t most_writes = 100;
inline constexpr std::size_t largest_item_bytes = 400 * 1024;
inline constexpr std::size_t largest_page_bytes = 1024 * 1024;

// A key attribute of the table or of one of its indexes: there, never empty, of the declared type.
// Codes key_missing, key_type, key_empty.
result<void> check_key(const kv_table& table, std::string_view name, const attribute* value);
// The table's key attributes, out of a key or a whole item.
result<item> table_key(const kv_table& table, const item& from);
// Index attributes that are there. An item without them is in no such index.
result<void> check_index_keys(const kv_table& table, const item& value);
// Codes key_changed, not_a_number, attribute_twice, and those of check_key.
result<void> check_changes(const kv_table& table, const std::vector<change>& changes);
struct item_place {
    const kv_table* table;
    const item* key;  // as of table_key
};
// Code item_twice.
result<void> check_each_item_once(const std::vector<item_place>& places);
// Code too_many_writes.
result<void> check_count(const write_set& what);

bool holds(const condition& c, const std::optional<item>& standing);
// Codes not_a_number, number_out_of_range.
result<void> change_item(item& value, const change& c);

std::unexpected<error> item_too_large(const kv_table& table, std::size_t size_bytes);

}  // namespace stoa
