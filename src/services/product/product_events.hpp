// Events of the product service. product.deleted is written in camelCase (R72): productId.
#pragma once

#include "services/product/product.hpp"

#include <string_view>

namespace stoa::products {

namespace topic {
inline constexpr std::string_view deleted = "product.deleted";
inline constexpr std::string_view changed = "product.changed";
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

}  // namespace stoa::products
