// Pictures in the sql port: a row each, and beside the product what is shown of all of them.
#pragma once

#include "services/product/product_store.hpp"

namespace stoa::products::store {

struct image_source {
    std::string etag, sequencer;
};
BOOST_DESCRIBE_STRUCT(image_source, (), (etag, sequencer))

struct image_row {
    std::string product_id, id;
    std::string folder;  // of its files; a product's id or sku
    std::int64_t position = 0;
    image_status status{};
    product_image image;
    image_source source;                // what is known of its original
    std::optional<timestamp> due_at{};  // a sweep looks at it from then on
};
BOOST_DESCRIBE_STRUCT(image_row, (),
                      (product_id, id, folder, position, status, image, source, due_at))

// In order; deleted ones and uploads too.
std::vector<image_row> images_of(transaction& t, std::string_view product_id);
std::optional<image_row> find_image(transaction& t, std::string_view product_id,
                                    std::string_view id);
std::vector<image_row> images_due(transaction& t, timestamp now, int limit);
void put_image(transaction& t, const image_row& row);
void forget_image(transaction& t, const image_row& row);
// What is shown, beside the product, whose version moves on. False: nothing is different.
bool show_images(transaction& t, std::string_view product_id, timestamp now);

}  // namespace stoa::products::store
