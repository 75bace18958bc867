// The user service from another process: what it answers there, and its api from here.
#pragma once

#include "ports/clock.hpp"
#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "services/user/user_service.hpp"

#include <map>

namespace stoa::users {

// A bearer token, or an address with its password.
struct auth_request {
    std::optional<std::string> token, email, password;
};
BOOST_DESCRIBE_STRUCT(auth_request, (), (token, email, password))

struct credential_request {
    std::string credential;  // a bearer token or an API key
};
BOOST_DESCRIBE_STRUCT(credential_request, (), (credential))

// Thread rule: its service's.
class user_rpcs {
 public:
    explicit user_rpcs(user_service& of) : users_(of) {}
    task<result<user>> authenticate(request_context, auth_request);
    task<result<principal>> resolve_credential(request_context, credential_request);

 private:
    user_service& users_;
};
service rpcs_of(user_rpcs& implementation);

// What is known of a credential is believed for a while, so that most requests cost no call; a
// logout bites after that. Thread rule: a loop's own.
class remote_directory final : public directory {
 public:
    struct needs {
        remote_service& users;
        clock& time;
    };
    explicit remote_directory(needs ports, seconds believed = seconds(5))
        : ports_(ports), believed_(believed) {}

    task<result<user>> get_user(request_context, get_user_request) override;
    task<result<principal>> authenticate(std::string bearer_or_key) override;

 private:
    struct known {
        principal who;
        instant until;
    };
    needs ports_;
    seconds believed_;
    std::map<std::string, known, std::less<>> known_;
};

}  // namespace stoa::users
