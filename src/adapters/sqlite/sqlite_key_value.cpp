#include "adapters/sqlite/sqlite_key_value.hpp"

#include "adapters/sqlite/kv_write.hpp"
#include "ports/item_codec.hpp"

#include <limits>

namespace stoa {
namespace {

auto unknown(const kv_table* table) {
    return fail(errc::internal, "unknown_table",
                "table " + std::string(table ? table->name : "") + " was not declared");
}
auto refused(std::string_view code, std::string detail) {
    return fail(errc::invalid, code, std::move(detail));
}

// A bound of SQLite's order over all values: numbers, then text, then bytes.
struct bound {
    std::variant<std::int64_t, std::string, blob_view> value;
};
constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();
bound end_of_numbers() { return {std::string()}; }
bound end_of_text() { return {blob_view{}}; }

bound at(const attribute& v) {
    if (const auto* n = v.integer()) return {*n};
    return {*v.text()};
}
// The least value above `v`: for text, `v` and a NUL.
bound above(const attribute& v) {
    const auto* n = v.integer();
    if (n) return *n == highest ? end_of_numbers() : bound{*n + 1};
    return {*v.text() + '\0'};
}
bound above_prefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return end_of_text();
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return {std::move(prefix)};
}

// [from, to) of the first ordering attribute.
struct bounds {
    bound from{lowest};
    bound to = end_of_text();
};

result<bounds> bounds_of(const kv_query& q) {
    using op = kv_query::op;
    bounds out;
    if (q.range == op::any) return out;
    // Any comparison is among values of one type; a range may compare with empty text, which sorts
    // first.
    const auto usable = [](const attribute& v) { return v.integer() || v.text(); };
    if (!usable(q.from) || (q.range == op::between && q.to.value.index() != q.from.value.index()))
        return refused("range_type", "a range condition compares with text or with a number");
    const bool number = q.from.integer() != nullptr;
    out.from = number ? bound{lowest} : end_of_numbers();
    out.to = number ? end_of_numbers() : end_of_text();
    switch (q.range) {
        case op::any:
            break;
        case op::equal:
            return bounds{at(q.from), above(q.from)};
        case op::less:
            out.to = at(q.from);
            break;
        case op::at_most:
            out.to = above(q.from);
            break;
        case op::greater:
            out.from = above(q.from);
            break;
        case op::at_least:
            out.from = at(q.from);
            break;
        case op::between:
            return bounds{at(q.from), above(q.to)};
        case op::begins_with:
            if (number) return refused("range_type", "only text begins with something");
            return bounds{at(q.from), above_prefix(*q.from.text())};
    }
    return out;
}

void bind(sqlite_statement& to, int place, const bound& b) {
    if (const auto* n = std::get_if<std::int64_t>(&b.value)) to.bind(place, *n);
    else if (const auto* t = std::get_if<std::string>(&b.value)) to.bind(place, *t);
    else to.bind(place, std::get<blob_view>(b.value));
}

const kv_path* path_of(const kv_state& in, std::string_view index) {
    if (index.empty()) return &in.items;
    for (const auto& each : in.indexes)
        if (each.name == index) return &each;
    return nullptr;
}

// The attributes from which the next page goes on.
item page_key(const kv_state& in, const kv_path& path, const item& last) {
    item out;
    for (const auto name : {in.table->hash, in.table->range, path.hash, path.range})
        if (const auto* found = name.empty() ? nullptr : last.find(name)) out.set(name, *found);
    return out;
}

// Rows until the limit or 1 MB; whatever is beyond becomes the next page.
kv_page read_page(sqlite_statement& rows, const kv_state& in, const kv_path& path, int limit) {
    kv_page out;
    std::size_t size_bytes = 0;
    while (rows.step()) {
        const auto body = rows.bytes(0);
        size_bytes += body.size();
        if (std::ssize(out.items) == limit ||
            (!out.items.empty() && size_bytes > largest_page_bytes)) {
            out.next = page_key(in, path, out.items.back());
            break;
        }
        out.items.push_back(decode_item(body));
    }
    return out;
}

}  // namespace

