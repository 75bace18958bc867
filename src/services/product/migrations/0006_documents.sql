-- A product's documents. `status`: uploading (its file may not be there yet), ready, deleted (its file may still be there).
CREATE TABLE product_documents (
    product_id   TEXT NOT NULL,
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    status       TEXT NOT NULL,
    size_bytes   BIGINT NOT NULL,
    created_at   TEXT NOT NULL,
    due_at       TEXT,
    PRIMARY KEY (product_id, id)
);
CREATE INDEX product_documents_due ON product_documents (due_at) WHERE due_at IS NOT NULL;
