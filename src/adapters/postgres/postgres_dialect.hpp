// Statements of the subset that SQLite and PostgreSQL share, as PostgreSQL wants them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stoa {

struct postgres_statement {
    struct parameter {
        std::size_t argument;  // from 0
        // It stands before IS NULL or IS NOT NULL, where nothing tells the server its type: it is
        // text there, and a parameter of its own beside the argument's other places.
        bool tested;
    };
    std::string text;                   // $1 … $n
    std::vector<parameter> parameters;  // $1, $2 …
    std::size_t arguments = 0;          // that the statement was written for
};

// `locks`: rows that a SELECT gives stay as they are until the transaction ends (FOR UPDATE), where
// the statement can do so: of groups, totals and the like there are no rows to lock.
postgres_statement to_postgres(std::string_view sql, bool locks);

// Types of columns: whole numbers have 64 bits and text is ordered by its bytes, as in SQLite,
// whatever the database was made with.
std::string schema_to_postgres(std::string_view script);

// The name of a table or column, whatever is in it.
std::string in_quotes(std::string_view name);

}  // namespace stoa
