// The nouns of the user service. A customer is a user record whose credentials are optional; a
// guest is one without any.
#pragma once

#include "base/context.hpp"
#include "base/described.hpp"

namespace stoa::users {

// `admin` runs the shop: design.md's operator, a word that C++ keeps for itself.
enum class account_role : std::uint8_t { guest, customer, admin };
BOOST_DESCRIBE_ENUM(account_role, guest, customer, admin)

constexpr role role_of(account_role of) {
    switch (of) {
        case account_role::guest:
            return role::guest;
        case account_role::customer:
            return role::customer;
        case account_role::admin:
            return role::operator_;
    }
    return role::anonymous;
}

struct user {
    std::string id;
    std::optional<std::string> email;  // of a guest: where to write to, not how to sign in
    std::string first_name, last_name;
    std::optional<std::string> name;  // customers that were created as one name
    std::optional<std::string> phone, address;
    account_role role = account_role::guest;
    bool active = true;
    bool email_verified = false;  // its mail was read by who is signed in; a new address clears it
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(user, (),
                      (id, email, first_name, last_name, name, phone, address, role, active,
                       email_verified, created_at, updated_at, version))

// The same record as the customer resource shows it (R87).
struct customer {
    std::string id;
    std::string name;
    std::optional<std::string> email, phone, address;
    bool active = true;
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(customer, (),
                      (id, name, email, phone, address, active, created_at, updated_at, version))

struct api_key {
    std::string id, name;
    std::vector<std::string> scopes;  // products:write; never empty
    std::string created_by;
    timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(api_key, (), (id, name, scopes, created_by, created_at))

}  // namespace stoa::users
