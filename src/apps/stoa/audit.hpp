// `stoa audit`: what always holds (design §6), checked on one moment of a shop on the embedded
// engines; of a shop on others, on its copy (audit_engines.hpp). Rules
// carry the design's numbers and a name each (docs/operations.md lists them). Aggregates with an
// event on its way, an open attempt or a parked key are not judged by the rules that hold at rest.
//
// One pass over each table in key order, joined as it is read: memory does not grow with the shop.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/described.hpp"

#include <functional>
#include <map>

namespace stoa {

struct audit_finding {
    std::int32_t rule = 0;  // of design §6
    std::string name;       // reserved_is_what_is_held
    std::string subject;    // an id
    std::string what;
};
BOOST_DESCRIBE_STRUCT(audit_finding, (), (rule, name, subject, what))

struct audit_report {
    bool clean = true;
    std::int64_t products = 0, orders = 0, payments = 0, events = 0, carts = 0, notifications = 0;
    std::int64_t idempotency_keys = 0, imports = 0, intents = 0;
    // Orders with an event on its way: judged only by what holds at every step.
    std::int64_t in_flight = 0;
    std::int64_t dead_letters = 0;  // they wait for a person, and break no rule
    // On engines without one moment: what looked wrong, and otherwise a moment later.
    std::int64_t unsettled = 0;
    std::int64_t broken = 0;              // all of them
    std::vector<audit_finding> findings;  // the first thousand
};
BOOST_DESCRIBE_STRUCT(audit_report, (),
                      (clean, products, orders, payments, events, carts, notifications,
                       idempotency_keys, imports, intents, in_flight, dead_letters, unsettled,
                       broken, findings))

// What is looked at. The provider's store is there where the simulator is the provider: its moment
// must be the shop's (wiring takes both while the shop's writer stands still).
struct audit_subject {
    const sqlite_snapshot& shop;
    const sqlite_snapshot* provider = nullptr;
    const kv_table* intents = nullptr;  // of the provider
    timestamp now{};
    // Since when sweepers have run. Nothing: the shop is stopped, and its deadlines are judged as
    // of its last event.
    std::optional<timestamp> running_since{};
    // Offsets by topic and partition, behind which an event may tell of what the state here does
    // not show yet: its order is on its way. Null: the shop is one moment.
    const std::map<std::pair<std::string, int>, std::int64_t>* late_from = nullptr;
    // Pipelines whose windows are made here; none: all are.
    std::vector<std::string> pipelines{};
    std::size_t most_findings = 1'000;
};

// Told now and then, from the auditing thread: the step's name, and how far it is.
using audit_progress =
    std::function<void(std::string_view step, std::int64_t done, std::int64_t all)>;

// Blocks for as long as it reads: not for a loop's thread.
result<audit_report> audit(const audit_subject& of, const audit_progress& told);

}  // namespace stoa
