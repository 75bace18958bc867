#pragma once

#include "base/context.hpp"
#include "runtime/task.hpp"
#include "services/user/user.hpp"

namespace stoa::users {

struct get_user_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(get_user_request, (), (id))

// What became of one look at a guest's orders.
struct adopted {
    int moved = 0;
    bool complete = true;  // false: some must wait, or were more than one look takes
};

// What other services and the middleware may ask.
class directory {
 public:
    virtual ~directory() = default;
    // not_found also where the caller may not see it (R39). Services see all.
    virtual task<result<user>> get_user(request_context, get_user_request) = 0;
    // The principal of a bearer token or an API key, its session checked. Errors: unauthenticated.
    virtual task<result<principal>> authenticate(std::string bearer_or_key) = 0;
};

}  // namespace stoa::users
