// The nouns of the product service: catalogue entries, stock movements and holds.
#pragma once

#include "base/described.hpp"

namespace stoa::products {

inline constexpr std::int64_t largest_amount_minor =
    100'000'000'000;  // a thousand million in major units of two digits
inline constexpr std::int64_t largest_stock = 1'000'000'000;
inline constexpr std::int32_t largest_quantity = 1'000'000;  // of one line of an order

// A picture in one size and format. `size` is the square that it was fitted into.
struct image_variant {
    std::int64_t size = 0, width = 0, height = 0;
    std::string content_type, url;
};
BOOST_DESCRIBE_STRUCT(image_variant, (), (size, width, height, content_type, url))

enum class image_status : std::uint8_t {
    uploading,   // not shown: its original may not be there yet
    processing,  // the original is there, its variants are being made
    ready,
    refused,  // `problem` says why it is no picture that can be shown
    deleted,  // not shown
};
BOOST_DESCRIBE_ENUM(image_status, uploading, processing, ready, refused, deleted)

struct product_image {
    std::string id;
    image_status status{};
    std::int64_t width = 0, height = 0;  // of the original, upright; 0 until it is ready
    std::vector<image_variant> variants;
    std::optional<std::string> problem;
};
BOOST_DESCRIBE_STRUCT(product_image, (), (id, status, width, height, variants, problem))

// A manual, a data sheet: kept as it came, and handed out as a file.
struct product_document {
    std::string id, name, content_type;
    std::int64_t size_bytes = 0;
    std::string url;
    timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(product_document, (), (id, name, content_type, size_bytes, url, created_at))

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
    std::vector<product_image> images;  // in the order in which they are shown
    bool is_active = true;              // false: deleted
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(product, (),
                      (id, sku, name, description, category, price, currency, stock, image_url,
                       images, is_active, created_at, updated_at, version))

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