result<std::optional<item>> sqlite_key_value::get_now(const kv_table& table, const item& key) {
    const auto* in = schema_.find(&table);
    if (!in) return unknown(&table);
    STOA_TRY_VOID(table_key(table, key));
    try {
        const auto db = readers_.take();
        return read_item_row(*db, *in, key);
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

result<kv_page> sqlite_key_value::query_now(const kv_query& what) {
    const auto* in = schema_.find(what.table);
    if (!in) return unknown(what.table);
    const auto* path = path_of(*in, what.index);
    if (!path) return refused("unknown_index", "there is no index " + std::string(what.index));
    if (what.limit < 1) return refused("page_limit", "a page has at least one item");
    STOA_TRY_VOID(check_key(*in->table, path->hash, &what.hash));
    if (what.range != kv_query::op::any && path->range.empty())
        return refused("range_missing", "there is no range attribute to compare");
    STOA_TRY(auto range, bounds_of(what));
    std::vector<const attribute*> after;
    if (what.after) {
        for (const auto name : path->order) {
            const auto* found = what.after->find(name);
            STOA_TRY_VOID(check_key(*in->table, name, found));
            after.push_back(found);
        }
        if (after.empty())
            return kv_page{};  // a table without range: one item a hash value, and it was seen
        // The page key narrows the range too, or SQLite would walk from its start.
        if (what.forwards) range.from = at(*after[0]);
        else range.to = above(*after[0]);
    }
    try {
        const auto db = readers_.take();
        const auto* sql = path->query(what.forwards, !after.empty());
        sqlite_statement rows(*db, db->borrow(sql, 4 + static_cast<int>(after.size())));
        rows.bind(1, what.hash);
        bind(rows, 2, range.from);
        bind(rows, 3, range.to);
        rows.bind(4, std::int64_t{what.limit} + 1);
        for (int place = 5; const auto* each : after) rows.bind(place++, *each);
        return read_page(rows, *in, *path, what.limit);
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

result<kv_page> sqlite_key_value::scan_now(const kv_table& table, const std::optional<item>& after,
                                           int limit) {
    const auto* in = schema_.find(&table);
    if (!in) return unknown(&table);
    if (limit < 1) return refused("page_limit", "a page has at least one item");
    if (after) STOA_TRY_VOID(table_key(table, *after));
    try {
        const auto db = readers_.take();
        const auto more = std::int64_t{limit} + 1;
        if (!after) {
            sqlite_statement rows(*db, in->scan.c_str(), more);
            return read_page(rows, *in, in->items, limit);
        }
        const auto& h = *after->find(table.hash);
        if (!in->ranged()) {
            sqlite_statement rows(*db, in->scan_after.c_str(), more, h);
            return read_page(rows, *in, in->items, limit);
        }
        sqlite_statement rows(*db, in->scan_after.c_str(), more, h, *after->find(table.range));
        return read_page(rows, *in, in->items, limit);
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

task<result<std::optional<item>>> sqlite_key_value::get(const kv_table& table, item key) {
    co_return get_now(table, key);
}
task<result<kv_page>> sqlite_key_value::query(kv_query what) { co_return query_now(what); }
task<result<kv_page>> sqlite_key_value::scan(const kv_table& table, std::optional<item> after,
                                             int limit) {
    co_return scan_now(table, after, limit);
}

task<result<write_outcome>> sqlite_key_value::write(write_set what) {
    STOA_CO_TRY(auto plan, plan_writes(schema_, std::move(what)));
    auto work = [plan = std::move(plan)](transaction& t) {
        return apply(static_cast<sqlite_transaction&>(t), plan);
    };
    co_return co_await database_.commit(std::move(work));
}

task<result<int>> sqlite_key_value::expire(timestamp now, int max) {
    auto work = [this, now, max](transaction& t) -> result<int> {
        auto& db = static_cast<sqlite_transaction&>(t).db;
        int deleted = 0;
        for (const auto* in : schema_.all()) {
            if (in->table->ttl.empty() || deleted >= max) continue;
            std::vector<item> due;
            {
                sqlite_statement rows(db, in->expired.c_str(), now.unix_s(),
                                      std::int64_t{max - deleted});
                while (rows.step()) due.push_back(decode_item(rows.bytes(0)));
            }
            for (const auto& each : due) erase_item_row(db, *in, each);
            deleted += static_cast<int>(due.size());
        }
        return deleted;
    };
    co_return co_await database_.commit(std::move(work));
}

}  // namespace stoa
