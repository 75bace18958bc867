#include "ports/sql.hpp"

#include "base/json.hpp"

namespace stoa {
namespace {

[[noreturn]] void disagree(std::string_view member, std::string_view why) {
    throw sql_failure{error{.kind = errc::internal,
                            .code = "row_ill_formed",
                            .detail = std::string(member) + ": " + std::string(why)}};
}

int find_column(const sql_row& row, std::string_view name, int hint) {
    if (hint < row.columns() && row.name(hint) == name) return hint;
    for (int i = 0; i < row.columns(); ++i)
        if (row.name(i) == name) return i;
    return -1;
}

bool read_cell(const sql_row& from, int column, const type& of, void* into, currency_code amounts) {
    switch (of.what) {
        case kind::boolean:
            *static_cast<bool*>(into) = from.integer(column) != 0;
            return true;
        case kind::integer:
            of.store(into, from.integer(column));
            return true;
        case kind::money:
            *static_cast<money*>(into) = {from.integer(column), amounts};
            return true;
        case kind::json:
            static_cast<json_text*>(into)->text = from.text(column);
            return true;
        case kind::optional:
            if (from.null(column)) return of.clear(into), true;
            return read_cell(from, column, *of.element, of.append(into), amounts);
        case kind::list:
        case kind::record:
            return read_json(from.text(column), of, into, amounts).empty();
        case kind::text:
        case kind::enumeration:
        case kind::currency:
        case kind::timestamp:
            return read_text(from.text(column), of, into);
    }
    return false;
}

}  // namespace

void check_lists(std::span<const argument_row> rows) {
    const auto is_number = [](const cell& c) { return std::holds_alternative<std::int64_t>(c); };
    for (const auto& row : rows) {
        bool alike = row.size() == rows.front().size();
        for (std::size_t i = 0; alike && i < row.size(); ++i)
            alike = !std::holds_alternative<std::monostate>(row[i]) &&
                    is_number(row[i]) == is_number(rows.front()[i]);
        if (!alike)
            throw sql_failure{error{.kind = errc::internal,
                                    .code = "statement_refused",
                                    .detail = "rows of arguments are not alike, or hold NULL"}};
    }
}

void row_reader::read(const sql_row& from, void* into) {
    if (column_of_.empty())
        for (int i = 0; const auto& m : of_.members)
            column_of_.push_back(find_column(from, m.name, i++));
    auto amounts = shop_;
    for (std::size_t i = 0; i < of_.members.size(); ++i)
        if (of_.members[i].of->what == kind::currency && column_of_[i] >= 0)
            (void)read_text(from.text(column_of_[i]), *of_.members[i].of, &amounts);
    for (std::size_t i = 0; i < of_.members.size(); ++i) {
        const auto& m = of_.members[i];
        const bool optional = m.of->what == kind::optional;
        const int column = column_of_[i];
        if (column < 0) {
            if (!optional) disagree(m.name, "the statement has no such column");
            continue;
        }
        if (!optional && from.null(column)) disagree(m.name, "NULL in a required column");
        if (!read_cell(from, column, *m.of, m.in(into), amounts)) disagree(m.name, "ill-formed");
    }
}

}  // namespace stoa
