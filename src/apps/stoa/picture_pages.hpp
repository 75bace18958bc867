// Pictures in and out by HTTP. They are bytes, so they are no operations.
#pragma once

#include "services/product/product_service.hpp"
#include "transport/http/message.hpp"

#include <optional>

namespace stoa {

struct picture_needs {
    products::product_service& products;
    blob_store& blobs;
};
// Without needs: routes to be passed on to whoever answers them.
// POST /api/v1/products/{id}/images, GET /api/v1/pictures/{path...}.
std::vector<http::route> picture_pages(std::optional<picture_needs> from);

}  // namespace stoa
