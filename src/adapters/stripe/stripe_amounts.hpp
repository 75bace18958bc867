// Amounts as Stripe counts them: whole numbers of a unit that is not ISO 4217's for every currency.
#pragma once

#include "base/money.hpp"
#include "base/result.hpp"

namespace stoa::stripe {

// `invalid`: currency_not_chargeable (Stripe takes none of it, or none that we know how to count),
// amount_not_chargeable (a part of the smallest unit that Stripe moves, overflow, none at all).
result<std::int64_t> units_of(money amount);
// The other way. Nothing where it is no whole number of the currency's minor units.
std::optional<std::int64_t> minor_of(std::int64_t units, currency_code currency);

}  // namespace stoa::stripe
