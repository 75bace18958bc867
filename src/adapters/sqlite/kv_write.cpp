#include "adapters/sqlite/kv_write.hpp"

#include "adapters/sqlite/item_codec.hpp"
#include "base/ids.hpp"

namespace stoa {
namespace {

auto refused(std::string_view code, std::string detail) {
    return fail(errc::invalid, code, std::move(detail));
}

std::uint64_t hash_of(const kv_planned_write& w) {
    std::uint64_t out = reinterpret_cast<std::uintptr_t>(w.in);
    for (const auto& each : w.key) {
        const auto* n = each.value.integer();
        out = out * 31 + (n ? static_cast<std::uint64_t>(*n) : stable_hash(*each.value.text()));
    }
    return out;
}

result<void> check_each_item_once(const std::vector<kv_planned_write>& writes) {
    std::vector<std::uint64_t> hashes;
    hashes.reserve(writes.size());
    for (const auto& each : writes) hashes.push_back(hash_of(each));
    for (std::size_t i = 0; i < writes.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (hashes[i] == hashes[j] && writes[i].in == writes[j].in &&
                writes[i].key == writes[j].key)
                return refused("item_twice", "an item of " +
                                                 std::string(writes[i].in->table->name) +
                                                 " stands twice in one transaction");
    return {};
}

result<void> check_index_keys(const kv_state& in, const item& value) {
    for (const auto& index : in.indexes)
        for (const auto name : {index.hash, index.range})
            if (const auto* found = name.empty() ? nullptr : value.find(name))
                STOA_TRY_VOID(check_key(name, found));
    return {};
}

result<std::string> encoded(const kv_state& in, const item& value) {
    STOA_TRY_VOID(check_index_keys(in, value));
    std::string out;
    encode_item(out, value);
    if (out.size() > largest_item_bytes)
        return refused("item_too_large", "an item of " + std::string(in.table->name) + " has " +
                                             std::to_string(out.size()) +
                                             " bytes; 400 KB is the most");
    return out;
}

result<void> check_changes(const kv_state& in, const std::vector<change>& changes) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const auto& each = changes[i];
        if (each.name == in.table->hash || (in.ranged() && each.name == in.table->range))
            return refused("key_changed", each.name + " is part of the key and cannot change");
        if (each.is == change::op::add && !each.value.integer())
            return refused("not_a_number", "only a number can be added to " + each.name);
        for (std::size_t j = 0; j < i; ++j)
            if (changes[j].name == each.name)
                return refused("attribute_twice", each.name + " stands twice in one update");
    }
    return {};
}

template <class T>
bool ordered(condition::op is, const T& a, const T& b) {
    switch (is) {
        case condition::op::less:
            return a < b;
        case condition::op::at_most:
            return a <= b;
        case condition::op::greater:
            return a > b;
        case condition::op::at_least:
            return a >= b;
        default:
            return false;
    }
}

bool holds(const condition& c, const std::optional<item>& standing) {
    const attribute* found = standing ? standing->find(c.name) : nullptr;
    if (c.is == condition::op::exists) return found != nullptr;
    if (c.is == condition::op::absent) return found == nullptr;
    if (!found || found->value.index() != c.value.value.index()) return false;
    if (c.is == condition::op::equal) return *found == c.value;
    if (c.is == condition::op::not_equal) return !(*found == c.value);
    if (const auto* n = found->integer()) return ordered(c.is, *n, *c.value.integer());
    if (const auto* t = found->text()) return ordered(c.is, *t, *c.value.text());
    return false;
}

result<void> change_item(item& value, const change& c) {
    switch (c.is) {
        case change::op::set:
            value.set(c.name, c.value);
            return {};
        case change::op::remove:
            value.erase(c.name);
            return {};
        case change::op::add:
            break;
    }
    const attribute* found = value.find(c.name);
    if (found && !found->integer())
        return refused("not_a_number", c.name + " is no number; nothing can be added to it");
    std::int64_t sum = 0;
    if (__builtin_add_overflow(found ? *found->integer() : 0, *c.value.integer(), &sum))
        return refused("number_out_of_range", c.name + " would not fit 64 bits");
    value.set(c.name, sum);
    return {};
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

result<void> check_key(std::string_view name, const attribute* value) {
    if (!value)
        return refused("key_missing", "the key attribute " + std::string(name) + " is missing");
    if (value->integer()) return {};
    const auto* text = value->text();
    if (!text)
        return refused("key_type",
                       "the key attribute " + std::string(name) + " is no text or number");
    if (text->empty())
        return refused("key_empty", "the key attribute " + std::string(name) + " is empty");
    return {};
}

result<item> table_key(const kv_state& in, const item& from) {
    item out;
    for (const auto name : {in.table->hash, in.table->range}) {
        if (name.empty()) continue;
        const auto* found = from.find(name);
        STOA_TRY_VOID(check_key(name, found));
        out.set(name, *found);
    }
    return out;
}

result<kv_plan> plan_writes(const kv_schema& schema, write_set what) {
    if (what.writes.size() + what.events.size() > most_writes)
        return refused("too_many_writes",
                       "a transaction has at most 100 writes and events, not " +
                           std::to_string(what.writes.size() + what.events.size()));
    kv_plan plan;
    plan.writes.reserve(what.writes.size());
    for (auto& each : what.writes) {
        const auto* in = schema.find(each.table);
        if (!in)
            return fail(
                errc::internal, "unknown_table",
                "table " + std::string(each.table ? each.table->name : "") + " was not declared");
        STOA_TRY(auto key, table_key(*in, each.value));
        STOA_TRY_VOID(check_changes(*in, each.changes));
        std::string body;
        if (each.is == write_set::op::put) {
            STOA_TRY(body, encoded(*in, each.value));
        }
        plan.writes.push_back({in, std::move(each), std::move(key), std::move(body)});
    }
    STOA_TRY_VOID(check_each_item_once(plan.writes));
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
