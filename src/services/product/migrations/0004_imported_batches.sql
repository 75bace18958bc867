-- Rows that a function sent: what came of each batch, so that one that is sent again is told the same and changes nothing.
CREATE TABLE imported_batches (
    source     TEXT NOT NULL,
    first_row  BIGINT NOT NULL,
    outcome    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (source, first_row)
);
