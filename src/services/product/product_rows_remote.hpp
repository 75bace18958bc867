// Rows to a shop that runs elsewhere, by its public API.
#pragma once

#include "ports/http_client.hpp"
#include "services/product/product_rows.hpp"

namespace stoa::products {

struct remote_rows_settings {
    std::string url;  // PRODUCT_API_URL: the shop's, with or without /api/v1/products
    std::string key;  // an API key with the scope products:write
    milliseconds answer_within{60'000};
};

// Thread rule: one loop; `http` must let answers of largest_rows_bytes through. Errors beside
// row_importer's: `internal` with code product_api_refused where the key, its scope or the address
// is wrong.
class remote_row_importer final : public row_importer {
 public:
    remote_row_importer(http_client& http, remote_rows_settings settings);
    task<result<rows_report>> import_rows(rows_request) override;

 private:
    http_client& http_;
    remote_rows_settings settings_;
};

}  // namespace stoa::products
