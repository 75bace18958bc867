// POST /local/operator, for `stoa operator` alone: who may make operators needs none to be one.
#pragma once

#include "base/described.hpp"
#include "runtime/task.hpp"
#include "transport/http/message.hpp"

namespace stoa {

struct made_operator {
    std::string email;                    // as the account has it
    std::optional<std::string> password;  // set now, known to nobody else
    bool created = false;
    bool changed = false;  // it was a customer's: its sessions are over
};
BOOST_DESCRIBE_STRUCT(made_operator, (), (email, password, created, changed))

http::route operator_page(std::function<task<result<made_operator>>(std::string email)> make);

}  // namespace stoa
