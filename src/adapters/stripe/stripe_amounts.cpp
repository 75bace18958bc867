#include "adapters/stripe/stripe_amounts.hpp"

#include <algorithm>
#include <array>

namespace stoa::stripe {
namespace {

constexpr std::array<std::int64_t, 4> powers{1, 10, 100, 1'000};

// Stripe's documentation of currencies: without decimals, with three, and those that are counted
// in hundredths although they have none (ISK, UGX) or the other way round (MGA).
constexpr std::array<std::string_view, 15> whole{"BIF", "CLP", "DJF", "GNF", "JPY",
                                                 "KMF", "KRW", "MGA", "PYG", "RWF",
                                                 "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr std::array<std::string_view, 5> thousandths{"BHD", "JOD", "KWD", "OMR", "TND"};

std::optional<int> decimals_at_stripe(currency_code currency) {
    const auto code = currency.text();
    if (std::ranges::find(whole, code) != whole.end()) return 0;
    if (std::ranges::find(thousandths, code) != thousandths.end()) return 3;
    if (code == "ISK" || code == "UGX" || currency.decimals() == 2) return 2;
    return {};
}

// Of units in whole ones of the currency, which a price with a fraction is none of.
std::int64_t step_of(currency_code currency) {
    const auto code = currency.text();
    if (code == "ISK" || code == "UGX") return 100;
    // The last of three digits must be zero.
    return std::ranges::find(thousandths, code) != thousandths.end() ? 10 : 1;
}

std::int64_t power(int of) { return powers[static_cast<std::size_t>(of)]; }

}  // namespace

result<std::int64_t> units_of(money amount) {
    const std::string code(amount.currency.text());
    const auto theirs = decimals_at_stripe(amount.currency);
    if (!theirs)
        return fail(errc::invalid, "currency_not_chargeable",
                    "Stripe does not take amounts in " + code);
    const auto refused = [&] {
        return fail(errc::invalid, "amount_not_chargeable",
                    "Stripe cannot move " + money_text(amount) + ' ' + code);
    };
    if (amount.minor <= 0) return refused();
    const int ours = amount.currency.decimals();
    std::int64_t units = amount.minor;
    if (*theirs > ours) {
        const auto more = checked_multiply(units, power(*theirs - ours));
        if (!more) return refused();
        units = *more;
    } else if (*theirs < ours) {
        if (units % power(ours - *theirs) != 0) return refused();
        units /= power(ours - *theirs);
    }
    if (units % step_of(amount.currency) != 0) return refused();
    return units;
}

std::optional<std::int64_t> minor_of(std::int64_t units, currency_code currency) {
    const auto theirs = decimals_at_stripe(currency);
    if (!theirs) return {};
    const int ours = currency.decimals();
    if (*theirs <= ours) return checked_multiply(units, power(ours - *theirs));
    const auto by = power(*theirs - ours);
    if (units % by != 0) return {};
    return units / by;
}

}  // namespace stoa::stripe
