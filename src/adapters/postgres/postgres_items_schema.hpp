// The tables behind key-value tables, and every statement over them.
//
//   "kv_<table>"  h, r           the key: BIGINT where the table's `numbers` name it, else text as
//                                BYTEA, so that its order is that of its bytes
//                 expires_at     Unix seconds
//                 body           the item (ports/item_codec.hpp)
//                 "<index>_h", "<index>_r"   an index's key; NULL: the item is not in it
#pragma once

#include "adapters/postgres/postgres_connection.hpp"
#include "ports/key_value.hpp"

#include <map>
#include <memory>

namespace stoa {

// A column of an attribute.
struct postgres_key_column {
    std::string name;            // quoted
    std::string_view attribute;  // empty: expires_at or body
    bool number = false;
};

// A way to read items in order: the table itself or one of its indexes.
struct postgres_path {
    std::string_view name;  // of the index; empty: the table
    postgres_key_column hash, range;
    bool ranged = false;
    std::vector<postgres_key_column>
        order;  // within a hash value; a range condition is on the first
    // By op of the range condition, + 8 forwards, + 16 after a page key. Parameters: hash, the
    // condition's one or two, limit, the page key.
    std::array<postgres_prepared_text, 32> queries;

    const postgres_prepared_text& query(kv_query::op op, bool forwards, bool after) const {
        return queries[static_cast<std::size_t>(op) + (forwards ? 8u : 0u) + (after ? 16u : 0u)];
    }
};

struct postgres_table {
    const kv_table* table = nullptr;
    std::string relation;   // quoted
    std::size_t place = 0;  // transactions lock tables in this order
    postgres_path items;
    std::vector<postgres_path> indexes;
    // Of lists, in the lists' order. lock: keys and whether the body is wanted → place in the list,
    // body. insert fails where a key stands, put does not.
    postgres_prepared_text lock, insert, put, erase;
    postgres_prepared_text insert_one, insert_absent, scan, scan_after, expire, get;
    bool ranged() const { return items.ranged; }
};

// Thread rule: fixed once opened.
class postgres_items_schema {
 public:
    explicit postgres_items_schema(const std::vector<const kv_table*>& tables);
    // Makes what is missing and fills new indexes; `check` only looks. Indexes that are not
    // declared here stay: a newer version beside this one may need them. Errors: `conflict` with
    // code table_changed (another key), schema_missing.
    result<void> open(postgres_connection& on, bool make) const;
    const postgres_table* find(const kv_table* table) const;
    const postgres_table* find(std::string_view name) const;
    const std::vector<std::unique_ptr<postgres_table>>& all() const { return tables_; }

 private:
    result<void> open_table(postgres_connection& on, const postgres_table& table, bool make) const;

    std::vector<std::unique_ptr<postgres_table>> tables_;
    std::map<std::string, const postgres_table*, std::less<>> by_name_;
    std::map<const kv_table*, const postgres_table*> by_address_;
};

// The key attributes of an index, both null where the item is not in it.
struct postgres_index_key {
    const attribute* hash = nullptr;
    const attribute* range = nullptr;
};
postgres_index_key index_key_of(const postgres_path& index, const item& of);
std::optional<std::int64_t> expiry_of(const kv_table& in, const item& value);

// A list as one parameter, in PostgreSQL's binary form of arrays.
class postgres_list {
 public:
    explicit postgres_list(bool numbers)  // or bytes
        : numbers_(numbers), element_(numbers ? postgres_type::number : postgres_type::bytes) {}
    static postgres_list of_texts() {
        postgres_list out(false);
        out.element_ = postgres_type::text;
        return out;
    }
    void add(std::string_view bytes);
    void add(std::int64_t n);
    void add_null();
    void add(const attribute* key);  // null: NULL
    std::string take();

 private:
    void put(std::uint32_t n) {
        for (int shift = 24; shift >= 0; shift -= 8) body_ += static_cast<char>(n >> shift);
    }
    bool numbers_, nulls_ = false;
    std::uint32_t element_, count_ = 0;
    std::string body_;
};

void add_key(postgres_parameters& to, const attribute& key);

}  // namespace stoa
