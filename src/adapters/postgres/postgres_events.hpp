// Events and receipts of SQL transactions: rows of the outbox and the inbox, which the relay and
// the key_value port see as items.
#pragma once

#include "adapters/postgres/postgres_connection.hpp"
#include "adapters/postgres/postgres_items_schema.hpp"
#include "ports/clock.hpp"

#include <set>

namespace stoa {

class postgres_events {
 public:
    // `topics`: those that may be published to.
    postgres_events(const postgres_items_schema& items, std::vector<std::string> topics,
                    clock& time);
    // Queued on the connection. `nth` of its transaction. Throws sql_failure: unknown_topic.
    void publish(postgres_connection& on, const event& what, int nth) const;
    // One round trip.
    bool receive(postgres_connection& on, const delivery& what) const;

 private:
    const postgres_table *outbox_, *inbox_;
    std::set<std::string, std::less<>> topics_;
    clock& time_;
};

}  // namespace stoa
