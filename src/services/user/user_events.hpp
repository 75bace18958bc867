// Events of the user service. Payloads are JSON in snake_case.
#pragma once

#include "base/described.hpp"

namespace stoa::users {

namespace topic {
inline constexpr std::string_view notifications = "notifications";
}

// Topic `notifications`, type password.reset_requested. The token works once, until expires_at;
// whoever has it may set the password, so consumers never log the payload.
struct password_reset_requested {
    std::string user_id, email, token;
    timestamp expires_at;
};
BOOST_DESCRIBE_STRUCT(password_reset_requested, (), (user_id, email, token, expires_at))

// Topic `notifications`, type email.verification_requested. The token works once, until expires_at,
// and only for who is signed in as the user; consumers never log the payload.
struct email_verification_requested {
    std::string user_id, email, token;
    timestamp expires_at;
};
BOOST_DESCRIBE_STRUCT(email_verification_requested, (), (user_id, email, token, expires_at))

}  // namespace stoa::users
