#include "adapters/sqlite/kv_schema.hpp"

#include "ports/item_codec.hpp"

#include <algorithm>

namespace stoa {
namespace {

std::string quoted(const std::string& name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + '"';
}

std::string joined(const std::vector<std::string>& parts, std::string_view after_each = {}) {
    std::string out;
    for (const auto& each : parts) {
        if (!out.empty()) out += ", ";
        (out += each) += after_each;
    }
    return out;
}

// `columns` order the rows of one hash value.
std::string query_text(const std::string& select, const std::string& hash,
                       const std::vector<std::string>& columns, bool forwards, bool after) {
    std::string out = select + " WHERE " + hash + " = ?1";
    if (columns.empty()) return out + " AND ?2 < ?3 LIMIT ?4";
    out += " AND " + columns[0] + " >= ?2 AND " + columns[0] + " < ?3";
    if (after) {
        std::string key;
        for (std::size_t i = 0; i < columns.size(); ++i)
            key += (i ? ", ?" : "?") + std::to_string(5 + i);
        out += " AND (" + joined(columns) + ") " + (forwards ? ">" : "<") + " (" + key + ")";
    }
    return out + " ORDER BY " + joined(columns, forwards ? "" : " DESC") + " LIMIT ?4";
}

void fill_queries(kv_path& path, const std::string& select, const std::string& hash,
                  const std::vector<std::string>& columns) {
    for (const bool forwards : {false, true})
        for (const bool after : {false, true})
            path.queries[static_cast<std::size_t>(forwards) + 2 * static_cast<std::size_t>(after)] =
                query_text(select, hash, columns, forwards, after);
}

kv_path index_path(const kv_table& table, const kv_index& index, const std::string& items) {
    kv_path out;
    out.name = index.name;
    out.hash = index.hash;
    out.range = index.range;
    out.relation = quoted("kv_" + std::string(table.name) + "_by_" + std::string(index.name));
    std::vector<std::string> columns, order;
    columns.push_back("ih");
    if (!index.range.empty()) {
        columns.push_back("ir");
        order.push_back("i.ir");
        out.order.push_back(index.range);
    }
    columns.push_back("h");
    order.push_back("i.h");
    out.order.push_back(table.hash);
    if (!table.range.empty()) {
        columns.push_back("r");
        order.push_back("i.r");
        out.order.push_back(table.range);
    }
    // CROSS JOIN keeps SQLite from turning the loops round: the index gives the order.
    fill_queries(out,
                 "SELECT m.body FROM " + out.relation + " i CROSS JOIN " + items +
                     " m ON m.h = i.h" + (table.range.empty() ? "" : " AND m.r = i.r"),
                 "i.ih", order);
    std::string places, equal;
    for (std::size_t n = 1; n <= columns.size(); ++n) {
        const auto place = "?" + std::to_string(n);
        places += (n > 1 ? ", " : "") + place;
        equal += (n > 1 ? " AND " : "") + columns[n - 1] + " = " + place;
    }
    out.insert =
        "INSERT INTO " + out.relation + " (" + joined(columns) + ") VALUES (" + places + ")";
    out.erase = "DELETE FROM " + out.relation + " WHERE " + equal;
    return out;
}

std::unique_ptr<kv_state> state_of(const kv_table& table) {
    auto out = std::make_unique<kv_state>();
    out->table = &table;
    const bool ranged = out->ranged();
    auto& items = out->items;
    items.hash = table.hash;
    items.range = table.range;
    items.relation = quoted("kv_" + std::string(table.name));
    if (ranged) items.order.push_back(table.range);
    fill_queries(items, "SELECT body FROM " + items.relation, "h",
                 ranged ? std::vector<std::string>{"r"} : std::vector<std::string>{});
    for (const auto& index : table.indexes)
        out->indexes.push_back(index_path(table, index, items.relation));

    const std::string where = ranged ? " WHERE h = ?1 AND r = ?2" : " WHERE h = ?1";
    out->get = "SELECT body FROM " + items.relation + where;
    out->erase = "DELETE FROM " + items.relation + where;
    out->put =
        ranged
            ? "INSERT INTO " + items.relation +
                  " (h, r, expires_at, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (h, r) DO UPDATE "
                  "SET expires_at = excluded.expires_at, body = excluded.body"
            : "INSERT INTO " + items.relation +
                  " (h, expires_at, body) VALUES (?1, ?2, ?3) ON CONFLICT (h) DO UPDATE "
                  "SET expires_at = excluded.expires_at, body = excluded.body";
    const std::string order = ranged ? "h, r" : "h";
    out->scan = "SELECT body FROM " + items.relation + " ORDER BY " + order + " LIMIT ?1";
    out->scan_after = "SELECT body FROM " + items.relation +
                      (ranged ? " WHERE (h, r) > (?2, ?3)" : " WHERE h > ?2") + " ORDER BY " +
                      order + " LIMIT ?1";
    out->expired = "SELECT body FROM " + items.relation +
                   " WHERE expires_at IS NOT NULL AND expires_at <= ?1 LIMIT ?2";
    return out;
}

std::string shape_of(const kv_index& index) {
    return std::string(index.hash) + "/" + std::string(index.range);
}

void fill(sqlite_connection& db, const kv_state& of, const kv_path& index) {
    std::vector<item> page;
    std::optional<item> after;
    do {
        page.clear();
        {
            constexpr std::int64_t chunk = 500;
            const auto read = [&](sqlite_statement rows) {
                while (rows.step()) page.push_back(decode_item(rows.bytes(0)));
            };
            if (!after) read(sqlite_statement(db, of.scan.c_str(), chunk));
            else if (of.ranged())
                read(sqlite_statement(db, of.scan_after.c_str(), chunk,
                                      *after->find(of.table->hash), *after->find(of.table->range)));
            else
                read(sqlite_statement(db, of.scan_after.c_str(), chunk,
                                      *after->find(of.table->hash)));
        }
        for (const auto& each : page) insert_index_row(db, of, index, each);
        if (!page.empty()) after = page.back();
    } while (!page.empty());
}

std::map<std::string, std::string> known_indexes(sqlite_connection& db, std::string_view table) {
    std::map<std::string, std::string> out;
    sqlite_statement rows(db, "SELECT name, shape FROM kv_indexes WHERE table_name = ?1", table);
    while (rows.step()) out.emplace(rows.text(0), rows.text(1));
    return out;
}

void make_indexes(sqlite_connection& db, const kv_state& of) {
    const auto& table = *of.table;
    auto known = known_indexes(db, table.name);
    for (std::size_t i = 0; i < table.indexes.size(); ++i) {
        const auto& path = of.indexes[i];
        const std::string name(table.indexes[i].name);
        const auto shape = shape_of(table.indexes[i]);
        const auto stands = known.find(name);
        const bool same = stands != known.end() && stands->second == shape;
        if (stands != known.end()) known.erase(stands);
        if (same) continue;
        db.script("DROP TABLE IF EXISTS " + path.relation);
        std::vector<std::string> columns{"ih"};
        if (!path.range.empty()) columns.push_back("ir");
        columns.push_back("h");
        if (of.ranged()) columns.push_back("r");
        db.script("CREATE TABLE " + path.relation + " (" + joined(columns, " NOT NULL") +
                  ", PRIMARY KEY (" + joined(columns) + ")) WITHOUT ROWID");
        fill(db, of, path);
        db.execute(
            "INSERT INTO kv_indexes (table_name, name, shape) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (table_name, name) DO UPDATE SET shape = excluded.shape",
            table.name, name, shape);
    }
    for (const auto& [name, shape] : known) {
        db.script("DROP TABLE IF EXISTS " +
                  quoted("kv_" + std::string(table.name) + "_by_" + name));
        db.execute("DELETE FROM kv_indexes WHERE table_name = ?1 AND name = ?2", table.name, name);
    }
}

// Rows written before the table had this (or any) time-to-live attribute get their due time.
void refresh_expiry(sqlite_connection& db, const kv_state& of) {
    std::vector<item> due;
    {
        sqlite_statement rows(db, of.scan.c_str(), std::int64_t{-1});
        while (rows.step()) due.push_back(decode_item(rows.bytes(0)));
    }
    for (const auto& each : due) {
        std::string body;
        encode_item(body, each);
        const auto* ttl = of.table->ttl.empty() ? nullptr : each.find(of.table->ttl);
        const auto at = ttl && ttl->integer() ? std::optional(*ttl->integer()) : std::nullopt;
        const auto& h = *each.find(of.table->hash);
        if (of.ranged())
            db.execute(of.put.c_str(), h, *each.find(of.table->range), at, blob_view{body});
        else db.execute(of.put.c_str(), h, at, blob_view{body});
    }
}

}  // namespace

result<void> kv_schema::open(sqlite_connection& db, const std::vector<const kv_table*>& tables) {
    try {
        db.script("BEGIN IMMEDIATE");
        db.script(
            "CREATE TABLE IF NOT EXISTS kv_tables (name TEXT PRIMARY KEY, shape TEXT NOT NULL, ttl "
            "TEXT "
            "NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS kv_indexes (table_name TEXT NOT NULL, name TEXT NOT NULL, "
            "shape "
            "TEXT NOT NULL, PRIMARY KEY (table_name, name)) WITHOUT ROWID");
        for (const auto* each : tables) make(db, *each);
        db.script("COMMIT");
    } catch (const sql_failure& failure) {
        auto why = failure.why;
        try {
            if (db.in_transaction()) db.script("ROLLBACK");
        } catch (const sql_failure& second) {
            why.detail += "; then " + second.why.detail;
        }
        return fail(std::move(why));
    }
    return {};
}

void kv_schema::make(sqlite_connection& db, const kv_table& table) {
    auto& state = by_name_[std::string(table.name)];
    if (state)
        throw sql_failure{
            error{.kind = errc::internal,
                  .code = "table_declared_twice",
                  .detail = "table " + std::string(table.name) + " is declared twice"}};
    state = state_of(table);
    by_address_[&table] = state.get();
    const auto shape = std::string(table.hash) + "/" + std::string(table.range);
    bool stands = false, same_ttl = true;
    {
        sqlite_statement known(db, "SELECT shape, ttl FROM kv_tables WHERE name = ?1", table.name);
        if (known.step()) {
            stands = true;
            same_ttl = known.text(1) == table.ttl;
            if (known.text(0) != shape)
                throw sql_failure{error{.kind = errc::conflict,
                                        .code = "table_changed",
                                        .detail = "table " + std::string(table.name) +
                                                  " has the key " + std::string(known.text(0)) +
                                                  ", not " + shape +
                                                  ": a table's key cannot change"}};
        }
    }
    if (!stands) {
        const auto& name = state->items.relation;
        db.script("CREATE TABLE " + name +
                  (state->ranged()
                       ? " (h NOT NULL, r NOT NULL, expires_at INTEGER, body BLOB NOT NULL, "
                         "PRIMARY KEY (h, r)) WITHOUT ROWID;"
                       : " (h NOT NULL PRIMARY KEY, expires_at INTEGER, body BLOB NOT NULL) "
                         "WITHOUT ROWID;") +
                  "CREATE INDEX " + quoted("kv_" + std::string(table.name) + "_expiry") + " ON " +
                  name + " (expires_at) WHERE expires_at IS NOT NULL");
    }
    db.execute(
        "INSERT INTO kv_tables (name, shape, ttl) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (name) DO UPDATE SET ttl = excluded.ttl",
        table.name, shape, table.ttl);
    make_indexes(db, *state);
    if (!same_ttl) refresh_expiry(db, *state);
}

const kv_state* kv_schema::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.get();
}
const kv_state* kv_schema::find(const kv_table* table) const {
    if (!table) return nullptr;
    const auto found = by_address_.find(table);
    return found != by_address_.end() ? found->second : find(table->name);
}
std::vector<const kv_state*> kv_schema::all() const {
    std::vector<const kv_state*> out;
    for (const auto& [name, each] : by_name_) out.push_back(each.get());
    return out;
}

std::optional<kv_index_key> index_key(const kv_path& index, const item& of) {
    kv_index_key out{of.find(index.hash), index.range.empty() ? nullptr : of.find(index.range)};
    if (!out.hash || (!index.range.empty() && !out.range)) return {};
    return out;
}

namespace {
void change_index_row(sqlite_connection& db, const char* sql, const kv_state& in,
                      const kv_path& index, const item& of) {
    const auto key = index_key(index, of);
    if (!key) return;
    const auto& h = *of.find(in.table->hash);
    const auto* r = in.ranged() ? of.find(in.table->range) : nullptr;
    if (key->range && r) db.execute(sql, *key->hash, *key->range, h, *r);
    else if (key->range) db.execute(sql, *key->hash, *key->range, h);
    else if (r) db.execute(sql, *key->hash, h, *r);
    else db.execute(sql, *key->hash, h);
}
}  // namespace

void insert_index_row(sqlite_connection& db, const kv_state& in, const kv_path& index,
                      const item& of) {
    change_index_row(db, index.insert.c_str(), in, index, of);
}
void erase_index_row(sqlite_connection& db, const kv_state& in, const kv_path& index,
                     const item& of) {
    change_index_row(db, index.erase.c_str(), in, index, of);
}

}  // namespace stoa
