#include "adapters/postgres/postgres_items_schema.hpp"

#include "ports/item_codec.hpp"
#include "runtime/log.hpp"

#include <array>

namespace stoa {
namespace {

constexpr std::size_t longest_name = 63;  // PostgreSQL cuts longer ones

std::string literal(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + '\'';
}

std::uint32_t type_of_key(const postgres_key_column& c) {
    return c.number ? postgres_type::number : postgres_type::bytes;
}
std::uint32_t list_of_key(const postgres_key_column& c) {
    return c.number ? postgres_type::number_list : postgres_type::bytes_list;
}
std::string type_word(const postgres_key_column& c) { return c.number ? "BIGINT" : "BYTEA"; }

std::string joined(const std::vector<std::string>& parts, std::string_view after_each = {}) {
    std::string out;
    for (const auto& each : parts) {
        if (!out.empty()) out += ", ";
        (out += each) += after_each;
    }
    return out;
}

postgres_prepared_text query_text(const postgres_path& path, const std::string& relation,
                                  kv_query::op op, bool forwards, bool after) {
    using enum kv_query::op;
    postgres_prepared_text out{.types = {type_of_key(path.hash)}, .binary_rows = true};
    int n = 1;
    const auto place = [&](std::uint32_t type) {
        out.types.push_back(type);
        return "$" + std::to_string(++n);
    };
    out.text = "SELECT body FROM " + relation + " WHERE " + path.hash.name + " = $1";
    if (op != any && path.ranged) {
        const auto& c = path.range;
        const auto compare = [&](const char* word) {
            ((out.text += " AND ") += c.name) += word;
            out.text += place(type_of_key(c));
        };
        if (op == equal) compare(" = ");
        if (op == less) compare(" < ");
        if (op == at_most) compare(" <= ");
        if (op == greater) compare(" > ");
        if (op == at_least || op == between || op == begins_with) compare(" >= ");
        if (op == between) compare(" <= ");
        if (op == begins_with) compare(" < ");
    }
    const auto limit = place(postgres_type::number);
    std::vector<std::string> columns;
    for (const auto& each : path.order) columns.push_back(each.name);
    if (after && !columns.empty()) {
        std::vector<std::string> key;
        for (const auto& each : path.order) key.push_back(place(type_of_key(each)));
        out.text +=
            " AND (" + joined(columns) + ") " + (forwards ? ">" : "<") + " (" + joined(key) + ")";
    }
    if (!columns.empty()) out.text += " ORDER BY " + joined(columns, forwards ? "" : " DESC");
    out.text += " LIMIT " + limit;
    return out;
}

void fill_queries(postgres_path& path, const std::string& relation) {
    for (const auto op : {kv_query::op::any, kv_query::op::equal, kv_query::op::less,
                          kv_query::op::at_most, kv_query::op::greater, kv_query::op::at_least,
                          kv_query::op::between, kv_query::op::begins_with})
        for (const bool forwards : {false, true})
            for (const bool after : {false, true})
                path.queries[static_cast<std::size_t>(op) + (forwards ? 8u : 0u) +
                             (after ? 16u : 0u)] = query_text(path, relation, op, forwards, after);
}

postgres_key_column column(const kv_table& table, std::string name, std::string_view attribute) {
    return {std::move(name), attribute, holds_numbers(table, attribute)};
}

postgres_path index_path(const postgres_table& of, const kv_index& index) {
    postgres_path out;
    const auto& table = *of.table;
    out.name = index.name;
    out.ranged = !index.range.empty();
    out.hash = column(table, in_quotes(std::string(index.name) + "_h"), index.hash);
    if (out.ranged) {
        out.range = column(table, in_quotes(std::string(index.name) + "_r"), index.range);
        out.order.push_back(out.range);
    }
    out.order.push_back(of.items.hash);
    if (of.ranged()) out.order.push_back(of.items.range);
    fill_queries(out, of.relation);
    return out;
}

// Every column in the order in which lists are given: the key, expires_at, body, the indexes'.
std::vector<postgres_key_column> columns_of(const postgres_table& of) {
    std::vector<postgres_key_column> out{of.items.hash};
    if (of.ranged()) out.push_back(of.items.range);
    out.push_back({"expires_at", {}, true});
    out.push_back({"body", {}, false});
    for (const auto& each : of.indexes) {
        out.push_back(each.hash);
        if (each.ranged) out.push_back(each.range);
    }
    return out;
}

void fill_statements(postgres_table& of) {
    const auto columns = columns_of(of);
    const std::string key = of.ranged() ? "h, r" : "h";
    std::vector<std::string> names, lists, places, excluded;
    std::vector<std::uint32_t> types, one;
    for (const auto& each : columns) {
        const auto n = std::to_string(names.size() + 1);
        names.push_back(each.name);
        lists.push_back("$" + n + "::" + type_word(each) + "[]");
        places.push_back("$" + n);
        types.push_back(list_of_key(each));
        one.push_back(type_of_key(each));
        if (each.name != "h" && each.name != "r")
            excluded.push_back(each.name + " = excluded." + each.name);
    }
    const auto into = "INSERT INTO " + of.relation + " (" + joined(names) + ") ";
    const auto rows = into + "SELECT * FROM unnest(" + joined(lists) + ")";
    const auto replace = " ON CONFLICT (" + key + ") DO UPDATE SET " + joined(excluded);
    of.insert = {rows, types};
    of.put = {rows + replace, types};
    of.insert_one = {into + "VALUES (" + joined(places) + ")" + replace, one};
    of.insert_absent = {into + "VALUES (" + joined(places) + ") ON CONFLICT DO NOTHING", one};

    std::vector<std::uint32_t> key_lists{list_of_key(of.items.hash)};
    std::string wanted_keys = "$1::" + type_word(of.items.hash) + "[]", alias = "h";
    std::string same = "t.h = k.h";
    if (of.ranged()) {
        key_lists.push_back(list_of_key(of.items.range));
        wanted_keys += ", $2::" + type_word(of.items.range) + "[]";
        alias += ", r";
        same += " AND t.r = k.r";
    }
    of.erase = {"DELETE FROM " + of.relation + " t USING unnest(" + wanted_keys + ") AS k(" +
                    alias + ") WHERE " + same,
                key_lists};
    // LATERAL: rows are looked up, and locked, one by one in the order of the list.
    auto lock_lists = key_lists;
    lock_lists.push_back(postgres_type::number_list);
    of.lock = {"SELECT k.n, CASE WHEN k.whole = 1 THEN f.body END FROM unnest(" + wanted_keys +
                   ", $" + std::to_string(lock_lists.size()) + "::BIGINT[]) WITH ORDINALITY AS k(" +
                   alias + ", whole, n) CROSS JOIN LATERAL (SELECT t.body FROM " + of.relation +
                   " t WHERE " + same + " FOR UPDATE) f",
               lock_lists, true};

    const std::vector<std::uint32_t> key_types =
        of.ranged() ? std::vector{type_of_key(of.items.hash), type_of_key(of.items.range)}
                    : std::vector{type_of_key(of.items.hash)};
    of.get = {
        "SELECT body FROM " + of.relation + " WHERE h = $1" + (of.ranged() ? " AND r = $2" : ""),
        key_types, true};
    auto scan_types = key_types;
    scan_types.push_back(postgres_type::number);
    const std::string after = of.ranged() ? "(h, r) > ($1, $2)" : "h > $1";
    of.scan = {"SELECT body FROM " + of.relation + " ORDER BY " + key + " LIMIT $1",
               {postgres_type::number},
               true};
    of.scan_after = {"SELECT body FROM " + of.relation + " WHERE " + after + " ORDER BY " + key +
                         " LIMIT $" + std::to_string(scan_types.size()),
                     scan_types, true};
    of.expire = {"DELETE FROM " + of.relation + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " +
                     of.relation + " WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
                 {postgres_type::number, postgres_type::number}};
}

std::unique_ptr<postgres_table> made(const kv_table& table, std::size_t place) {
    auto out = std::make_unique<postgres_table>();
    out->table = &table;
    out->place = place;
    out->relation = in_quotes("kv_" + std::string(table.name));
    auto& items = out->items;
    items.hash = column(table, "h", table.hash);
    items.ranged = !table.range.empty();
    if (items.ranged) {
        items.range = column(table, "r", table.range);
        items.order.push_back(items.range);
    }
    fill_queries(items, out->relation);
    for (const auto& each : table.indexes) out->indexes.push_back(index_path(*out, each));
    fill_statements(*out);
    return out;
}

std::string shape_of(const postgres_path& path) {
    const auto word = [](const postgres_key_column& c) {
        return std::string(c.attribute) + (c.number ? ":number" : ":text");
    };
    return word(path.hash) + "/" + (path.ranged ? word(path.range) : "");
}

// Single values and lists of texts, outside of the pipeline's prepared statements.
std::vector<std::vector<std::string>> ask(postgres_connection& on, const std::string& sql,
                                          std::initializer_list<std::string_view> args) {
    std::vector<std::vector<std::string>> out;
    postgres_prepared_text text{sql, std::vector<std::uint32_t>(args.size(), postgres_type::text)};
    postgres_parameters given;
    for (const auto each : args) given.add_text(each);
    on.send(text, std::move(given), [&](const postgres_rows& rows) {
        for (int i = 0; i < rows.count(); ++i) {
            auto& row = out.emplace_back();
            for (int c = 0; c < rows.columns(); ++c) row.emplace_back(rows.at(i, c));
        }
    });
    on.settle();
    on.forget_statements();  // known by an address that dies here
    return out;
}

error missing(const postgres_table& table, std::string what) {
    return {.kind = errc::conflict,
            .code = "schema_missing",
            .detail = "the database has no " + what + " of " + std::string(table.table->name) +
                      ": run `stoa migrate`"};
}

// Rows written before the index was declared get their columns.
void fill_index(postgres_connection& on, const postgres_table& table) {
    constexpr std::int64_t together = 500;
    std::optional<item> after;
    for (;;) {
        std::vector<item> page;
        const auto collect = [&](const postgres_rows& rows) {
            for (int i = 0; i < rows.count(); ++i) page.push_back(decode_item(rows.at(i, 0)));
        };
        postgres_parameters args;
        if (after) {
            add_key(args, *after->find(table.table->hash));
            if (table.ranged()) add_key(args, *after->find(table.table->range));
        }
        args.add_number_binary(together);
        on.send(after ? table.scan_after : table.scan, std::move(args), collect);
        on.settle();
        if (page.empty()) return;
        for (const auto& each : page) {
            std::string set;
            postgres_prepared_text update;
            postgres_parameters values;
            const auto place = [&](const postgres_key_column& c, const attribute* value) {
                update.types.push_back(type_of_key(c));
                if (value) add_key(values, *value);
                else values.add_null();
                return "$" + std::to_string(update.types.size());
            };
            for (const auto& index : table.indexes) {
                const auto key = index_key_of(index, each);
                set += (set.empty() ? "" : ", ") + index.hash.name + " = " +
                       place(index.hash, key.hash);
                if (index.ranged)
                    set += ", " + index.range.name + " = " + place(index.range, key.range);
            }
            update.text = "UPDATE " + table.relation + " SET " + set +
                          " WHERE h = " + place(table.items.hash, each.find(table.table->hash));
            if (table.ranged())
                update.text +=
                    " AND r = " + place(table.items.range, each.find(table.table->range));
            on.send(update, std::move(values));
            on.settle();
            on.forget_statements();
        }
        after = std::move(page.back());
    }
}

}  // namespace

postgres_items_schema::postgres_items_schema(const std::vector<const kv_table*>& tables) {
    for (const auto* each : tables) {
        auto& known = by_name_[std::string(each->name)];
        if (!known) {
            tables_.push_back(made(*each, tables_.size()));
            known = tables_.back().get();
        }
        by_address_[each] = known;
    }
}

const postgres_table* postgres_items_schema::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}
const postgres_table* postgres_items_schema::find(const kv_table* table) const {
    if (!table) return nullptr;
    const auto found = by_address_.find(table);
    return found != by_address_.end() ? found->second : find(table->name);
}

