-- What requests under an Idempotency-Key were answered. Expiry is in Unix seconds.
CREATE TABLE product_answers (
    scope_key    TEXT PRIMARY KEY,
    request_hash TEXT NOT NULL,
    body         TEXT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX product_answers_expiry ON product_answers (expires_at);
