-- A product's pictures. `status`: uploading (its original may not be there yet), processing, ready, refused, deleted (its
-- files may still be there). `image` is what is shown of it. Deleted rows stay a while, so that a late event brings none back.
CREATE TABLE product_images (
    product_id TEXT NOT NULL,
    id         TEXT NOT NULL,
    folder     TEXT NOT NULL,
    position   BIGINT NOT NULL,
    status     TEXT NOT NULL,
    image      TEXT NOT NULL,
    source     TEXT NOT NULL,
    due_at     TEXT,
    PRIMARY KEY (product_id, id)
);
CREATE INDEX product_images_due ON product_images (due_at) WHERE due_at IS NOT NULL;

-- What is shown of all pictures, in order: a product is read with them at once.
ALTER TABLE products ADD COLUMN images TEXT NOT NULL DEFAULT '[]';
