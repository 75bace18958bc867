// The key_value port on PostgreSQL. Write sets of many callers go together in one transaction of
// two round trips: all their items are locked in one order and read, conditions are looked at here,
// and what changed is written with the commit.
#pragma once

#include "adapters/postgres/postgres_items_schema.hpp"
#include "adapters/postgres/postgres_pool.hpp"

namespace stoa {

// Events and receipts of a write set are refused: wrap it in adapters/outbox's outboxed_items.
class postgres_key_value final : public key_value {
 public:
    // Adds its lanes to the pool.
    postgres_key_value(postgres_pool& pool, const postgres_items_schema& schema,
                       std::size_t queue_limit);

    task<result<std::optional<item>>> get(const kv_table& table, item key) override;
    task<result<kv_page>> query(kv_query what) override;
    task<result<write_outcome>> write(write_set what) override;
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override;

    // Deletes at most `max` items, over all tables, that were due by `now`; how many. Call again
    // while it is `max`.
    task<result<int>> expire(timestamp now, int max);

 private:
    void run_reads(postgres_connection& on, postgres_pool::batch& pieces);
    void run_writes(postgres_connection& on, postgres_pool::batch& pieces);

    postgres_pool& pool_;
    const postgres_items_schema& schema_;
    std::size_t reads_, writes_, sweeps_;
};

}  // namespace stoa
