#include "services/product/product_document_store.hpp"

namespace stoa::products::store {
namespace {

#define DOCUMENT_COLUMNS                                                                 \
    "SELECT product_id, id, name, content_type, status, size_bytes, created_at, due_at " \
    "FROM product_documents "

}  // namespace

std::vector<document_row> documents_of(transaction& t, std::string_view product_id) {
    return t.query<document_row>(DOCUMENT_COLUMNS "WHERE product_id = ?1 ORDER BY product_id, id",
                                 product_id);
}

std::optional<document_row> find_document(transaction& t, std::string_view product_id,
                                          std::string_view id) {
    return t.first<document_row>(DOCUMENT_COLUMNS "WHERE product_id = ?1 AND id = ?2", product_id,
                                 id);
}

std::vector<document_row> documents_due(transaction& t, timestamp now, int limit) {
    return t.query<document_row>(DOCUMENT_COLUMNS
                                 "WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at "
                                 "LIMIT ?2",
                                 now, limit);
}

void put_document(transaction& t, const document_row& row) {
    t.execute(
        "INSERT INTO product_documents (product_id, id, name, content_type, status, size_bytes, "
        "created_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (product_id, id) "
        "DO UPDATE SET name = ?3, content_type = ?4, status = ?5, size_bytes = ?6, created_at = "
        "?7, due_at = ?8",
        row.product_id, row.id, row.name, row.content_type, row.status, row.size_bytes,
        row.created_at, row.due_at);
}

void forget_document(transaction& t, const document_row& row) {
    t.execute("DELETE FROM product_documents WHERE product_id = ?1 AND id = ?2", row.product_id,
              row.id);
}

}  // namespace stoa::products::store
