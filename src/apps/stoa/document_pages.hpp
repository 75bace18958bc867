// Documents of products in and out by HTTP. They are bytes, so they are no operations.
#pragma once

#include "services/product/product_service.hpp"
#include "transport/http/message.hpp"

#include <optional>

namespace stoa {

struct document_needs {
    products::product_service& products;
    blob_store& blobs;
};
// Without needs: routes to be passed on to whoever answers them.
// POST /api/v1/products/{id}/documents?name=…, GET /api/v1/products/{id}/documents/{document}.
std::vector<http::route> document_pages(std::optional<document_needs> from);

}  // namespace stoa
