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

std::optional<std::string> key_of_email(const std::optional<std::string>& email) {
    if (!email) return {};
    return lower_case(*email);
}

void count_one(transaction& t, account_role role, int delta) {
    if (role == account_role::guest) return;
    t.execute(
        "INSERT INTO user_counts (role, count) VALUES (?1, ?2) "
        "ON CONFLICT (role) DO UPDATE SET count = user_counts.count + ?2",
        role, delta);
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
        "role, active, email_verified, tokens_valid_after, created_at, updated_at, version) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?13, 1) "
        "ON CONFLICT (email_key) DO NOTHING",
        fresh.id, fresh.email, key_of_email(fresh.email), password_hash, fresh.first_name,
        fresh.last_name, fresh.name, fresh.phone, fresh.address, fresh.role, fresh.active,
        fresh.email_verified, fresh.created_at);
    if (inserted == 0) return false;
    count_one(t, fresh.role, 1);
    return true;
}

bool upgrade_guest(transaction& t, const user& to, const std::string& password_hash) {
    const auto upgraded = t.execute(
        "UPDATE users SET email = ?2, email_key = ?3, password_hash = ?4, first_name = ?5, "
        "last_name = ?6, "
        "phone = COALESCE(?7, phone), role = ?8, tokens_valid_after = ?9, updated_at = ?9, "
        "version = version + 1 WHERE id = ?1 AND role = 'guest' AND active = 1",
        to.id, to.email, key_of_email(to.email), password_hash, to.first_name, to.last_name,
        to.phone, account_role::customer, to.updated_at);
    if (upgraded == 1) count_one(t, account_role::customer, 1);
    return upgraded == 1;
}

void update(transaction& t, const user& to) {
    t.execute(
        "UPDATE users SET email = ?2, email_key = ?3, first_name = ?4, last_name = ?5, name = ?6, "
        "phone = ?7, "
        "address = ?8, email_verified = ?9, updated_at = ?10, version = version + 1 WHERE id = ?1",
        to.id, to.email, key_of_email(to.email), to.first_name, to.last_name, to.name, to.phone,
        to.address, to.email_verified, to.updated_at);
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
