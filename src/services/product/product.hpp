// The nouns of the product service: catalogue entries, stock movements and holds.
#pragma once

#include "base/described.hpp"

namespace stoa::products {

inline constexpr std::int64_t largest_amount_minor =
    100'000'000'000;  // a thousand million in major units of two digits
inline constexpr std::int64_t largest_stock = 1'000'000'000;
inline constexpr std::int32_t largest_quantity = 1'000'000;  // of one line of an order

struct product {
    std::string id;
    std::string sku;  // unique; made from the id where none is given
    std::string name;
    std::string description;
    std::string category;
    money price;
    currency_code currency;
    std::int64_t stock = 0;  // on_hand − reserved: what can be sold
    std::optional<std::string> image_url;
    bool is_active = true;  // false: deleted
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(product, (),
                      (id, sku, name, description, category, price, currency, stock, image_url,
                       is_active, created_at, updated_at, version))

enum class movement_reason : std::uint8_t {
    initial,
    received,
    correction,
    recount,
    sold,
    returned
};
BOOST_DESCRIBE_ENUM(movement_reason, initial, received, correction, recount, sold, returned)

// on_hand is the sum of a product's movements, always.
struct stock_movement {
    std::string product_id;
    std::int64_t delta = 0;
    movement_reason reason{};
    std::string
        reference;  // an order id, an import row, an idempotency key: unique a product and reason
    timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(stock_movement, (), (product_id, delta, reason, reference, created_at))

// Units of one product that an order's hold took.
struct held_line {
    std::string product_id;
    std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(held_line, (), (product_id, quantity))

enum class hold_status : std::uint8_t {
    held,       // counted in reserved
    refused,    // the refusal is kept: a repeat reads it
    released,   // given back, or a tombstone: a later hold is refused
    committed,  // sold
    returned,   // sold, then given back
};
BOOST_DESCRIBE_ENUM(hold_status, held, refused, released, committed, returned)

}  // namespace stoa::products
