-- Amounts are minor units of `currency`. Times are RFC 3339 text, so that text order is time order.
CREATE TABLE products (
    id          TEXT PRIMARY KEY,
    sku         TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    category    TEXT NOT NULL,
    price       BIGINT NOT NULL CHECK (price >= 0),
    currency    TEXT NOT NULL,
    on_hand     BIGINT NOT NULL DEFAULT 0,
    reserved    BIGINT NOT NULL DEFAULT 0,
    image_url   TEXT,
    is_active   INTEGER NOT NULL DEFAULT 1,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 1,
    CHECK (0 <= reserved AND reserved <= on_hand)
);
CREATE INDEX products_newest ON products (is_active, created_at, id);
CREATE INDEX products_price ON products (is_active, price, id);
CREATE INDEX products_name ON products (is_active, name, id);
CREATE INDEX products_category_newest ON products (is_active, category, created_at, id);
CREATE INDEX products_category_price ON products (is_active, category, price, id);

-- on_hand is the sum of a product's movements. A reference counts once a product and reason, so that a repeated
-- import row, commit or return changes nothing.
CREATE TABLE stock_movements (
    product_id TEXT NOT NULL,
    delta      BIGINT NOT NULL,
    reason     TEXT NOT NULL,
    reference  TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (product_id, reason, reference)
);

-- One row an order, refusals and tombstones included; `outcome` is what a repeated hold is told.
CREATE TABLE holds (
    order_id   TEXT PRIMARY KEY,
    status     TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    due_at     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX holds_due ON holds (status, due_at);

CREATE TABLE hold_lines (
    order_id   TEXT NOT NULL,
    product_id TEXT NOT NULL,
    quantity   BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, product_id)
);

-- Rows of imported files that have been applied: (file hash, row) counts once.
CREATE TABLE imported_rows (
    file_hash TEXT NOT NULL,
    row_number BIGINT NOT NULL,
    PRIMARY KEY (file_hash, row_number)
);

-- Imports with their reports, so that one that was interrupted goes on and its report can be read later.
CREATE TABLE imports (
    id         TEXT PRIMARY KEY,
    status     TEXT NOT NULL,
    report     TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX imports_open ON imports (status, created_at);
