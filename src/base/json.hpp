// JSON over described tables. Out: snake_case (or camelCase where a topic's contract says so),
// optional = absent, int64 as numbers, enums by name, money as decimal numbers written from the
// integer. In: unknown members are ignored, everything missing or ill-typed is named by path in one
// answer, money is read from the number's digits.
#pragma once

#include "base/described.hpp"

namespace stoa {

enum class naming : std::uint8_t { snake, camel };

void write_json(std::string& out, const type& of, const void* value, naming names = naming::snake);
void append_json_string(std::string& out, std::string_view text);

// Amounts are read in the currency of the nearest `currency` member, else in `shop`. Problems are
// empty when the value is well read, have the single code `syntax` when the text is no JSON, and
// otherwise name every member that is missing, ill-typed, repeated or server-owned. `value` is then
// half-filled. Ranges and formats are the caller's to check (check_rules), once every part of a
// request is in place. Nesting deeper than 64 and invalid UTF-8 are `syntax`. Copies the text once
// for the parser's padding.
problems read_json(std::string_view body, const type& of, void* value, currency_code shop = {},
                   naming names = naming::snake);

template <class T>
std::string to_json(const T& value, naming names = naming::snake) {
    std::string out;
    write_json(out, type_of<T>, &value, names);
    return out;
}
// `malformed` for text that is no JSON, `invalid` with all paths for the rest.
template <class T>
result<T> from_json(std::string_view body, currency_code shop = {}, naming names = naming::snake) {
    T value{};
    auto found = read_json(body, type_of<T>, &value, shop, names);
    if (found.empty()) return value;
    if (found.front().code == "syntax")
        return fail(errc::malformed, "malformed_json", found.front().detail);
    return fail(invalid_request(std::move(found)));
}

}  // namespace stoa
