#include "services/user/user_operations.hpp"

namespace stoa::users {
namespace {

constexpr operation table[] = {
    serve<&api::register_user>(verb::post, "/api/v1/auth/register", "Register")
        .also_at("/auth/register")
        .answers(201)
        .allows(who::anyone)
        .keeps_secrets()
        .says("Makes an account and signs in; a guest's token makes it of the guest's record."),
    serve<&api::login>(verb::post, "/api/v1/auth/login", "Login")
        .also_at("/auth/login")
        .allows(who::anyone)
        .keeps_secrets()
        .says("Signs in; what the guest of the request's token has becomes the user's."),
    serve<&api::create_guest>(verb::post, "/api/v1/auth/guest", "CreateGuest")
        .also_at("/auth/guest")
        .answers(201)
        .allows(who::anyone)
        .keeps_secrets()
        .says("Signs in without credentials, so that guests have carts and pay."),
    serve<&api::refresh>(verb::post, "/api/v1/auth/refresh", "Refresh")
        .also_at("/auth/refresh")
        .allows(who::anyone)
        .keeps_secrets()
        .says("Gives new tokens for a refresh token, which works once: the same answer for ten "
              "seconds, should it have been lost; a later use ends the session."),
    serve<&api::logout>(verb::post, "/api/v1/auth/logout", "Logout")
        .also_at("/auth/logout")
        .answers(204)
        .allows(who::signed_in)
        .says("Ends the session of the token."),
    serve<&api::change_password>(verb::post, "/api/v1/auth/password", "ChangePassword")
        .also_at("/auth/password")
        .answers(204)
        .allows(who::registered)
        .keeps_secrets()
        .says("Sets a new password and ends all other sessions."),
    serve<&api::request_password_reset>(verb::post, "/api/v1/auth/password-reset",
                                        "RequestPasswordReset")
        .also_at("/auth/password-reset")
        .answers(202)
        .allows(who::anyone)
        .keeps_secrets()
        .says("Sends a token by mail to the address, if it has an account."),
    serve<&api::reset_password>(verb::post, "/api/v1/auth/password-reset/confirm", "ResetPassword")
        .also_at("/auth/password-reset/confirm")
        .answers(204)
        .allows(who::anyone)
        .keeps_secrets()
        .says("Sets a new password by the token of the mail and ends all sessions."),
    serve<&api::request_email_verification>(verb::post, "/api/v1/auth/verify-email/request",
                                            "RequestEmailVerification")
        .also_at("/auth/verify-email/request")
        .answers(202)
        .allows(who::registered)
        .keeps_secrets()
        .says("Sends a token by mail to the account's address."),
    serve<&api::verify_email>(verb::post, "/api/v1/auth/verify-email", "VerifyEmail")
        .also_at("/auth/verify-email")
        .answers(204)
        .allows(who::registered)
        .keeps_secrets()
        .says("Verifies the account's address by the token of the mail; orders that guests placed "
              "with this address become the account's."),

    serve<&api::get_me>(verb::get, "/api/v1/users/me", "GetMe")
        .also_at("/users/me")
        .allows(who::signed_in)
        .says("The caller's own record."),
    serve<&api::update_me>(verb::put, "/api/v1/users/me", "UpdateMe")
        .also_at("/users/me")
        .allows(who::signed_in)
        .keeps_secrets()
        .says("Changes the members that are given."),
    serve<&api::get_user>(verb::get, "/api/v1/users/{id}", "GetUser")
        .also_at("/users/{id}")
        .allows(who::signed_in)
        .says("A user: one's own, or any for operators."),
    serve<&api::list_users>(verb::get, "/api/v1/users", "ListUsers")
        .also_at("/users")
        .allows(who::operators)
        .says("Active users, newest first, without guests."),
    serve<&api::create_user>(verb::post, "/api/v1/users", "CreateUser")
        .also_at("/users")
        .answers(201)
        .allows(who::operators)
        .keeps_secrets()
        .says("Makes a customer's account, with or without a password."),
    serve<&api::update_user>(verb::put, "/api/v1/users/{id}", "UpdateUser")
        .also_at("/users/{id}")
        .allows(who::signed_in)
        .keeps_secrets()
        .says("Changes the members that are given."),
    serve<&api::delete_user>(verb::erase, "/api/v1/users/{id}", "DeleteUser")
        .also_at("/users/{id}")
        .answers(204)
        .allows(who::operators)
        .says("Deactivates a user and ends its sessions."),

    serve<&api::get_customer>(verb::get, "/api/v1/customers/{id}", "GetCustomer")
        .also_at("/customers/{id}")
        .allows(who::operators)
        .says("A customer."),
    serve<&api::list_customers>(verb::get, "/api/v1/customers", "ListCustomers")
        .also_at("/customers")
        .allows(who::operators)
        .says("Active customers, newest first."),
    serve<&api::create_customer>(verb::post, "/api/v1/customers", "CreateCustomer")
        .also_at("/customers")
        .answers(201)
        .allows(who::operators)
        .says("Makes a customer, who needs no e-mail address and has no password."),
    serve<&api::update_customer>(verb::put, "/api/v1/customers/{id}", "UpdateCustomer")
        .also_at("/customers/{id}")
        .allows(who::operators)
        .says("Changes the members that are given."),
    serve<&api::delete_customer>(verb::erase, "/api/v1/customers/{id}", "DeleteCustomer")
        .also_at("/customers/{id}")
        .answers(204)
        .allows(who::operators)
        .says("Deactivates a customer and ends its sessions."),

    serve<&api::create_api_key>(verb::post, "/api/v1/api-keys", "CreateApiKey")
        .also_at("/api-keys")
        .answers(201)
        .allows(who::operators)
        .keeps_secrets()
        .says("Makes a key with scopes; the secret is shown this once."),
    serve<&api::list_api_keys>(verb::get, "/api/v1/api-keys", "ListApiKeys")
        .also_at("/api-keys")
        .allows(who::operators)
        .says("The keys, without their secrets."),
    serve<&api::delete_api_key>(verb::erase, "/api/v1/api-keys/{id}", "DeleteApiKey")
        .also_at("/api-keys/{id}")
        .answers(204)
        .allows(who::operators)
        .says("Ends a key."),
};

}  // namespace

service operations_of(api& users) { return {"users", table, &users}; }
service operations_elsewhere() { return {"users", table, nullptr}; }

}  // namespace stoa::users
