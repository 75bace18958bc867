// Schema changes on PostgreSQL, by one process at a time.
//
// A step whose text has a line `-- serves: 0003_name` works for binaries that know the steps up to
// that one and no further; without such a line it works only for those that know the step itself.
#pragma once

#include "adapters/postgres/postgres_connection.hpp"
#include "base/time.hpp"
#include "ports/sql_migrations.hpp"

namespace stoa {

// Applies what is missing, each step in a transaction of its own; `apply` false only looks. Call it
// under the schema lock. Errors: `conflict` with code migration_changed (a step's text is not what
// was applied), migration_unknown (a newer version wrote the database, and this one is not served)
// or schema_missing; `internal` with code migration_failed and PostgreSQL's words.
result<void> migrate(postgres_connection& on, const std::vector<sql_component>& components,
                     timestamp now, bool apply);

// Held by one process; freed by leave() or when the connection ends. Waits for as long as it takes.
class postgres_schema_lock {
 public:
    explicit postgres_schema_lock(postgres_connection& on);
    ~postgres_schema_lock();
    postgres_schema_lock(const postgres_schema_lock&) = delete;
    postgres_schema_lock& operator=(const postgres_schema_lock&) = delete;

 private:
    postgres_connection& on_;
};

}  // namespace stoa
