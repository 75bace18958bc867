// Files in and out by HTTP: catalogue import and export. They stream, so they are no operations.
#pragma once

#include "services/product/catalogue_import.hpp"
#include "transport/http/message.hpp"

#include <optional>

namespace stoa {

struct transfer_needs {
    products::catalogue_import& imports;
    blob_store& blobs;
    clock& time;
    random_source& random;
};
// Without needs: routes to be passed on to whoever answers them.
// POST /api/v1/products/import and …/import/rows, GET /api/v1/imports/{id} and /errors, GET
// /api/v1/products/export.
std::vector<http::route> transfer_pages(std::optional<transfer_needs> from);

}  // namespace stoa
