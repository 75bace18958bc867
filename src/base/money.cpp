#include "base/money.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace stoa {
namespace {

// Current tender of ISO 4217, sorted. Exponents other than 2 are listed in `exponents`.
constexpr std::string_view codes[] = {
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
    "BGN", "BHD", "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD",
    "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD",
    "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ",
    "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD",
    "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR",
    "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN",
    "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR",
    "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB",
    "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UYW",
    "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW",
    "ZWG"};
static_assert(std::ranges::is_sorted(codes));

struct exponent {
    std::string_view code;
    int decimals;
};
constexpr exponent exponents[] = {
    {"BHD", 3}, {"BIF", 0}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0}, {"IQD", 3}, {"ISK", 0}, {"JOD", 3},
    {"JPY", 0}, {"KMF", 0}, {"KRW", 0}, {"KWD", 3}, {"LYD", 3}, {"OMR", 3}, {"PYG", 0}, {"RWF", 0},
    {"TND", 3}, {"UGX", 0}, {"UYW", 4}, {"VND", 0}, {"VUV", 0}, {"XAF", 0}, {"XOF", 0}, {"XPF", 0}};

constexpr std::uint64_t powers[] = {1, 10, 100, 1'000, 10'000};

}  // namespace

int currency_code::decimals() const {
    const auto code = text();
    if (code == "USD" || code == "EUR" || code == "GBP") return 2;
    const auto found = std::ranges::find(exponents, code, &exponent::code);
    return found == std::end(exponents) ? 2 : found->decimals;
}

std::optional<currency_code> read_currency(std::string_view text) {
    if (!std::ranges::binary_search(codes, text)) return {};
    currency_code out;
    std::ranges::copy(text, out.letters.begin());
    return out;
}

void append_money(std::string& out, money value) {
    const int decimals = value.currency.decimals();
    const bool negative = value.minor < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(value.minor)
                                    : static_cast<std::uint64_t>(value.minor);
    const auto power = powers[decimals];
    char text[32];
    char* end = text;
    if (negative) *end++ = '-';
    end = std::to_chars(end, text + sizeof text, magnitude / power).ptr;
    if (decimals > 0) {
        *end++ = '.';
        auto fraction = magnitude % power;
        for (int i = decimals - 1; i >= 0; --i, fraction /= 10)
            end[i] = static_cast<char>('0' + fraction % 10);
        end += decimals;
    }
    out.append(text, end);
}

std::string money_text(money value) {
    std::string out;
    append_money(out, value);
    return out;
}

std::optional<std::int64_t> read_minor(std::string_view number, currency_code currency) {
    const bool negative = number.starts_with('-');
    if (negative) number.remove_prefix(1);
    const auto point = std::min(number.find('.'), number.size());
    const auto whole = number.substr(0, point);
    auto fraction = number.substr(std::min(point + 1, number.size()));
    if (whole.empty() || (point < number.size() && fraction.empty())) return {};
    while (fraction.ends_with('0')) fraction.remove_suffix(1);
    const auto decimals = static_cast<std::size_t>(currency.decimals());
    if (fraction.size() > decimals) return {};
    std::string digits(whole);
    digits.append(fraction).append(decimals - fraction.size(), '0');
    if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return {};
    if (negative) digits.insert(0, 1, '-');  // before reading: the least int64 has no positive twin
    std::int64_t minor = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), minor);
    if (error != std::errc{} || end != digits.data() + digits.size()) return {};
    return minor;
}

std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) return {};
    return sum;
}

std::optional<std::int64_t> checked_multiply(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) return {};
    return product;
}

}  // namespace stoa
