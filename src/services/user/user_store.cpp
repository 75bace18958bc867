#include "services/user/user_store.hpp"

#include "base/json.hpp"
#include "services/user/password_policy.hpp"

namespace stoa::users::store {
namespace {

#define USER_COLUMNS                                                                \
    "SELECT id, email, first_name, last_name, name, phone, address, role, active, " \
    "email_verified, "                                                              \
    "created_at, updated_at, version FROM users "
#define CREDENTIAL_COLUMNS \
    "SELECT id, email, password_hash, role, active, tokens_valid_after FROM users "

// By which an account is found. A guest's address is no way to an account.
std::optional<std::string> account_key(const user& of) {
    if (!of.email || of.role == account_role::guest) return {};
    return lower_case(*of.email);
}
std::optional<std::string> guest_key(const user& of) {
    if (!of.email || of.role != account_role::guest) return {};
    return lower_case(*of.email);
}

void count_one(transaction& t, account_role role, int delta) {
    if (role == account_role::guest) return;
    t.execute(
        "INSERT INTO user_counts (role, count) VALUES (?1, ?2) "
        "ON CONFLICT (role) DO UPDATE SET count = user_counts.count + ?2",
        role, delta);
}

// A guest becomes an account, or its orders go to another, and never both: whichever comes second
// waits here, and looks at the guest's row and its claim after that.
void lock_user(transaction& t, std::string_view id) {
    (void)t.number("SELECT 1 FROM users WHERE id = ?1", id);
}

std::string scopes_json(const std::vector<std::string>& scopes) {
    std::string out;
    write_json(out, type_of<std::vector<std::string>>, &scopes);
    return out;
}

}  // namespace

std::optional<user> find(transaction& t, std::string_view id) {
    return t.first<user>(USER_COLUMNS "WHERE id = ?1", id);
}

std::optional<credentials> find_credentials(transaction& t, std::string_view id) {
    return t.first<credentials>(CREDENTIAL_COLUMNS "WHERE id = ?1", id);
}

std::optional<credentials> find_credentials_by_email(transaction& t, std::string_view email) {
    return t.first<credentials>(CREDENTIAL_COLUMNS "WHERE email_key = ?1", lower_case(email));
}

bool email_is_taken(transaction& t, std::string_view email, std::string_view except_id) {
    return t
        .number("SELECT 1 FROM users WHERE email_key = ?1 AND id <> ?2", lower_case(email),
                except_id)
        .has_value();
}

bool insert(transaction& t, const user& fresh, const std::optional<std::string>& password_hash) {
    const auto inserted = t.execute(
        "INSERT INTO users (id, email, email_key, password_hash, first_name, last_name, name, "
        "phone, address, "
        "role, active, email_verified, tokens_valid_after, created_at, updated_at, version, "
        "guest_email_key) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?13, 1, ?14) "
        "ON CONFLICT (email_key) DO NOTHING",
        fresh.id, fresh.email, account_key(fresh), password_hash, fresh.first_name, fresh.last_name,
        fresh.name, fresh.phone, fresh.address, fresh.role, fresh.active, fresh.email_verified,
        fresh.created_at, guest_key(fresh));
    if (inserted == 0) return false;
    count_one(t, fresh.role, 1);
    return true;
}

bool upgrade_guest(transaction& t, const user& to, const std::string& password_hash) {
    lock_user(t, to.id);
    const auto upgraded = t.execute(
        "UPDATE users SET email = ?2, email_key = ?3, password_hash = ?4, first_name = ?5, "
        "last_name = ?6, "
        "phone = COALESCE(?7, phone), role = ?8, tokens_valid_after = ?9, updated_at = ?9, "
        "guest_email_key = NULL, version = version + 1 "
        "WHERE id = ?1 AND role = 'guest' AND active = 1 "
        "AND NOT EXISTS (SELECT 1 FROM guest_claims WHERE guest_id = ?1)",
        to.id, to.email, account_key(to), password_hash, to.first_name, to.last_name, to.phone,
        account_role::customer, to.updated_at);
    if (upgraded == 1) count_one(t, account_role::customer, 1);
    return upgraded == 1;
}

void update(transaction& t, const user& to) {
    t.execute(
        "UPDATE users SET email = ?2, email_key = ?3, first_name = ?4, last_name = ?5, name = ?6, "
        "phone = ?7, "
        "address = ?8, email_verified = ?9, updated_at = ?10, guest_email_key = ?11, "
        "version = version + 1 WHERE id = ?1",
        to.id, to.email, account_key(to), to.first_name, to.last_name, to.name, to.phone,
        to.address, to.email_verified, to.updated_at, guest_key(to));
}

bool replace_hash(transaction& t, std::string_view id, std::string_view before,
                  std::string_view after) {
    return t.execute("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2", id,
                     before, after) == 1;
}

void set_password(transaction& t, std::string_view id, std::string_view hash,
                  timestamp tokens_valid_after, timestamp now) {
    t.execute(
        "UPDATE users SET password_hash = ?2, tokens_valid_after = ?3, updated_at = ?4, "
        "version = version + 1 WHERE id = ?1",
        id, hash, tokens_valid_after, now);
}

void set_role(transaction& t, const user& of, account_role to, timestamp tokens_valid_after,
              timestamp now) {
    t.execute(
        "UPDATE users SET role = ?2, tokens_valid_after = ?3, updated_at = ?4, "
        "version = version + 1 WHERE id = ?1",
        of.id, to, tokens_valid_after, now);
    count_one(t, of.role, -1);
    count_one(t, to, 1);
}

bool is_guest_address(transaction& t, std::string_view email) {
    return t
        .number("SELECT 1 FROM users WHERE guest_email_key = ?1 AND active = 1", lower_case(email))
        .has_value();
}

bool deactivate(transaction& t, std::string_view id, timestamp now) {
    const auto before = find(t, id);
    const auto changed = t.execute(
        "UPDATE users SET active = 0, tokens_valid_after = ?2, updated_at = ?2, version = version "
        "+ 1 "
        "WHERE id = ?1 AND active = 1",
        id, now);
    if (changed == 1) count_one(t, before->role, -1);
    return changed == 1;
}

// --- lists
// -----------------------------------------------------------------------------------------------

std::vector<user> list(transaction& t, const listing& what) {
    // One literal an index.
    constexpr auto all = USER_COLUMNS
        "WHERE active = 1 AND role <> 'guest' AND ?1 IS NULL "
        "AND (?2 IS NULL OR (created_at, id) < (?2, ?3)) ORDER BY created_at DESC, id DESC LIMIT "
        "?4 OFFSET ?5";
    constexpr auto of_role = USER_COLUMNS
        "WHERE active = 1 AND role = ?1 "
        "AND (?2 IS NULL OR (created_at, id) < (?2, ?3)) ORDER BY created_at DESC, id DESC LIMIT "
        "?4 OFFSET ?5";
    std::optional<std::string> created_at, id;
    if (what.after) created_at = what.after->created_at, id = what.after->id;
    return t.query<user>(what.role ? of_role : all, what.role, created_at, id, what.limit,
                         what.after ? 0 : what.skip);
}

std::int64_t count(transaction& t, std::optional<account_role> role) {
    // Three rows at most.
    return t.number("SELECT SUM(count) FROM user_counts WHERE ?1 IS NULL OR role = ?1", role)
        .value_or(0);
}

// --- password resets
// ---------------------------------------------------------------------------------------

std::int64_t add_reset(transaction& t, std::string_view digest, std::string_view email,
                       const std::optional<std::string>& user_id, timestamp now,
                       timestamp expires_at, timestamp since) {
    const auto email_key = lower_case(email);
    t.execute("DELETE FROM password_resets WHERE expires_at <= ?1", now);
    const auto recent =
        t.number("SELECT COUNT(*) FROM password_resets WHERE email_key = ?1 AND created_at > ?2",
                 email_key, since);
    t.execute(
        "INSERT INTO password_resets (digest, email_key, user_id, created_at, expires_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5)",
        digest, email_key, user_id, now, expires_at);
    return recent.value_or(0);
}

std::optional<reset_row> find_reset(transaction& t, std::string_view digest, timestamp now) {
    return t.first<reset_row>(
        "SELECT email_key, user_id FROM password_resets "
        "WHERE digest = ?1 AND expires_at > ?2 AND user_id IS NOT NULL",
        digest, now);
}

void drop_resets_of_email(transaction& t, std::string_view email_key) {
    t.execute("DELETE FROM password_resets WHERE email_key = ?1", email_key);
}

void drop_resets_of_user(transaction& t, std::string_view user_id) {
    t.execute("DELETE FROM password_resets WHERE user_id = ?1", user_id);
}

// --- verification of e-mail addresses
// -----------------------------------------------------------------------

std::int64_t count_verifications(transaction& t, std::string_view user_id, std::string_view email,
                                 timestamp since) {
    return t
        .number(
            "SELECT COUNT(*) FROM email_verifications "
            "WHERE (user_id = ?1 OR email_key = ?2) AND created_at > ?3",
            user_id, lower_case(email), since)
        .value_or(0);
}

void add_verification(transaction& t, std::string_view digest, std::string_view user_id,
                      std::string_view email, timestamp now, timestamp expires_at) {
    t.execute("DELETE FROM email_verifications WHERE expires_at <= ?1", now);
    t.execute(
        "INSERT INTO email_verifications (digest, user_id, email_key, created_at, expires_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5)",
        digest, user_id, lower_case(email), now, expires_at);
}

std::optional<verification_row> find_verification(transaction& t, std::string_view digest,
                                                  timestamp now) {
    return t.first<verification_row>(
        "SELECT user_id, email_key FROM email_verifications WHERE digest = ?1 AND expires_at > ?2",
        digest, now);
}

void drop_verifications(transaction& t, const verification_row& of) {
    t.execute("DELETE FROM email_verifications WHERE user_id = ?1 AND email_key = ?2", of.user_id,
              of.email_key);
}

// --- guests whose orders go to an account
// -------------------------------------------------------------------

void claim_guest(transaction& t, std::string_view guest_id, const user& heir, timestamp now) {
    lock_user(t, guest_id);
    t.execute(
        "INSERT INTO guest_claims (guest_id, user_id, claimed_at, due_at) "
        "SELECT id, ?2, ?3, ?4 FROM users WHERE id = ?1 AND role = 'guest' "
        "ON CONFLICT (guest_id) DO UPDATE SET user_id = excluded.user_id, "
        "claimed_at = excluded.claimed_at, due_at = excluded.due_at "
        "WHERE guest_claims.due_at IS NULL",
        guest_id, heir.id, now, heir.email_verified ? std::optional(now) : std::nullopt);
}

void claim_guests_of_address(transaction& t, const user& heir, timestamp now) {
    t.execute(
        "UPDATE guest_claims SET claimed_at = ?2, due_at = ?2 "
        "WHERE user_id = ?1 AND due_at IS NULL",
        heir.id, now);
    // As lock_user(), those that are claimed next.
    (void)t.texts(
        "SELECT id FROM users WHERE guest_email_key = ?1 "
        "ORDER BY guest_claimed_at, created_at DESC LIMIT 100",
        account_key(heir));
    t.execute(
        "INSERT INTO guest_claims (guest_id, user_id, claimed_at, due_at) "
        "SELECT id, ?1, ?2, ?2 FROM users WHERE guest_email_key = ?3 "
        "ORDER BY guest_claimed_at, created_at DESC LIMIT 100 "
        "ON CONFLICT (guest_id) DO UPDATE SET user_id = excluded.user_id, "
        "claimed_at = excluded.claimed_at, due_at = excluded.due_at "
        "WHERE guest_claims.due_at IS NULL OR guest_claims.user_id = excluded.user_id",
        heir.id, now, account_key(heir));
    t.execute(
        "UPDATE users SET guest_claimed_at = ?2 WHERE id IN "
        "(SELECT guest_id FROM guest_claims WHERE user_id = ?1 AND claimed_at = ?2)",
        heir.id, now);
}

std::vector<claim> due_claims(transaction& t, const std::optional<std::string>& user_id,
                              timestamp now, int limit) {
#define CLAIM_COLUMNS                                                       \
    "SELECT c.guest_id, c.user_id, c.claimed_at, u.active AS heir_active, " \
    "u.email_verified AS heir_verified FROM guest_claims c "                \
    "JOIN users u ON u.id = c.user_id WHERE "
    // One literal an index.
    if (user_id)
        return t.query<claim>(CLAIM_COLUMNS
                              "c.user_id = ?1 AND c.due_at <= ?2 ORDER BY c.due_at LIMIT ?3",
                              *user_id, now, limit);
    return t.query<claim>(CLAIM_COLUMNS "c.due_at <= ?1 ORDER BY c.due_at LIMIT ?2", now, limit);
#undef CLAIM_COLUMNS
}

void postpone_claim(transaction& t, const claim& of, std::optional<timestamp> due_at) {
    t.execute(
        "UPDATE guest_claims SET due_at = ?4 "
        "WHERE guest_id = ?1 AND user_id = ?2 AND claimed_at = ?3",
        of.guest_id, of.user_id, of.claimed_at, due_at);
}

void drop_claim(transaction& t, const claim& of) {
    t.execute("DELETE FROM guest_claims WHERE guest_id = ?1 AND user_id = ?2 AND claimed_at = ?3",
              of.guest_id, of.user_id, of.claimed_at);
}

// --- API keys
// --------------------------------------------------------------------------------------------

void insert_key(transaction& t, const api_key& fresh, std::string_view digest) {
    t.execute(
        "INSERT INTO api_keys (id, name, digest, scopes, created_by, created_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        fresh.id, fresh.name, digest, scopes_json(fresh.scopes), fresh.created_by,
        fresh.created_at);
}

std::optional<api_key> find_key(transaction& t, std::string_view digest) {
    return t.first<api_key>(
        "SELECT k.id, k.name, k.scopes, k.created_by, k.created_at FROM api_keys k "
        "JOIN users u ON u.id = k.created_by WHERE k.digest = ?1 AND u.active = 1 AND u.role = "
        "'admin'",
        digest);
}

std::vector<api_key> list_keys(transaction& t, int limit) {
    return t.query<api_key>(
        "SELECT id, name, scopes, created_by, created_at FROM api_keys "
        "ORDER BY created_at DESC, id DESC LIMIT ?1",
        limit);
}

bool delete_key(transaction& t, std::string_view id) {
    return t.execute("DELETE FROM api_keys WHERE id = ?1", id) == 1;
}

}  // namespace stoa::users::store
