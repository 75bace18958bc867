// Events of the product service. product.deleted is written in camelCase (R72): productId.
#pragma once

#include "services/product/product.hpp"

#include <string_view>

namespace stoa::products {

namespace topic {
inline constexpr std::string_view deleted = "product.deleted";
inline constexpr std::string_view changed = "product.changed";
// What the function image_resize made of an original; key: the folder that it lies in.
inline constexpr std::string_view images_processed = "product-images.processed";
// Of the embedded shop only: what a bucket of a cloud tells its functions itself.
inline constexpr std::string_view objects_created = "objects.created";
}  // namespace topic

struct product_deleted {
    std::string product_id;
};
BOOST_DESCRIBE_STRUCT(product_deleted, (), (product_id))

// Sold again after it was deleted. Of the same topic, so that the two stay in order; the event's
// version is the product's in both.
inline constexpr std::string_view restored_type = "product.restored";
struct product_restored {
    std::string product_id;
};
BOOST_DESCRIBE_STRUCT(product_restored, (), (product_id))

// Whatever is cached of the product is stale. Not sent for changes of stock alone.
struct product_changed {
    std::string product_id;
    std::int64_t version = 0;
};
BOOST_DESCRIBE_STRUCT(product_changed, (), (product_id, version))

// An original under originals/<folder>/<image>, where the folder is a product's id or sku.
struct image_processed {
    std::string folder, image;
    std::string etag;       // of the original
    std::string sequencer;  // of the same original, a later write has the greater text
    std::int64_t width = 0, height = 0;
    std::vector<image_variant> variants;  // none where it was refused
    std::optional<std::string> problem_code, problem;
};
BOOST_DESCRIBE_STRUCT(image_processed, (),
                      (folder, image, etag, sequencer, width, height, variants, problem_code,
                       problem))

struct object_announced {
    std::string bucket, key, etag;
    std::int64_t size_bytes = 0;
    std::optional<std::string> sequencer{};  // where the key may be written again
};
BOOST_DESCRIBE_STRUCT(object_announced, (), (bucket, key, etag, size_bytes, sequencer))

}  // namespace stoa::products
