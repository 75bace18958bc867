// Users: who somebody is (registration, passwords, sessions, API keys) and what is known of them.
// Sessions live in key_value, so that a request is authenticated by one read and no SQL.
#pragma once

#include "ports/clock.hpp"
#include "ports/key_value.hpp"
#include "ports/security.hpp"
#include "ports/sql.hpp"
#include "services/user/login_throttle.hpp"
#include "services/user/session_store.hpp"
#include "services/user/user_api.hpp"
#include "services/user/user_requests.hpp"
#include "services/user/user_store.hpp"

#include <functional>
#include <unordered_map>

namespace stoa::users {

struct user_settings {
    seconds access_for{600};              // of an access token
    seconds refresh_for{30 * 24 * 3600};  // of a refresh token, from its last use
    // A used one gets the same answer for so long: the first may have been lost on its way, and two
    // tabs of a browser ask at once.
    seconds refresh_again_within{10};
    seconds reset_for{3600};
    int resets_an_hour = 3;  // mails to one address; more are answered and not sent
    seconds verification_for{24 * 3600};
    int verifications_an_hour = 3;  // mails of one user, and to one address
    seconds adopt_again{60};  // after a look at a guest's orders: the index may have been behind
};

// The public operations, beyond what other services ask.
class api : public directory {
 public:
    virtual task<result<signed_in>> register_user(request_context, register_request) = 0;
    virtual task<result<signed_in>> login(request_context, login_request) = 0;
    virtual task<result<signed_in>> create_guest(request_context, guest_request) = 0;
    virtual task<result<signed_in>> refresh(request_context, refresh_request) = 0;
    virtual task<result<nothing>> logout(request_context, logout_request) = 0;
    virtual task<result<nothing>> change_password(request_context, change_password_request) = 0;
    virtual task<result<reset_accepted>> request_password_reset(request_context, reset_request) = 0;
    virtual task<result<nothing>> reset_password(request_context, reset_password_request) = 0;
    virtual task<result<verification_accepted>> request_email_verification(
        request_context, request_verification_request) = 0;
    virtual task<result<nothing>> verify_email(request_context, verify_email_request) = 0;

    virtual task<result<user>> get_me(request_context, get_me_request) = 0;
    virtual task<result<user>> update_me(request_context, update_me_request) = 0;
    task<result<user>> get_user(request_context, get_user_request) override = 0;
    virtual task<result<user_list>> list_users(request_context, list_users_request) = 0;
    virtual task<result<user>> create_user(request_context, create_user_request) = 0;
    virtual task<result<user>> update_user(request_context, update_user_request) = 0;
    virtual task<result<nothing>> delete_user(request_context, delete_user_request) = 0;

    virtual task<result<customer>> get_customer(request_context, get_customer_request) = 0;
    virtual task<result<customer_list>> list_customers(request_context, list_customers_request) = 0;
    virtual task<result<customer>> create_customer(request_context, create_customer_request) = 0;
    virtual task<result<customer>> update_customer(request_context, update_customer_request) = 0;
    virtual task<result<nothing>> delete_customer(request_context, delete_user_request) = 0;

    virtual task<result<new_api_key>> create_api_key(request_context, create_api_key_request) = 0;
    virtual task<result<api_key_list>> list_api_keys(request_context, list_api_keys_request) = 0;
    virtual task<result<nothing>> delete_api_key(request_context, delete_api_key_request) = 0;
};

// What a guest has is now a user's (the cart, mostly). An error keeps the guest's record and
// session as they are.
using merge_hook = std::function<task<result<void>>(std::string guest_id, std::string user_id)>;

// Makes a guest's orders those of an account whose address is verified: some of them, at most what
// one look takes. Called again until a look finds nothing; may be called twice at once.
using adopt_hook = std::function<task<result<adopted>>(std::string guest_id, std::string user_id)>;

struct new_account {
    std::string email, password, first_name, last_name;
    account_role role = account_role::customer;
};

struct new_operator {
    user account;
    bool created = false;
    bool changed = false;       // it was a customer's
    bool password_set = false;  // to the one that was offered: it had none
};

// Made before the transaction that sends it, which touches nothing but its arguments.
struct verification_mail {
    std::string token, digest, event_id, traceparent;
    timestamp now, expires_at;
    int most_an_hour = 0;
};

// Thread rule: one instance a loop, or any loop after wiring; mutable state is in the ports, but
// for the sweeper's.
class user_service final : public api {
 public:
    struct needs {
        sql& db;
        key_value& items;
        password_hasher& passwords;
        token_authority& tokens;
        clock& time;
        random_source& random;
    };
    user_service(needs ports, user_settings settings);
    void on_merge(merge_hook hook) { merge_ = std::move(hook); }
    void on_adopt(adopt_hook hook) { adopt_ = std::move(hook); }

    // user_authentication.cpp
    task<result<signed_in>> register_user(request_context, register_request) override;
    task<result<signed_in>> login(request_context, login_request) override;
    task<result<signed_in>> create_guest(request_context, guest_request) override;
    task<result<signed_in>> refresh(request_context, refresh_request) override;
    task<result<nothing>> logout(request_context, logout_request) override;
    task<result<principal>> authenticate(std::string bearer_or_key) override;
    // The user of this address and password, without a session. Errors as login's.
    task<result<user>> verify_password(request_context context, std::string email,
                                       std::string password);
    // For /.well-known/jwks.json.
    std::string jwks() { return ports_.tokens.jwks(); }

