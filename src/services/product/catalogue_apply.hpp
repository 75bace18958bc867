// What rows of a file do to the catalogue, inside a transaction.
#pragma once

#include "ports/sql.hpp"
#include "services/product/product.hpp"
#include "services/product/product_rows.hpp"

namespace stoa::products {

// A row of the file that reads well. Absent members leave an existing product as it is.
struct import_row {
    std::int64_t row = 0, line = 0;
    std::string sku, name;
    std::optional<std::string> description, category, image_url;
    money price;
    std::optional<std::int64_t> stock;
};

struct row_batch {
    std::vector<import_row> rows;
    timestamp now;
    std::vector<std::string> ids{}, changed{},
        restored{};  // of products and events that the rows may make; one a row, ids ascending
    // Stock counts once per (file, row). Empty: the batch as a whole is applied once, by `source`.
    std::string file{};
    std::string source{};
};

struct batch_outcome {
    std::int64_t created = 0, updated = 0, unchanged = 0, recounted = 0;
    std::vector<bad_row> bad;  // left nothing of themselves behind
    std::vector<product> changed;
};

batch_outcome apply_rows(transaction& t, const row_batch& batch);

}  // namespace stoa::products
