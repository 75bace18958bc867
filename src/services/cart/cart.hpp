// The nouns of the cart service.
#pragma once

#include "base/described.hpp"

namespace stoa::carts {

inline constexpr std::size_t most_lines = 1'000;
inline constexpr std::int64_t largest_quantity = 1'000'000;  // of one line

// A line as it is stored. The price is what the customer saw when they last touched the line.
struct line {
    std::string user_id, product_id;
    std::int64_t quantity = 0;
    timestamp added_at;  // first; changes of the quantity leave it
    money price_seen;
    currency_code currency;
    std::int64_t version = 1;
    std::int64_t expires_at = 0;  // Unix seconds
};
BOOST_DESCRIBE_STRUCT(line, (),
                      (user_id, product_id, quantity, added_at, price_seen, currency, version,
                       expires_at))

// Why a line could not be ordered as it stands.
enum class line_problem : std::uint8_t {
    unavailable,     // no longer sold
    out_of_stock,    // none can be had
    less_available,  // some, but fewer than the line asks for
    other_currency,  // an order has one currency: the first line's
    too_large,       // with it the total would pass what an order may have
};
BOOST_DESCRIBE_ENUM(line_problem, unavailable, out_of_stock, less_available, other_currency,
                    too_large)

struct cart_line {
    std::string product_id, sku, name;
    std::int64_t quantity = 0;
    money price;       // of one, now
    money line_total;  // price × quantity
    std::int64_t available = 0;
    std::optional<line_problem> problem;
};
BOOST_DESCRIBE_STRUCT(cart_line, (),
                      (product_id, sku, name, quantity, price, line_total, available, problem))

enum class change_kind : std::uint8_t { price_changed, out_of_stock, less_available, unavailable };
BOOST_DESCRIBE_ENUM(change_kind, price_changed, out_of_stock, less_available, unavailable)

// How the shop now differs from what the customer saw.
struct cart_change {
    std::string product_id;
    change_kind what{};
    std::optional<money> before, now;       // price_changed
    std::optional<std::int64_t> available;  // out_of_stock, less_available
};
BOOST_DESCRIBE_STRUCT(cart_change, (), (product_id, what, before, now, available))

// The cart at today's prices. Lines with a problem are shown; only those that could be ordered, or
// could be with fewer units, are in the total.
struct cart {
    std::vector<cart_line> items;  // oldest first
    money total_amount;
    currency_code currency;
    std::int64_t units = 0;
    std::vector<cart_change> changes;
};
BOOST_DESCRIBE_STRUCT(cart, (), (items, total_amount, currency, units, changes))

}  // namespace stoa::carts