result<void> postgres_items_schema::open(postgres_connection& on, bool make) const {
    if (make)
        on.script(
            "CREATE TABLE IF NOT EXISTS kv_tables (name TEXT PRIMARY KEY, shape TEXT NOT NULL); "
            "CREATE TABLE IF NOT EXISTS kv_indexes (table_name TEXT NOT NULL, name TEXT NOT NULL, "
            "shape TEXT NOT NULL, PRIMARY KEY (table_name, name))");
    else if (ask(on, "SELECT to_regclass('kv_tables')::TEXT", {})[0][0].empty())
        return fail(missing(*tables_.front(), "key-value tables, among them that"));
    for (const auto& each : tables_) STOA_TRY_VOID(open_table(on, *each, make));
    return {};
}

result<void> postgres_items_schema::open_table(postgres_connection& on, const postgres_table& table,
                                               bool make) const {
    const auto& name = table.table->name;
    const auto shape = shape_of(table.items);
    const auto stands = ask(on, "SELECT shape FROM kv_tables WHERE name = $1", {name});
    if (!stands.empty() && stands[0][0] != shape)
        return fail(errc::conflict, "table_changed",
                    "table " + std::string(name) + " has the key " + stands[0][0] + ", not " +
                        shape + ": a table's key cannot change");
    if (stands.empty() && !make) return fail(missing(table, "table"));
    auto known = ask(on, "SELECT name, shape FROM kv_indexes WHERE table_name = $1", {name});
    std::string script;
    if (stands.empty()) {
        const auto expiry = in_quotes("kv_" + std::string(name) + "_expiry");
        script = "CREATE TABLE " + table.relation + " (h " + type_word(table.items.hash) +
                 " NOT NULL, " +
                 (table.ranged() ? "r " + type_word(table.items.range) + " NOT NULL, " : "") +
                 "expires_at BIGINT, body BYTEA NOT NULL, PRIMARY KEY (h" +
                 (table.ranged() ? ", r" : "") +
                 // Room on each page, so that a changed item may stay on it and out of the indexes.
                 ")) WITH (fillfactor = 80); CREATE INDEX " + expiry + " ON " + table.relation +
                 " (expires_at) WHERE expires_at IS NOT NULL; INSERT INTO kv_tables VALUES (" +
                 literal(name) + ", " + literal(shape) + ");";
    }
    bool fills = false;
    for (const auto& index : table.indexes) {
        const auto wanted = shape_of(index);
        const auto same = std::ranges::find_if(
            known, [&](const auto& k) { return k[0] == index.name && k[1] == wanted; });
        if (same != known.end()) continue;
        if (!make) return fail(missing(table, "index " + std::string(index.name)));
        const auto relation =
            in_quotes("kv_" + std::string(name) + "_by_" + std::string(index.name));
        if (relation.size() > longest_name + 2)
            return fail(errc::internal, "name_too_long", relation + " is too long for PostgreSQL");
        std::string columns = index.hash.name;
        script += "DROP INDEX IF EXISTS " + relation + "; ALTER TABLE " + table.relation +
                  " DROP COLUMN IF EXISTS " + index.hash.name + ", ADD COLUMN " + index.hash.name +
                  " " + type_word(index.hash);
        if (index.ranged) {
            script += ", DROP COLUMN IF EXISTS " + index.range.name + ", ADD COLUMN " +
                      index.range.name + " " + type_word(index.range);
            columns += ", " + index.range.name;
        }
        script += "; CREATE INDEX " + relation + " ON " + table.relation + " (" + columns + ", h" +
                  (table.ranged() ? ", r" : "") + ") WHERE " + index.hash.name +
                  " IS NOT NULL; INSERT INTO kv_indexes VALUES (" + literal(name) + ", " +
                  literal(index.name) + ", " + literal(wanted) +
                  ") ON CONFLICT (table_name, name) DO UPDATE SET shape = excluded.shape;";
        fills = fills || !stands.empty();
    }
    if (script.empty()) return {};
    on.script("BEGIN; " + script);
    if (fills) {
        log_info("index_is_filled", {{"table", name}});
        fill_index(on, table);
    }
    on.script("COMMIT");
    return {};
}

