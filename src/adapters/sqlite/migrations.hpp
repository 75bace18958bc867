// Versioned schema changes, one sequence a component (service).
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <string>
#include <vector>

namespace stoa {

class sqlite_connection;

struct sql_migration {
    std::string name;  // 0001_products
    std::string text;  // one or more statements
};
// Version n is the n-th step. A step that was released is never changed: add another.
struct sql_component {
    std::string name;
    std::vector<sql_migration> steps;
};

// Applies what is missing, each step in a transaction of its own. Errors: `conflict` with code
// migration_changed (a step's text is not what was applied) or migration_unknown (the file was
// written by a newer version); `internal` with code migration_failed and SQLite's words.
result<void> migrate(sqlite_connection& db, const std::vector<sql_component>& components,
                     timestamp now);

}  // namespace stoa
