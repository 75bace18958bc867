// Documents in the sql port: a row each.
#pragma once

#include "services/product/product_store.hpp"

namespace stoa::products::store {

enum class document_status : std::uint8_t {
    uploading,  // its file may not be there yet
    ready,
    deleted,  // its file may still be there
};
BOOST_DESCRIBE_ENUM(document_status, uploading, ready, deleted)

struct document_row {
    std::string product_id, id, name, content_type;
    document_status status{};
    std::int64_t size_bytes = 0;
    timestamp created_at;
    std::optional<timestamp> due_at{};  // a sweep looks at it from then on
};
BOOST_DESCRIBE_STRUCT(document_row, (),
                      (product_id, id, name, content_type, status, size_bytes, created_at, due_at))

// By the time of their upload; uploads and deleted ones too.
std::vector<document_row> documents_of(transaction& t, std::string_view product_id);
std::optional<document_row> find_document(transaction& t, std::string_view product_id,
                                          std::string_view id);
std::vector<document_row> documents_due(transaction& t, timestamp now, int limit);
void put_document(transaction& t, const document_row& row);
void forget_document(transaction& t, const document_row& row);

}  // namespace stoa::products::store