postgres_index_key index_key_of(const postgres_path& index, const item& of) {
    postgres_index_key out{of.find(index.hash.attribute),
                           index.ranged ? of.find(index.range.attribute) : nullptr};
    if (!out.hash || (index.ranged && !out.range)) return {};
    return out;
}

std::optional<std::int64_t> expiry_of(const kv_table& in, const item& value) {
    const attribute* found = in.ttl.empty() ? nullptr : value.find(in.ttl);
    if (!found || !found->integer()) return {};
    return *found->integer();
}

void postgres_list::add(std::string_view bytes) {
    put(static_cast<std::uint32_t>(bytes.size()));
    body_ += bytes;
    ++count_;
}
void postgres_list::add(std::int64_t n) {
    put(8);
    put(static_cast<std::uint32_t>(static_cast<std::uint64_t>(n) >> 32));
    put(static_cast<std::uint32_t>(n));
    ++count_;
}
void postgres_list::add_null() {
    put(0xffffffff);
    nulls_ = true;
    ++count_;
}
void postgres_list::add(const attribute* key) {
    if (!key) add_null();
    else if (numbers_) add(*key->integer());
    else add(std::string_view(*key->text()));
}
std::string postgres_list::take() {
    const auto elements = std::exchange(body_, {});
    put(count_ == 0 ? 0 : 1);  // dimensions
    put(nulls_ ? 1 : 0);
    put(element_);
    if (count_ > 0) {
        put(count_);
        put(1);  // the first index
    }
    body_ += elements;
    return std::move(body_);
}

void add_key(postgres_parameters& to, const attribute& key) {
    if (const auto* n = key.integer()) to.add_number_binary(*n);
    else to.add_bytes(*key.text());
}

}  // namespace stoa
