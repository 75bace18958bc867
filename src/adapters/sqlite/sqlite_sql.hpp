// The sql port on the shop's SQLite file: writes on the writer's thread, reads at once on the
// caller's.
#pragma once

#include "adapters/sqlite/sqlite_file.hpp"
#include "adapters/sqlite/sqlite_writer.hpp"

namespace stoa {

class sqlite_sql final : public sql {
 public:
    sqlite_sql(sqlite_writer& writer, sqlite_readers& readers, currency_code shop)
        : writer_(writer), readers_(readers), shop_(shop) {}

    void submit(std::unique_ptr<sql_job> job) override { writer_.submit(std::move(job)); }
    void submit_read(std::unique_ptr<sql_job> job) override;

 private:
    sqlite_writer& writer_;
    sqlite_readers& readers_;
    currency_code shop_;
};

}  // namespace stoa
