// `stoa audit`: what always holds (design §6), checked on one moment of the embedded shop. Rules
// carry the design's numbers. Aggregates with an event on its way, an open attempt or a parked key
// are not judged by the rules that hold at rest.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/described.hpp"
#include "runtime/task.hpp"

namespace stoa {

struct audit_finding {
    std::int32_t rule = 0;  // of design §6
    std::string subject;    // an id
    std::string what;
};
BOOST_DESCRIBE_STRUCT(audit_finding, (), (rule, subject, what))

struct audit_report {
    bool clean = true;
    std::int64_t products = 0, orders = 0, payments = 0, events = 0, carts = 0, notifications = 0;
    std::int64_t in_flight =
        0;  // keys with an event on its way: judged only by what holds at every step
    std::vector<audit_finding> findings;  // the first thousand
};
BOOST_DESCRIBE_STRUCT(audit_report, (),
                      (clean, products, orders, payments, events, carts, notifications, in_flight,
                       findings))

task<result<audit_report>> audit(sqlite_shop& store, timestamp now);

}  // namespace stoa
