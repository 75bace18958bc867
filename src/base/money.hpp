// Amounts are whole minor units of an ISO 4217 currency. No amount is ever a double: JSON shows a
// decimal number that is written from the integer and read from the number's digits.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stoa {

// Three capital letters. `decimals` is the currency's minor-unit exponent (ISO 4217; 2 for unlisted
// codes).
struct currency_code {
    std::array<char, 3> letters{'U', 'S', 'D'};

    std::string_view text() const { return {letters.data(), 3}; }
    int decimals() const;
    friend auto operator<=>(const currency_code&, const currency_code&) = default;
};
// Nothing unless the text is a code that ISO 4217 lists as current tender.
std::optional<currency_code> read_currency(std::string_view text);

struct money {
    std::int64_t minor = 0;
    currency_code currency;

    friend bool operator==(const money&, const money&) = default;
};

// 12.10 for 1210 minor units of EUR, 1210 for JPY.
void append_money(std::string& out, money value);
std::string money_text(money value);

// Exact: nothing for more digits than the currency has, exponents, overflow or junk.
std::optional<std::int64_t> read_minor(std::string_view number, currency_code currency);

// Overflow-checked arithmetic on minor units and counts; nothing on overflow.
std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b);
std::optional<std::int64_t> checked_multiply(std::int64_t a, std::int64_t b);

}  // namespace stoa
