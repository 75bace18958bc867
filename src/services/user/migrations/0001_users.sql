-- E-mail addresses are kept as given; email_key is the lower-cased one by which they are unique. A customer without
-- credentials has no password_hash, a guest no e-mail either. Times are RFC 3339 text.
CREATE TABLE users (
    id                 TEXT PRIMARY KEY,
    email              TEXT,
    email_key          TEXT UNIQUE,
    password_hash      TEXT,
    first_name         TEXT NOT NULL,
    last_name          TEXT NOT NULL,
    name               TEXT,
    phone              TEXT,
    address            TEXT,
    role               TEXT NOT NULL,
    active             INTEGER NOT NULL DEFAULT 1,
    email_verified     INTEGER NOT NULL DEFAULT 0,
    tokens_valid_after TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    updated_at         TEXT NOT NULL,
    version            BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX users_newest ON users (created_at, id) WHERE active = 1 AND role <> 'guest';
CREATE INDEX users_role_newest ON users (role, created_at, id) WHERE active = 1;

-- Active records by role, for totals of lists; guests are not counted.
CREATE TABLE user_counts (
    role  TEXT PRIMARY KEY,
    count BIGINT NOT NULL
);

-- One row a request, also for addresses that nobody has: asking must cost the same.
CREATE TABLE password_resets (
    digest     TEXT PRIMARY KEY,
    email_key  TEXT NOT NULL,
    user_id    TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE INDEX password_resets_email ON password_resets (email_key, created_at);
CREATE INDEX password_resets_expiry ON password_resets (expires_at);

CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX api_keys_newest ON api_keys (created_at, id);
