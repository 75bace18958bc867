#include "base/csv.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace stoa {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// Buffers above this are given back after their record, so that one large record does not stay for
// ever.
constexpr std::size_t kept_capacity_bytes = 64 * 1024;

[[noreturn]] void misuse(const char* what) {
    std::fprintf(stderr, "csv_reader: %s\n", what);
    std::abort();
}

bool is_continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// Bytes of the well-formed character at the front (RFC 3629), 0 for none.
std::size_t character_bytes(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = at(0);
    if (lead < 0x80) return lead != 0 ? 1 : 0;
    const std::size_t size = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
    if (size == 0 || size > text.size()) return 0;
    const unsigned char second = at(1);
    if (lead == 0xE0 && second < 0xA0) return 0;
    if (lead == 0xED && second > 0x9F) return 0;
    if (lead == 0xF0 && second < 0x90) return 0;
    if (lead == 0xF4 && second > 0x8F) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if (!is_continuation(at(i))) return 0;
    return size;
}

bool is_formula_character(char c) {
    return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r';
}

bool is_plain_number(std::string_view cell) {
    const auto digits = [&] {
        std::size_t n = 0;
        while (n < cell.size() && cell[n] >= '0' && cell[n] <= '9') ++n;
        cell.remove_prefix(n);
        return n > 0;
    };
    if (!cell.empty() && (cell[0] == '+' || cell[0] == '-')) cell.remove_prefix(1);
    if (!digits()) return false;
    if (cell.empty()) return true;
    if (cell[0] != '.') return false;
    cell.remove_prefix(1);
    return digits() && cell.empty();
}

// Whether a formula character follows the apostrophes, if any, in front.
bool is_formula_behind_apostrophes(std::string_view cell) {
    const auto first = cell.find_first_not_of('\'');
    return first != std::string_view::npos && is_formula_character(cell[first]);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(trimmed(a), trimmed(b), {}, lower, lower);
}

}  // namespace

bool is_text(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto size = character_bytes(bytes);
        if (size == 0) return false;
        bytes.remove_prefix(size);
    }
    return true;
}

void csv_reader::feed(std::string_view chunk) {
    if (finished_) misuse("feed() after finish()");
    if (!input_.empty() || ready_) misuse("feed() before next() returned nothing");
    input_ = chunk;
    fed_bytes_ += chunk.size();
}

void csv_reader::finish() {
    if (!input_.empty() || ready_) misuse("finish() before next() returned nothing");
    if (finished_) return;
    finished_ = true;
    // A file that is shorter than the mark it seemed to begin with.
    if (mark_bytes_ > 0 && mark_bytes_ < byte_order_mark.size()) {
        open_record();
        keep(byte_order_mark.substr(0, mark_bytes_));
        state_ = state::plain;
    }
    if (!in_record_) return;
    if (state_ == state::quoted) {
        refused_.reset();  // an open quote is what made the rest one record, whatever else is wrong
                           // with it
        refuse("unterminated_quote", "the quote opened on line " + std::to_string(quote_line_) +
                                         " is never closed: everything up to the last line (" +
                                         std::to_string(line_) + ") was read as one cell");
    }
    end_record();
}

std::optional<csv_row> csv_reader::next() {
    while (!ready_ && !input_.empty()) {
        if (const auto run = plain_run(); run > 0) {
            keep(input_.substr(0, run));
            input_.remove_prefix(run);
            continue;
        }
        const char c = input_.front();
        input_.remove_prefix(1);
        if (mark_bytes_ < byte_order_mark.size()) {
            if (c == byte_order_mark[mark_bytes_]) {
                ++mark_bytes_;
                continue;
            }
            const auto seen = byte_order_mark.substr(0, std::exchange(mark_bytes_, 3));
            if (!seen.empty()) {
                open_record();
                keep(seen);
                state_ = state::plain;
            }
        }
        take(c);
    }
    return std::exchange(ready_, std::nullopt);
}

// How many bytes from here on are text whatever they are: the fast path, and the only one for
// skipped records.
std::size_t csv_reader::plain_run() const {
    if (after_cr_ || mark_bytes_ < byte_order_mark.size()) return 0;
    std::size_t n = 0;
    if (state_ == state::plain) {
        while (n < input_.size() && input_[n] != ',' && input_[n] != '\n' && input_[n] != '\r') ++n;
    } else if (state_ == state::quoted) {
        while (n < input_.size() && input_[n] != '"' && input_[n] != '\n' && input_[n] != '\r') ++n;
    }
    return n;
}

void csv_reader::take(char c) {
    if (std::exchange(after_cr_, false) && c == '\n') {
        if (state_ == state::quoted) keep("\n");
        return;
    }
    const bool line_end = c == '\n' || c == '\r';
    after_cr_ = c == '\r';
    if (line_end) ++line_;

    if (state_ == state::quoted) {
        if (c == '"') {
            ++record_bytes_;
            state_ = state::quote_in_quoted;
        } else {
            keep({&c, 1});
        }
        return;
    }
    if (line_end) {
        if (in_record_) end_record();
        return;
    }
    if (!in_record_) open_record();
    if (c == ',') {
        ++record_bytes_;
        end_field();
        state_ = state::field_start;
        return;
    }
    if (state_ == state::field_start && c == '"') {
        ++record_bytes_;
        quote_line_ = line_;
        state_ = state::quoted;
        return;
    }
    if (state_ == state::quote_in_quoted) {
        if (c == '"') {
            keep({&c, 1});
            state_ = state::quoted;
            return;
        }
        refuse("text_after_quote",
               "cell " + std::to_string(ends_.size() + 1) +
                   " has text after its closing quote; double a quote that belongs to the cell");
    }
    keep({&c, 1});
    state_ = state::plain;
}

