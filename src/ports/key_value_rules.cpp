#include "ports/key_value_rules.hpp"

#include "base/ids.hpp"

namespace stoa {
namespace {

auto refused(std::string_view code, std::string detail) {
    return fail(errc::invalid, code, std::move(detail));
}

std::uint64_t hash_of(const item_place& of) {
    auto out = stable_hash(of.table->name);
    for (const auto& each : *of.key) {
        const auto* n = each.value.integer();
        out = out * 31 + (n ? static_cast<std::uint64_t>(*n) : stable_hash(*each.value.text()));
    }
    return out;
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

}  // namespace

result<void> check_key(const kv_table& table, std::string_view name, const attribute* value) {
    if (!value)
        return refused("key_missing", "the key attribute " + std::string(name) + " is missing");
    const bool number = holds_numbers(table, name);
    if (number ? value->integer() == nullptr : value->text() == nullptr)
        return refused("key_type", "the key attribute " + std::string(name) + " of " +
                                       std::string(table.name) + " is no " +
                                       (number ? "number" : "text"));
    if (!number && value->text()->empty())
        return refused("key_empty", "the key attribute " + std::string(name) + " is empty");
    return {};
}

result<item> table_key(const kv_table& table, const item& from) {
    item out;
    for (const auto name : {table.hash, table.range}) {
        if (name.empty()) continue;
        const auto* found = from.find(name);
        STOA_TRY_VOID(check_key(table, name, found));
        out.set(name, *found);
    }
    return out;
}

result<void> check_index_keys(const kv_table& table, const item& value) {
    for (const auto& index : table.indexes)
        for (const auto name : {index.hash, index.range})
            if (const auto* found = name.empty() ? nullptr : value.find(name))
                STOA_TRY_VOID(check_key(table, name, found));
    return {};
}

result<void> check_changes(const kv_table& table, const std::vector<change>& changes) {
    const auto in_an_index = [&](std::string_view name) {
        return std::ranges::any_of(table.indexes, [&](const kv_index& each) {
            return each.hash == name || each.range == name;
        });
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const auto& each = changes[i];
        if (each.name == table.hash || each.name == table.range)
            return refused("key_changed", each.name + " is part of the key and cannot change");
        if (each.is == change::op::add && !each.value.integer())
            return refused("not_a_number", "only a number can be added to " + each.name);
        if (each.is != change::op::remove && in_an_index(each.name))
            STOA_TRY_VOID(check_key(table, each.name, &each.value));
        for (std::size_t j = 0; j < i; ++j)
            if (changes[j].name == each.name)
                return refused("attribute_twice", each.name + " stands twice in one update");
    }
    return {};
}

result<void> check_each_item_once(const std::vector<item_place>& places) {
    std::vector<std::uint64_t> hashes;
    hashes.reserve(places.size());
    for (const auto& each : places) hashes.push_back(hash_of(each));
    for (std::size_t i = 0; i < places.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (hashes[i] == hashes[j] && places[i].table->name == places[j].table->name &&
                *places[i].key == *places[j].key)
                return refused("item_twice", "an item of " + std::string(places[i].table->name) +
                                                 " stands twice in one transaction");
    return {};
}

result<void> check_count(const write_set& what) {
    const auto count = what.writes.size() + what.events.size();
    if (count > most_writes)
        return refused("too_many_writes", "a transaction has at most 100 writes and events, not " +
                                              std::to_string(count));
    return {};
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

std::unexpected<error> item_too_large(const kv_table& table, std::size_t size_bytes) {
    return refused("item_too_large", "an item of " + std::string(table.name) + " has " +
                                         std::to_string(size_bytes) + " bytes; 400 KB is the most");
}

}  // namespace stoa
