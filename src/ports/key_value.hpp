// The key_value port: DynamoDB's semantics, which every engine keeps
// (tests/contract/key_value_contract.cpp). Unique by key only. Index reads are eventually
// consistent and no rule rests on one. Expired items may still be there: readers filter by time. A
// transaction has at most 100 writes and events together; items are at most 400 KB.
#pragma once

#include "base/item.hpp"
#include "ports/event_log.hpp"
#include "runtime/task.hpp"

#include <algorithm>
#include <span>

namespace stoa {

struct kv_index {
    std::string_view name;
    std::string_view hash;
    std::string_view
        range{};  // items that lack an index key attribute are not in the index (sparse)
};

// Declared once as a constant beside the store that owns it. Hash and range attributes, of the
// table and of its indexes, are text, or numbers where `numbers` names them; never both.
struct kv_table {
    std::string_view name;
    std::string_view hash;
    std::string_view range{};
    std::span<const kv_index> indexes{};
    std::string_view ttl{};  // an attribute in Unix seconds, after which the item may vanish
    std::span<const std::string_view> numbers{};
};
inline bool holds_numbers(const kv_table& table, std::string_view key_attribute) {
    return std::ranges::find(table.numbers, key_attribute) != table.numbers.end();
}

struct condition {
    enum class op : std::uint8_t {
        exists,
        absent,
        equal,
        not_equal,
        less,
        at_most,
        greater,
        at_least
    };
    std::string name;
    op is = op::exists;
    attribute value{};  // comparisons are false where the attribute is absent or of another type
};
inline condition exists(std::string_view name) {
    return {std::string(name), condition::op::exists};
}
inline condition absent(std::string_view name) {
    return {std::string(name), condition::op::absent};
}
inline condition equals(std::string_view name, attribute value) {
    return {std::string(name), condition::op::equal, std::move(value)};
}

struct change {
    enum class op : std::uint8_t { set, add, remove };
    std::string name;
    op is = op::set;
    attribute value{};  // add: a number, 0 where the attribute is absent
};
inline change set_to(std::string_view name, attribute value) {
    return {std::string(name), change::op::set, std::move(value)};
}
inline change add_to(std::string_view name, std::int64_t n) {
    return {std::string(name), change::op::add, n};
}
inline change removed(std::string_view name) { return {std::string(name), change::op::remove}; }

// A transaction: all conditions hold and all of it happens, or nothing does. One item may stand in
// it once.
struct write_set {
    enum class op : std::uint8_t { put, update, erase, check };
    struct write {
        op is;
        const kv_table* table;
        item value;                         // put: the whole item; else its key attributes
        std::vector<condition> conditions;  // on the item as it stands; all must hold
        std::vector<change> changes;        // update: creates the item where there is none
    };

    write_set& put(const kv_table& table, item value, std::vector<condition> conditions = {}) {
        return add({op::put, &table, std::move(value), std::move(conditions), {}});
    }
    write_set& update(const kv_table& table, item key, std::vector<change> changes,
                      std::vector<condition> conditions = {}) {
        return add({op::update, &table, std::move(key), std::move(conditions), std::move(changes)});
    }
    write_set& erase(const kv_table& table, item key, std::vector<condition> conditions = {}) {
        return add({op::erase, &table, std::move(key), std::move(conditions), {}});
    }
    write_set& check(const kv_table& table, item key, std::vector<condition> conditions) {
        return add({op::check, &table, std::move(key), std::move(conditions), {}});
    }
    write_set& publish(event what) {
        if (what.traceparent.empty()) what.traceparent = traceparent;
        events.push_back(std::move(what));
        return *this;
    }
    // The consumer's receipt: a second transaction with it changes nothing and says so.
    write_set& receive(delivery what) {
        under(what.message.traceparent);
        receipt = std::move(what);
        return *this;
    }
    // The trace of the request or event that this transaction answers: events that name none carry
    // it, whether they were published before or are published later.
    write_set& under(std::string_view trace) {
        traceparent = trace;
        for (auto& each : events)
            if (each.traceparent.empty()) each.traceparent = trace;
        return *this;
    }
    write_set& add(write w) {
        writes.push_back(std::move(w));
        return *this;
    }

    std::vector<write> writes;
    std::vector<event> events;
    std::optional<delivery> receipt;
    std::string traceparent;  // W3C; empty: none
};

struct write_outcome {
    enum class is : std::uint8_t { committed, condition_failed, received_before };
    is what = is::committed;
    int failed = -1;  // the index of the first write whose condition failed

    bool committed() const { return what == is::committed; }
    bool received_before() const { return what == is::received_before; }
};

struct kv_query {
    enum class op : std::uint8_t {
        any,
        equal,
        less,
        at_most,
        greater,
        at_least,
        between,
        begins_with
    };
    const kv_table* table = nullptr;
    std::string_view index{};  // empty: the table itself
    attribute hash;
    op range = op::any;
    attribute from{}, to{};  // `to` for between (inclusive)
    bool forwards = true;
    int limit = 100;              // items looked at; 1 MB at most in one page
    std::optional<item> after{};  // the page key of the page before
};
struct kv_page {
    std::vector<item> items;
    std::optional<item> next;  // absent: the last page
};

// Thread rule: any loop; completions come back on the caller's loop. Errors: `unavailable`
// (throttled, queue full), `storage_full`, `invalid` (over a limit), `internal`. Conflicts between
// transactions are retried inside.
class key_value {
 public:
    virtual ~key_value() = default;
    virtual task<result<std::optional<item>>> get(const kv_table& table, item key) = 0;  // strong
    virtual task<result<kv_page>> query(kv_query what) = 0;
    virtual task<result<write_outcome>> write(write_set what) = 0;
    // Every item, in no order, a page at a time: for audits and tools, not for requests.
    virtual task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                                       int limit) = 0;

    template <class T>
    task<result<std::optional<T>>> find(const kv_table& table, item key, currency_code shop = {}) {
        auto found = co_await get(table, std::move(key));
        if (!found) co_return std::unexpected(std::move(found).error());
        if (!*found) co_return std::optional<T>{};
        auto value = from_item<T>(**found, shop);
        if (!value) co_return std::unexpected(std::move(value).error());
        co_return std::optional<T>(*std::move(value));
    }
};

inline item key_of(std::string_view name, attribute value) {
    item out;
    out.set(name, std::move(value));
    return out;
}
inline item key_of(std::string_view hash, attribute h, std::string_view range, attribute r) {
    item out;
    out.set(hash, std::move(h));
    out.set(range, std::move(r));
    return out;
}

}  // namespace stoa