void csv_reader::open_record() {
    in_record_ = true;
    record_line_ = line_;
    ++records_;
}

void csv_reader::keep(std::string_view bytes) {
    record_bytes_ += bytes.size();
    if (refused_) return;
    if (record_bytes_ > limits_.record_bytes) {
        refuse("record_too_long",
               "the record has more than " + std::to_string(limits_.record_bytes) + " bytes");
        return;
    }
    bytes_ += bytes;
}

void csv_reader::end_field() {
    if (refused_) return;
    ends_.push_back(bytes_.size());
    if (record_bytes_ > limits_.record_bytes)
        refuse("record_too_long",
               "the record has more than " + std::to_string(limits_.record_bytes) + " bytes");
    else if (ends_.size() > limits_.fields)
        refuse("too_many_fields",
               "the record has more than " + std::to_string(limits_.fields) + " cells");
}

// What was kept of a refused record goes at once: the rest of it is only looked through for its
// end.
void csv_reader::refuse(std::string_view code, std::string detail) {
    if (refused_) return;
    refused_ = csv_error{record_line_, records_, std::string(code), std::move(detail)};
    bytes_ = {};
    ends_.clear();
}

// Field by field: two halves of a character in neighbouring cells do not make one.
bool csv_reader::fields_are_text() const {
    std::size_t from = 0;
    for (const auto end : ends_) {
        if (!is_text(std::string_view(bytes_).substr(from, end - from))) return false;
        from = end;
    }
    return true;
}

void csv_reader::end_record() {
    end_field();
    if (!refused_ && !fields_are_text()) {
        refuse("bad_utf8", bytes_.find('\0') != std::string::npos
                               ? "the record holds a NUL byte: save the file as UTF-8 text"
                               : "the record is not UTF-8 text: save the file as UTF-8");
    }
    ready_ = build();
    if (bytes_.capacity() > kept_capacity_bytes) bytes_ = {};
    bytes_.clear();
    ends_.clear();
    record_bytes_ = 0;
    in_record_ = false;
    state_ = state::field_start;
}

csv_row csv_reader::build() {
    if (refused_) return std::unexpected(*std::exchange(refused_, std::nullopt));
    csv_record record{.line = record_line_, .number = records_};
    record.fields.reserve(ends_.size());
    std::size_t from = 0;
    for (const auto end : ends_) {
        record.fields.emplace_back(bytes_, from, end - from);
        from = end;
    }
    return record;
}

void append_csv_row(std::string& out, std::span<const std::string_view> cells) {
    bool first = true;
    for (const auto cell : cells) {
        if (!std::exchange(first, false)) out += ',';
        const bool guarded = is_formula_behind_apostrophes(cell) && !is_plain_number(cell);
        // A lone empty cell would be a blank line, and a mark in front would be taken for the
        // file's own.
        const bool quoted = cell.find_first_of(",\"\r\n") != std::string_view::npos ||
                            cell.starts_with(byte_order_mark) ||
                            (cell.empty() && cells.size() == 1);
        if (quoted) out += '"';
        if (guarded) out += '\'';
        for (const char c : cell) {
            if (c == '"') out += '"';
            out += c;
        }
        if (quoted) out += '"';
    }
    out += "\r\n";
}

std::string csv_plain(std::string cell) {
    if (cell.starts_with('\'') && is_formula_behind_apostrophes(cell)) cell.erase(0, 1);
    return cell;
}

csv_header::csv_header(std::span<const csv_column> known, std::span<const std::string> cells)
    : cells_(cells.size()) {
    std::vector<bool> claimed(cells.size());
    for (const auto& column : known) {
        auto& here = columns_.emplace_back(std::string(column.name));
        bool twice = false;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const bool mine = same_name(column.name, cells[i]) ||
                              std::ranges::any_of(column.aliases, [&](auto alias) {
                                  return same_name(alias, cells[i]);
                              });
            if (!mine) continue;
            claimed[i] = true;
            if (here.index) {
                twice = true;
            } else {
                here.index = i;
            }
        }
        if (twice) duplicate_.emplace_back(column.name);
        if (column.required && !here.index) missing_.emplace_back(column.name);
    }
    for (std::size_t i = 0; i < cells.size(); ++i)
        if (!claimed[i]) unknown_.push_back(cells[i]);
}

result<> csv_header::check() const {
    if (missing_.empty() && duplicate_.empty()) return {};
    error why{.kind = errc::invalid,
              .code = "bad_csv_header",
              .detail = "the first row must name each required column once"};
    for (const auto& name : missing_)
        why.errors.push_back(
            {.where = name, .code = "missing_column", .detail = "no column has this name"});
    for (const auto& name : duplicate_)
        why.errors.push_back({.where = name,
                              .code = "duplicate_column",
                              .detail = "more than one column has this name"});
    return fail(std::move(why));
}

std::optional<std::size_t> csv_header::index_of(std::string_view name) const {
    for (const auto& column : columns_)
        if (same_name(column.name, name)) return column.index;
    return std::nullopt;
}

std::optional<std::string_view> csv_header::cell(const csv_record& record,
                                                 std::string_view name) const {
    const auto index = index_of(name);
    if (!index || *index >= record.fields.size()) return std::nullopt;
    return record.fields[*index];
}

}  // namespace stoa
