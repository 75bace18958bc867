// The sql port on PostgreSQL: each closure is one transaction on one pooled connection.
//
// Writing closures run at READ COMMITTED and lock the rows they read: what a closure has seen stays
// so until its end, as under SQLite's one writer (docs/adr/0010-transactions-on-postgresql.md).
// Reading closures share a snapshot.
#pragma once

#include "adapters/postgres/postgres_events.hpp"
#include "adapters/postgres/postgres_pool.hpp"

namespace stoa {

class postgres_sql final : public sql {
 public:
    // Adds its lanes to the pool. `connections`: of the pool.
    postgres_sql(postgres_pool& pool, const postgres_events& events, currency_code shop,
                 std::size_t connections, std::size_t queue_limit);

    void submit(std::unique_ptr<sql_job> job) override;
    void submit_read(std::unique_ptr<sql_job> job) override;

 private:
    struct piece;
    enum class end : std::uint8_t { kept, undone, again };
    void run_writes(postgres_connection& on, postgres_pool::batch& pieces);
    void run_write(postgres_connection& on, sql_job& job);
    end try_write(postgres_connection& on, sql_job& job, int tries);
    void run_reads(postgres_connection& on, postgres_pool::batch& pieces);

    postgres_pool& pool_;
    const postgres_events& events_;
    const currency_code shop_;
    std::size_t writes_, reads_;
};

}  // namespace stoa
