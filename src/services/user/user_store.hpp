// Users in the sql port. Every function that takes a transaction runs inside a use case's one
// closure, on the engine's thread: it touches nothing but its arguments.
#pragma once

#include "ports/sql.hpp"
#include "services/user/user.hpp"

namespace stoa::users::store {

// What proves who somebody is. Never leaves the service.
struct credentials {
    std::string id;
    std::optional<std::string> email, password_hash;
    account_role role{};
    bool active = false;
    timestamp tokens_valid_after;
};
BOOST_DESCRIBE_STRUCT(credentials, (), (id, email, password_hash, role, active, tokens_valid_after))

std::optional<user> find(transaction& t, std::string_view id);
std::optional<credentials> find_credentials(transaction& t, std::string_view id);
std::optional<credentials> find_credentials_by_email(transaction& t, std::string_view email);
bool email_is_taken(transaction& t, std::string_view email, std::string_view except_id = {});

// False: the e-mail is taken. Counts the record.
bool insert(transaction& t, const user& fresh, const std::optional<std::string>& password_hash);
// A guest's record becomes a customer's, with its id. False: it is no active guest's, or its orders
// are on their way to another account.
bool upgrade_guest(transaction& t, const user& to, const std::string& password_hash);
// The profile; the version moves on by one.
void update(transaction& t, const user& to);
// False: the hash is not `before` any more.
bool replace_hash(transaction& t, std::string_view id, std::string_view before,
                  std::string_view after);
void set_password(transaction& t, std::string_view id, std::string_view hash,
                  timestamp tokens_valid_after, timestamp now);
// Of an active account, none of them a guest's.
void set_role(transaction& t, const user& of, account_role to, timestamp tokens_valid_after,
              timestamp now);
// Some guest has given it as where to write to.
bool is_guest_address(transaction& t, std::string_view email);
// False: it was not active. Its sessions and API keys stop.
bool deactivate(transaction& t, std::string_view id, timestamp now);

struct listing {
    std::optional<account_role> role;  // absent: all but guests
    int skip = 0, limit = 10;
    struct place {
        std::string created_at, id;
    };
    std::optional<place> after;  // instead of skip
};
std::vector<user> list(transaction& t, const listing& what);  // active ones, newest first
std::int64_t count(transaction& t, std::optional<account_role> role);

// --- password resets: `digest` is of the token ---
struct reset_row {
    std::string email_key;
    std::optional<std::string> user_id;
};
BOOST_DESCRIBE_STRUCT(reset_row, (), (email_key, user_id))

// How many were asked for the address since `since`; the new one and expired ones not counted.
std::int64_t add_reset(transaction& t, std::string_view digest, std::string_view email,
                       const std::optional<std::string>& user_id, timestamp now,
                       timestamp expires_at, timestamp since);
std::optional<reset_row> find_reset(transaction& t, std::string_view digest, timestamp now);
void drop_resets_of_email(transaction& t, std::string_view email_key);
void drop_resets_of_user(transaction& t, std::string_view user_id);

// --- verification of e-mail addresses: `digest` is of the token ---
struct verification_row {
    std::string user_id, email_key;
};
BOOST_DESCRIBE_STRUCT(verification_row, (), (user_id, email_key))

// How many were asked for by the user, or for the address, since `since`.
std::int64_t count_verifications(transaction& t, std::string_view user_id, std::string_view email,
                                 timestamp since);
void add_verification(transaction& t, std::string_view digest, std::string_view user_id,
                      std::string_view email, timestamp now, timestamp expires_at);
std::optional<verification_row> find_verification(transaction& t, std::string_view digest,
                                                  timestamp now);
void drop_verifications(transaction& t, const verification_row& of);

// --- guests whose orders go to an account ---
struct claim {
    std::string guest_id, user_id;
    timestamp claimed_at;
    bool heir_active = false, heir_verified = false;
};
BOOST_DESCRIBE_STRUCT(claim, (), (guest_id, user_id, claimed_at, heir_active, heir_verified))

// By the guest's token: waits until the user's address is verified, and yields to one that is.
void claim_guest(transaction& t, std::string_view guest_id, const user& heir, timestamp now);
// By a verified address: those that waited, and guests that gave it. A hundred at most, and first
// those that were never claimed: who makes guests with another's address only makes the owner
// verify it again.
void claim_guests_of_address(transaction& t, const user& heir, timestamp now);
// Those to look at now; of one heir, or of all.
std::vector<claim> due_claims(transaction& t, const std::optional<std::string>& user_id,
                              timestamp now, int limit);
// `due_at` absent: waits for a verified address. Nothing where the claim was renewed meanwhile.
void postpone_claim(transaction& t, const claim& of, std::optional<timestamp> due_at);
void drop_claim(transaction& t, const claim& of);

// --- API keys ---
void insert_key(transaction& t, const api_key& fresh, std::string_view digest);
// The key, while whoever made it may still run the shop.
std::optional<api_key> find_key(transaction& t, std::string_view digest);
std::vector<api_key> list_keys(transaction& t, int limit);
bool delete_key(transaction& t, std::string_view id);

}  // namespace stoa::users::store
