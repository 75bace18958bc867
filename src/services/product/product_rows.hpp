// Rows of a catalogue file that somebody else keeps, applied a piece at a time: how the function
// product_import fills a shop. The same rows of the same source have the effect of once, and are
// answered as they were then.
#pragma once

#include "base/csv.hpp"
#include "base/described.hpp"
#include "runtime/task.hpp"

namespace stoa::products {

struct bad_row {
    std::int64_t row = 0;   // 1 is the first after the header
    std::int64_t line = 0;  // of the file
    std::string column;     // empty: the whole row
    std::string code, detail;
};
BOOST_DESCRIBE_STRUCT(bad_row, (), (row, line, column, code, detail))

// Rows are applied in transactions of so many, counted from `first_row`: whoever sends a source
// again cuts it at the same rows, or is refused with this code.
inline constexpr std::int64_t rows_a_transaction = 1024;
inline constexpr std::string_view rows_cut_differently = "rows_cut_differently";
inline constexpr std::int64_t largest_rows_bytes = 8 << 20;

struct rows_request {
    std::string source;          // names one version of one file: 1 to 64 of [A-Za-z0-9._-]
    std::int64_t first_row = 1;  // of the file, in what is sent
    std::string csv;             // with the file's header row
};

// Lines are of what was sent, its header row included; rows are of the file.
struct rows_report {
    std::int64_t rows = 0, created = 0, updated = 0, unchanged = 0, recounted = 0, bad = 0;
    std::int64_t repeated = 0;    // rows that had been applied before
    std::vector<bad_row> errors;  // every one; a row may have several
};
BOOST_DESCRIBE_STRUCT(rows_report, (),
                      (rows, created, updated, unchanged, recounted, bad, repeated, errors))

// What the header row may name.
std::span<const csv_column> import_columns();

class row_importer {
 public:
    virtual ~row_importer() = default;
    // Errors: `invalid` with code bad_csv_header or validation_failed: nothing was applied and the
    // same rows will be refused again; `conflict` with rows_cut_differently: so will they, what
    // came before them may be applied; `unavailable`, `timeout`, `conflict`: part of it may be
    // applied, and it may be sent again.
    virtual task<result<rows_report>> import_rows(rows_request) = 0;
};

}  // namespace stoa::products
