// Schema changes on the shop's SQLite file.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/sql_migrations.hpp"

namespace stoa {

class sqlite_connection;

// Applies what is missing, each step in a transaction of its own. Errors: `conflict` with code
// migration_changed (a step's text is not what was applied) or migration_unknown (the file was
// written by a newer version); `internal` with code migration_failed and SQLite's words.
result<void> migrate(sqlite_connection& db, const std::vector<sql_component>& components,
                     timestamp now);

}  // namespace stoa
