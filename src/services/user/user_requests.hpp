// What the public operations of the user service take and give. Texts are UTF-8; lengths are in
// bytes.
#pragma once

#include "services/user/user.hpp"

namespace stoa::users {

struct nothing {};  // of a 204
BOOST_DESCRIBE_STRUCT(nothing, (), ())

// --- signing in
// ------------------------------------------------------------------------------------------

struct register_request {
    std::string email, password, first_name, last_name;
    std::optional<std::string> phone;
};
BOOST_DESCRIBE_STRUCT(register_request, (), (email, password, first_name, last_name, phone))

struct login_request {
    std::string email, password;
};
BOOST_DESCRIBE_STRUCT(login_request, (), (email, password))

struct guest_request {
    std::optional<std::string> email;  // where messages about the guest's orders go
};
BOOST_DESCRIBE_STRUCT(guest_request, (), (email))

struct refresh_request {
    std::string refresh_token;
};
BOOST_DESCRIBE_STRUCT(refresh_request, (), (refresh_token))

struct logout_request {};
BOOST_DESCRIBE_STRUCT(logout_request, (), ())

struct signed_in {
    std::string id;
    std::optional<std::string> email;
    std::string first_name, last_name;
    account_role role = account_role::guest;
    std::string token;            // for `Authorization: Bearer`
    std::string refresh_token;    // for /auth/refresh, once
    std::int64_t expires_in = 0;  // seconds of the access token
    std::string token_type = "Bearer";
};
BOOST_DESCRIBE_STRUCT(signed_in, (),
                      (id, email, first_name, last_name, role, token, refresh_token, expires_in,
                       token_type))

struct change_password_request {
    std::string current_password, new_password;
};
BOOST_DESCRIBE_STRUCT(change_password_request, (), (current_password, new_password))

struct reset_request {
    std::string email;
};
BOOST_DESCRIBE_STRUCT(reset_request, (), (email))

struct reset_accepted {
    std::string detail;
};
BOOST_DESCRIBE_STRUCT(reset_accepted, (), (detail))

struct reset_password_request {
    std::string token, new_password;
};
BOOST_DESCRIBE_STRUCT(reset_password_request, (), (token, new_password))

struct request_verification_request {};
BOOST_DESCRIBE_STRUCT(request_verification_request, (), ())

struct verification_accepted {
    std::string detail;
};
BOOST_DESCRIBE_STRUCT(verification_accepted, (), (detail))

struct verify_email_request {
    std::string token;
};
BOOST_DESCRIBE_STRUCT(verify_email_request, (), (token))

// --- users
// -----------------------------------------------------------------------------------------------

struct get_me_request {};
BOOST_DESCRIBE_STRUCT(get_me_request, (), ())

// Absent members stay as they are.
struct update_me_request {
    std::optional<std::string> email, first_name, last_name, name, phone, address;
    std::optional<std::string> current_password;  // needed with a new e-mail, except from guests
};
BOOST_DESCRIBE_STRUCT(update_me_request, (),
                      (email, first_name, last_name, name, phone, address, current_password))

// Who may do what in the shop, as operators give it; guests become customers by registering.
enum class given_role : std::uint8_t { customer, admin };
BOOST_DESCRIBE_ENUM(given_role, customer, admin)

struct update_user_request {
    std::string id;
    std::optional<std::string> email, first_name, last_name, name, phone, address;
    std::optional<std::string> current_password;  // needed with a new e-mail, except from operators
    std::optional<given_role> role;  // by operators, of others; another one ends all sessions
};
BOOST_DESCRIBE_STRUCT(update_user_request, (),
                      (id, email, first_name, last_name, name, phone, address, current_password,
                       role))

struct create_user_request {
    std::string email;
    std::optional<std::string> password;  // absent: the user sets one by a reset
    std::string first_name, last_name;
    std::optional<std::string> phone, address;
};
BOOST_DESCRIBE_STRUCT(create_user_request, (),
                      (email, password, first_name, last_name, phone, address))

// Not of the API: the program's own verb asks.
struct make_operator_request {
    std::string email;
};
BOOST_DESCRIBE_STRUCT(make_operator_request, (), (email))

struct delete_user_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(delete_user_request, (), (id))

struct list_users_request {
    std::optional<account_role> role;  // absent: all but guests
    std::optional<std::int32_t> skip, limit;
    std::optional<std::string> cursor;  // instead of skip
};
BOOST_DESCRIBE_STRUCT(list_users_request, (), (role, skip, limit, cursor))

struct user_list {
    std::vector<user> users;
    std::int64_t total = 0;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(user_list, (), (users, total, next_cursor))

// --- customers
// -------------------------------------------------------------------------------------------

struct get_customer_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(get_customer_request, (), (id))

struct create_customer_request {
    std::string name;
    std::optional<std::string> email, phone, address;
};
BOOST_DESCRIBE_STRUCT(create_customer_request, (), (name, email, phone, address))

struct update_customer_request {
    std::string id;
    std::optional<std::string> name, email, phone, address;
};
BOOST_DESCRIBE_STRUCT(update_customer_request, (), (id, name, email, phone, address))

struct list_customers_request {
    std::optional<std::int32_t> skip, limit;
    std::optional<std::string> cursor;
};
BOOST_DESCRIBE_STRUCT(list_customers_request, (), (skip, limit, cursor))

struct customer_list {
    std::vector<customer> customers;
    std::int64_t total = 0;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(customer_list, (), (customers, total, next_cursor))

// --- API keys
// --------------------------------------------------------------------------------------------

struct create_api_key_request {
    std::string name;
    std::vector<std::string> scopes;
};
BOOST_DESCRIBE_STRUCT(create_api_key_request, (), (name, scopes))

struct new_api_key {
    std::string id, name;
    std::vector<std::string> scopes;
    std::string key;  // shown this once; only its digest is kept
    timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(new_api_key, (), (id, name, scopes, key, created_at))

struct list_api_keys_request {};
BOOST_DESCRIBE_STRUCT(list_api_keys_request, (), ())

struct api_key_list {
    std::vector<api_key> api_keys;
};
BOOST_DESCRIBE_STRUCT(api_key_list, (), (api_keys))

struct delete_api_key_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(delete_api_key_request, (), (id))

}  // namespace stoa::users

// A password's length is told by the service, with the rule's other reasons; here stands only what
// protects it.
#define STOA_USERS_RECORD_KEPT                                                              \
    stoa::refused("active"), stoa::refused("is_active"), stoa::refused("email_verified"),   \
        stoa::refused("created_at"), stoa::refused("updated_at"), stoa::refused("version"), \
        stoa::refused("password_hash"), stoa::refused("tokens_valid_after")
#define STOA_USERS_SERVER_OWNED stoa::refused("role"), STOA_USERS_RECORD_KEPT
#define STOA_USERS_CONTACT \
    stoa::email("email"), stoa::range("phone", 1, 32), stoa::range("address", 1, 1'000)
#define STOA_USERS_PAGE \
    stoa::range("skip", 0, 100'000), stoa::range("limit", 1, 100), stoa::range("cursor", 1, 128)

template <>
inline constexpr auto stoa::rules_of<stoa::users::register_request> = std::to_array<stoa::rule>(
    {stoa::email("email"), stoa::range("password", 0, 1'024), stoa::range("first_name", 1, 100),
     stoa::range("last_name", 1, 100), stoa::range("phone", 1, 32), stoa::refused("id"),
     STOA_USERS_SERVER_OWNED});
template <>
inline constexpr auto stoa::rules_of<stoa::users::login_request> =
    std::to_array<stoa::rule>({stoa::range("email", 1, 254), stoa::range("password", 1, 1'024)});
template <>
inline constexpr auto stoa::rules_of<stoa::users::guest_request> =
    std::to_array<stoa::rule>({stoa::email("email"), stoa::refused("id"), STOA_USERS_SERVER_OWNED});
template <>
inline constexpr auto stoa::rules_of<stoa::users::verify_email_request> =
    std::to_array<stoa::rule>({stoa::range("token", 1, 512)});
template <>
inline constexpr auto stoa::rules_of<stoa::users::refresh_request> =
    std::to_array<stoa::rule>({stoa::range("refresh_token", 1, 512)});
template <>
inline constexpr auto stoa::rules_of<stoa::users::change_password_request> =
    std::to_array<stoa::rule>(
        {stoa::range("current_password", 1, 1'024), stoa::range("new_password", 0, 1'024)});
template <>
inline constexpr auto stoa::rules_of<stoa::users::reset_request> =
    std::to_array<stoa::rule>({stoa::email("email")});
template <>
inline constexpr auto stoa::rules_of<stoa::users::reset_password_request> =
    std::to_array<stoa::rule>(
        {stoa::range("token", 1, 512), stoa::range("new_password", 0, 1'024)});
template <>
inline constexpr auto stoa::rules_of<stoa::users::update_me_request> = std::to_array<stoa::rule>(
    {STOA_USERS_CONTACT, stoa::range("first_name", 1, 100), stoa::range("last_name", 1, 100),
     stoa::range("name", 1, 200), stoa::range("current_password", 1, 1'024), stoa::refused("id"),
     stoa::refused("password"), STOA_USERS_SERVER_OWNED});
template <>
inline constexpr auto stoa::rules_of<stoa::users::update_user_request> = std::to_array<stoa::rule>(
    {STOA_USERS_CONTACT, stoa::range("first_name", 1, 100), stoa::range("last_name", 1, 100),
     stoa::range("name", 1, 200), stoa::range("current_password", 1, 1'024),
     stoa::refused("password"), STOA_USERS_RECORD_KEPT});
template <>
inline constexpr auto stoa::rules_of<stoa::users::create_user_request> = std::to_array<stoa::rule>(
    {STOA_USERS_CONTACT, stoa::range("password", 0, 1'024), stoa::range("first_name", 1, 100),
     stoa::range("last_name", 1, 100), stoa::refused("id"), STOA_USERS_SERVER_OWNED});
template <>
inline constexpr auto stoa::rules_of<stoa::users::make_operator_request> =
    std::to_array<stoa::rule>({stoa::email("email")});
template <>
inline constexpr auto stoa::rules_of<stoa::users::list_users_request> =
    std::to_array<stoa::rule>({STOA_USERS_PAGE});
template <>
inline constexpr auto stoa::rules_of<stoa::users::create_customer_request> =
    std::to_array<stoa::rule>({STOA_USERS_CONTACT, stoa::range("name", 1, 200), stoa::refused("id"),
                               stoa::refused("password"), STOA_USERS_SERVER_OWNED});
template <>
inline constexpr auto stoa::rules_of<stoa::users::update_customer_request> =
    std::to_array<stoa::rule>({STOA_USERS_CONTACT, stoa::range("name", 1, 200),
                               stoa::refused("password"), STOA_USERS_SERVER_OWNED});
template <>
inline constexpr auto stoa::rules_of<stoa::users::list_customers_request> =
    std::to_array<stoa::rule>({STOA_USERS_PAGE});
template <>
inline constexpr auto stoa::rules_of<stoa::users::create_api_key_request> =
    std::to_array<stoa::rule>({stoa::range("name", 1, 100), stoa::range("scopes", 1, 32),
                               stoa::refused("id"), stoa::refused("key"),
                               stoa::refused("created_at"), stoa::refused("created_by")});

#undef STOA_USERS_SERVER_OWNED
#undef STOA_USERS_RECORD_KEPT
#undef STOA_USERS_CONTACT
#undef STOA_USERS_PAGE
