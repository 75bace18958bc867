// Write sets of the key_value port, checked on the caller's thread, carried out together on a
// connection's.
#pragma once

#include "adapters/postgres/postgres_items_schema.hpp"
#include "ports/key_value_rules.hpp"

#include <compare>
#include <map>

namespace stoa {

struct postgres_item_place {
    const postgres_table* in;
    std::string key;  // by which transactions agree on an order of locks

    friend bool operator<(const postgres_item_place& a, const postgres_item_place& b) {
        return a.in != b.in ? a.in->place < b.in->place : a.key < b.key;
    }
};

struct postgres_item_plan {
    struct write {
        postgres_item_place place;
        write_set::write what;
        item key;  // the table's key attributes alone
        std::string body;
    };
    std::vector<write> writes;
    std::size_t size_bytes = 0;
};

// `invalid` for whatever breaks the port's limits.
result<postgres_item_plan> plan_items(const postgres_items_schema& schema, write_set what);

// One transaction. Every item that a plan touches is locked: those that stand as rows, and those
// that do not, where a plan rests on their absence, by a row that is written and taken away again.
class postgres_item_batch {
 public:
    // In the order in which they are carried out, as if one after the other.
    void add(const postgres_item_plan& plan) { plans_.push_back(&plan); }
    // One outcome a plan; an error of a plan leaves the others alone. `committing` is set before
    // the commit is sent. Throws postgres_failure: nothing was kept, or nobody knows.
    std::vector<result<write_outcome>> run(postgres_connection& on, bool& committing);

 private:
    struct slot {
        const item* key = nullptr;
        bool whole = false;   // some plan looks at the item
        bool stood = false;   // when it was locked
        bool stands = false;  // now
        bool dirty = false;
        std::optional<item> value;  // where `whole`, or written
        std::string body;           // as written
    };
    using slots = std::map<postgres_item_place, slot>;

    void collect();
    void lock(postgres_connection& on);
    result<write_outcome> carry_out(const postgres_item_plan& plan);
    bool store(postgres_connection& on);

    std::vector<const postgres_item_plan*> plans_;
    slots slots_;
};

}  // namespace stoa
