// CSV by RFC 4180, read in pieces and in constant memory, so that an import of any size and any
// quality needs no more than one record. Pure: no I/O, no threads; an object belongs to one caller
// at a time.
//
//     csv_reader reader;
//     for each chunk: { reader.feed(chunk); while (auto row = reader.next()) use(*row); }
//     reader.finish();
//     while (auto row = reader.next()) use(*row);
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stoa {

struct csv_record {
    std::uint64_t line = 0;  // 1-based line of the file on which the record begins
    std::uint64_t number =
        0;  // 1-based count of records, bad ones and the header included, blank lines not
    std::vector<std::string> fields;  // as the file has them: see csv_plain() for formula cells
};

// A record that cannot be used. Codes: record_too_long, too_many_fields, text_after_quote,
// unterminated_quote, bad_utf8 (also for NUL bytes). One record gives one row or one error, never
// both.
struct csv_error {
    std::uint64_t line = 0;
    std::uint64_t number = 0;
    std::string code;
    std::string detail;  // for a person

    friend bool operator==(const csv_error&, const csv_error&) = default;
};
using csv_row = std::expected<csv_record, csv_error>;

struct csv_limits {
    std::size_t record_bytes = 1 << 20;  // of the file, quotes and commas included, line end not
    std::size_t fields = 1'000;
};

// Takes a byte-order mark, CRLF, LF and lone CR as line ends (mixed, too), quoted cells with
// doubled quotes and line ends within, and a last line without an end. Blank lines are skipped. A
// quote inside a cell that did not begin with one is text. A bad record costs itself only: reading
// goes on with the next, and a record over the limit is passed over without being kept. Never
// throws on input.
class csv_reader {
 public:
    explicit csv_reader(csv_limits limits = {}) : limits_(limits) {}

    // The bytes stay the caller's and must live until next() has returned nothing. Feeding before
    // that, or after finish(), is a bug in the caller and stops the process.
    void feed(std::string_view chunk);

    // No more bytes will come: what next() holds back becomes the last record.
    void finish();

    // Nothing: feed more, or the end if finish() was called.
    std::optional<csv_row> next();

    // Of the file, up to the end of what next() gave last: where the record after it begins, blank
    // lines included.
    std::uint64_t read_bytes() const { return fed_bytes_ - input_.size(); }
    // The line that begins there.
    std::uint64_t line() const { return line_; }

 private:
    enum class state : std::uint8_t { field_start, plain, quoted, quote_in_quoted };

    void take(char c);
    std::size_t plain_run() const;
    void keep(std::string_view bytes);
    void end_field();
    void end_record();
    void refuse(std::string_view code, std::string detail);
    void open_record();
    bool fields_are_text() const;
    csv_row build();

    csv_limits limits_;
    std::string_view input_;
    std::uint64_t fed_bytes_ = 0;
    bool finished_ = false;
    std::size_t mark_bytes_ = 0;  // of the byte-order mark seen so far; 3 and more: past it
    bool after_cr_ = false;       // an LF now belongs to the line end before it

    state state_ = state::field_start;
    bool in_record_ = false;
    std::uint64_t line_ = 1;
    std::uint64_t record_line_ = 1;
    std::uint64_t quote_line_ = 1;
    std::uint64_t records_ = 0;
    std::size_t record_bytes_ = 0;
    std::string bytes_;              // of all fields, one after the other
    std::vector<std::size_t> ends_;  // of the fields, in bytes_
    std::optional<csv_error> refused_;
    std::optional<csv_row> ready_;
};

// Writes one row with CRLF, quoting cells that need it. A cell that a spreadsheet would run as a
// formula (it begins with = + - @, tab or CR, and is not a plain number such as -5 or +1.25) gets
// an apostrophe in front; so does one that already has apostrophes before such a character, which
// makes csv_plain() the exact inverse. Cells are UTF-8 without NUL, else the reader refuses the
// row. An empty row is a blank line, which readers skip.
void append_csv_row(std::string& out, std::span<const std::string_view> cells);

// The cell as it was before append_csv_row() guarded it: takes one apostrophe away if the rest,
// after any further apostrophes, begins with a formula character. Import calls it on every cell, so
// export -> import changes nothing.
std::string csv_plain(std::string cell);

// A column an importer knows. Names and aliases are compared without case and surrounding blanks.
struct csv_column {
    std::string_view name;
    std::vector<std::string_view> aliases = {};
    bool required = false;
};

// Where the known columns stand in a file. `known` outlives nothing: names are copied.
class csv_header {
 public:
    csv_header(std::span<const csv_column> known, std::span<const std::string> cells);

    // Cells of the header row that no column claims, as written. Whether they matter is the
    // importer's choice.
    const std::vector<std::string>& unknown() const { return unknown_; }
    // Columns that two cells claim (by name or alias), and required ones that none does: such a
    // file is refused.
    const std::vector<std::string>& duplicate() const { return duplicate_; }
    const std::vector<std::string>& missing() const { return missing_; }

    // Nothing, or errc::invalid with code bad_csv_header and one entry for each missing and
    // duplicate column.
    result<> check() const;

    // Of the header row, unknown ones included.
    std::size_t cells() const { return cells_; }
    bool has(std::string_view name) const { return index_of(name).has_value(); }
    std::optional<std::size_t> index_of(std::string_view name) const;

    // The record's cell; nothing if the file has no such column or the record is too short.
    std::optional<std::string_view> cell(const csv_record& record, std::string_view name) const;

 private:
    struct placed {
        std::string name;
        std::optional<std::size_t> index;
    };
    std::size_t cells_;
    std::vector<placed> columns_;
    std::vector<std::string> unknown_;
    std::vector<std::string> duplicate_;
    std::vector<std::string> missing_;
};

// Well-formed UTF-8 (no overlong forms, surrogates or values above U+10FFFF) without NUL bytes.
bool is_text(std::string_view bytes);

}  // namespace stoa
