#include "adapters/sqlite/kv_write.hpp"

#include "ports/item_codec.hpp"

namespace stoa {
namespace {

result<std::string> encoded(const kv_state& in, const item& value) {
    STOA_TRY_VOID(check_index_keys(*in.table, value));
    std::string out;
    encode_item(out, value);
    if (out.size() > largest_item_bytes) return item_too_large(*in.table, out.size());
    return out;
}

std::optional<std::int64_t> expiry_of(const kv_state& in, const item& value) {
    const attribute* found = in.table->ttl.empty() ? nullptr : value.find(in.table->ttl);
    if (!found || !found->integer()) return {};
    return *found->integer();
}

bool same_index_row(const kv_path& index, const item& a, const item& b) {
    const auto before = index_key(index, a), after = index_key(index, b);
    if (!before || !after) return !before && !after;
    return *before->hash == *after->hash && (!before->range || *before->range == *after->range);
}

void store(sqlite_connection& db, const kv_state& in, const std::optional<item>& old,
           const item& value, std::string_view body) {
    const auto& h = *value.find(in.table->hash);
    const auto due = expiry_of(in, value);
    if (in.ranged())
        db.execute(in.put.c_str(), h, *value.find(in.table->range), due, blob_view{body});
    else db.execute(in.put.c_str(), h, due, blob_view{body});
    for (const auto& index : in.indexes) {
        if (old && same_index_row(index, *old, value)) continue;
        if (old) erase_index_row(db, in, index, *old);
        insert_index_row(db, in, index, value);
    }
}

bool needs_standing(const kv_planned_write& w) {
    return w.what.is == write_set::op::update || !w.what.conditions.empty() ||
           !w.in->indexes.empty();
}

result<void> carry_out(sqlite_connection& db, const kv_planned_write& w,
                       std::optional<item>& standing) {
    const auto& in = *w.in;
    switch (w.what.is) {
        case write_set::op::check:
            return {};
        case write_set::op::put:
            store(db, in, standing, w.what.value, w.body);
            return {};
        case write_set::op::erase:
            if (standing || !needs_standing(w))
                erase_item_row(db, in, standing ? *standing : w.key);
            return {};
        case write_set::op::update:
            break;
    }
    auto value = standing ? *standing : w.key;
    for (const auto& each : w.what.changes) STOA_TRY_VOID(change_item(value, each));
    STOA_TRY(const auto body, encoded(in, value));
    store(db, in, standing, value, body);
    return {};
}

}  // namespace

result<kv_plan> plan_writes(const kv_schema& schema, write_set what) {
    STOA_TRY_VOID(check_count(what));
    kv_plan plan;
    plan.writes.reserve(what.writes.size());
    for (auto& each : what.writes) {
        const auto* in = schema.find(each.table);
        if (!in)
            return fail(
                errc::internal, "unknown_table",
                "table " + std::string(each.table ? each.table->name : "") + " was not declared");
        STOA_TRY(auto key, table_key(*in->table, each.value));
        STOA_TRY_VOID(check_changes(*in->table, each.changes));
        std::string body;
        if (each.is == write_set::op::put) {
            STOA_TRY(body, encoded(*in, each.value));
        }
        plan.writes.push_back({in, std::move(each), std::move(key), std::move(body)});
    }
    std::vector<item_place> places;
    places.reserve(plan.writes.size());
    for (const auto& each : plan.writes) places.push_back({each.in->table, &each.key});
    STOA_TRY_VOID(check_each_item_once(places));
    plan.events = std::move(what.events);
    plan.receipt = std::move(what.receipt);
    return plan;
}

std::optional<item> read_item_row(sqlite_connection& db, const kv_state& in, const item& key) {
    const auto read = [](sqlite_statement row) -> std::optional<item> {
        if (!row.step()) return {};
        return decode_item(row.bytes(0));
    };
    const auto& h = *key.find(in.table->hash);
    if (in.ranged())
        return read(sqlite_statement(db, in.get.c_str(), h, *key.find(in.table->range)));
    return read(sqlite_statement(db, in.get.c_str(), h));
}

void erase_item_row(sqlite_connection& db, const kv_state& in, const item& standing) {
    const auto& h = *standing.find(in.table->hash);
    if (in.ranged()) db.execute(in.erase.c_str(), h, *standing.find(in.table->range));
    else db.execute(in.erase.c_str(), h);
    for (const auto& index : in.indexes) erase_index_row(db, in, index, standing);
}

result<write_outcome> apply(sqlite_transaction& to, const kv_plan& plan) {
    using is = write_outcome::is;
    if (plan.receipt && !to.receive(*plan.receipt)) return write_outcome{is::received_before, -1};
    std::vector<std::optional<item>> standing(plan.writes.size());
    for (std::size_t i = 0; i < plan.writes.size(); ++i) {
        const auto& each = plan.writes[i];
        if (needs_standing(each)) standing[i] = read_item_row(to.db, *each.in, each.key);
        for (const auto& c : each.what.conditions)
            if (!holds(c, standing[i])) {
                // An answer, not an error: nothing rolls back, so the receipt is taken back here.
                if (plan.receipt) to.log().withdraw(to.db, *plan.receipt);
                return write_outcome{is::condition_failed, static_cast<int>(i)};
            }
    }
    for (std::size_t i = 0; i < plan.writes.size(); ++i)
        STOA_TRY_VOID(carry_out(to.db, plan.writes[i], standing[i]));
    for (const auto& each : plan.events) to.log().publish(to.db, each, to.log().accepted_at());
    return write_outcome{};
}

}  // namespace stoa