    // user_passwords.cpp
    task<result<nothing>> change_password(request_context, change_password_request) override;
    task<result<reset_accepted>> request_password_reset(request_context, reset_request) override;
    task<result<nothing>> reset_password(request_context, reset_password_request) override;

    // user_verification.cpp
    task<result<verification_accepted>> request_email_verification(
        request_context, request_verification_request) override;
    task<result<nothing>> verify_email(request_context, verify_email_request) override;
    // Goes on with moving guests' orders to their heirs. Returns how many guests it looked at.
    // Thread rule: always on the same loop.
    task<result<int>> sweep();

    task<result<user>> get_me(request_context, get_me_request) override;
    task<result<user>> update_me(request_context, update_me_request) override;
    task<result<user>> get_user(request_context, get_user_request) override;
    task<result<user_list>> list_users(request_context, list_users_request) override;
    task<result<user>> create_user(request_context, create_user_request) override;
    task<result<user>> update_user(request_context, update_user_request) override;
    task<result<nothing>> delete_user(request_context, delete_user_request) override;

    task<result<customer>> get_customer(request_context, get_customer_request) override;
    task<result<customer_list>> list_customers(request_context, list_customers_request) override;
    task<result<customer>> create_customer(request_context, create_customer_request) override;
    task<result<customer>> update_customer(request_context, update_customer_request) override;
    task<result<nothing>> delete_customer(request_context, delete_user_request) override;

    // user_api_keys.cpp
    task<result<new_api_key>> create_api_key(request_context, create_api_key_request) override;
    task<result<api_key_list>> list_api_keys(request_context, list_api_keys_request) override;
    task<result<nothing>> delete_api_key(request_context, delete_api_key_request) override;

    // For the program. The account as it stands where there is one of that role; `conflict`
    // email_taken where it has another. The password policy is not applied.
    task<result<user>> ensure_admin(std::string email, std::string password);
    task<result<user>> ensure_account(new_account wanted);

    // user_roles.cpp. For the program: an account of this address that runs the shop, made or
    // promoted (its sessions end). `offered` becomes the password of an account that has none; the
    // policy is not applied. Errors: invalid; conflict account_ended, guest_address.
    task<result<new_operator>> make_operator(make_operator_request wanted, std::string offered);

 private:
    struct profile_change {
        std::optional<std::string> email, first_name, last_name, name, phone, address;
        std::optional<account_role> role;  // whoever may give it was looked at
    };
    task<result<user>> change_profile(request_context context, std::string id, profile_change to,
                                      std::optional<account_role> only);
    // The password of the account, tried under the login throttle. Errors: unauthenticated
    // invalid_credentials, rate_limited, unavailable.
    task<result<void>> prove_password(std::string email, std::string address, std::string password,
                                      std::optional<std::string> hash);
    task<result<store::credentials>> credentials_of(request_context context);
    struct proven {
        user who;
        timestamp tokens_valid_after;
    };
    task<result<proven>> prove(request_context context, std::string email, std::string password);

    task<result<signed_in>> open_session(user who, timestamp authenticated_at);
    signed_in answer_of(const user& who, const session_record& session);
    task<void> rehash(std::string id, std::string password, std::string before);
    task<void> merge_guest(principal guest, std::string user_id);
    verification_mail new_verification(const request_context& context);
    // When a claim was first seen by the sweeper, by claim. Looks without it end no claim.
    using claims_since = std::unordered_map<std::string, instant>;
    task<result<int>> work_claims(std::optional<std::string> user_id, claims_since* since);
    task<result<void>> work_claim(store::claim one, claims_since* since);
    task<void> adopt_now(std::string user_id);
    task<result<void>> end_sessions(std::string user_id, timestamp valid_after, std::string kept);
    task<result<nothing>> end_account(request_context context, std::string id,
                                      std::optional<account_role> only);
    task<result<principal>> authenticate_key(std::string key);

    std::string refresh_token(const session_record& session, std::int64_t generation);
    std::string secret();
    login_throttle::names throttle_names(const std::string& email, const std::string& address);

    needs ports_;
    user_settings settings_;
    session_store sessions_;
    claims_since swept_since_;
    login_throttle throttle_;
    merge_hook merge_;
    adopt_hook adopt_;
};

// Shared by the files of this service.
error no_such_user();
error email_taken();
// Later than whatever was valid before, also where the clock was set back.
timestamp next_valid_after(const store::credentials& known, timestamp now);
// Nothing where the caller may give somebody this role.
result<void> check_role_change(const request_context& context, const update_user_request& wanted);
// Inside the transaction that gives it. The moment after which the user's sessions are valid;
// nothing where the role is the same. Changes `who`, its version included.
result<std::optional<timestamp>> give_role(transaction& t, const request_context& context,
                                           user& who, account_role wanted, timestamp now);
// Appends a problem for text with control characters.
void check_text(problems& out, std::string_view where, std::optional<std::string_view> text);
void check_password(problems& out, std::string_view where, std::string_view password,
                    std::string_view email);
result<void> check_if_match(const request_context& context, std::int64_t version);
// Nothing beyond the hour's bound.
void send_verification(transaction& t, const user& to, const verification_mail& mail);

}  // namespace stoa::users
