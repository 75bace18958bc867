-- Where a guest may be written to. No credential and not unique: whoever reads the mail proves it by an account.
-- guest_claimed_at: when a verified address last asked for the guest's orders; empty: never.
ALTER TABLE users ADD COLUMN guest_email_key TEXT;
ALTER TABLE users ADD COLUMN guest_claimed_at TEXT NOT NULL DEFAULT '';
CREATE INDEX users_guest_email ON users (guest_email_key, guest_claimed_at, created_at)
    WHERE guest_email_key IS NOT NULL;

-- One row a message; the token works for that account and that address only.
CREATE TABLE email_verifications (
    digest     TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    email_key  TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE INDEX email_verifications_user ON email_verifications (user_id, created_at);
CREATE INDEX email_verifications_email ON email_verifications (email_key, created_at);
CREATE INDEX email_verifications_expiry ON email_verifications (expires_at);

-- Guests whose orders go to an account. due_at: when they are looked for next; absent until the account's address is
-- verified. While a row stands, its guest cannot become an account of its own.
CREATE TABLE guest_claims (
    guest_id   TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    claimed_at TEXT NOT NULL,
    due_at     TEXT
);
CREATE INDEX guest_claims_due ON guest_claims (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX guest_claims_user ON guest_claims (user_id);
