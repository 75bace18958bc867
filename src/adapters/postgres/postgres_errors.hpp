// What PostgreSQL's and libpq's words mean to a caller.
#pragma once

#include "ports/sql.hpp"

#include <string>
#include <string_view>

namespace stoa {

// Thrown by connections; closures let it pass like every sql_failure.
struct postgres_failure : sql_failure {
    enum class kind : std::uint8_t {
        statement,  // this statement cannot be; the same again would fail again
        conflict,   // another transaction was in the way: all of it again may work
        twin,       // a row of this key came up meanwhile: all of it again will see that row
        stale,      // the schema changed under a prepared statement
        lost,       // the connection is gone
    };
    kind is = kind::statement;
};

// `state`: SQLSTATE. `sql`: the statement, for whoever reads the log; may be null.
postgres_failure failure_of(std::string_view state, std::string_view message, const char* sql);

// Nobody knows whether a transaction whose COMMIT was sent is kept.
error outcome_unknown();
error connection_lost(std::string_view words);

// Why a connection could not be made, with the setting that mends it. `unavailable` where waiting
// may help, else `invalid`. Codes: postgres_unreachable, postgres_login_refused,
// postgres_no_database, postgres_tls, postgres_not_spoken, postgres_settings.
error connect_error(std::string_view where, std::string_view words);

}  // namespace stoa
