// What messages and documents say. Pure: the same event gives the same bytes.
#pragma once

#include "services/order/order_events.hpp"
#include "services/user/user_events.hpp"

namespace stoa::notifications {

struct text {
    std::string subject, body;
};

// Nothing for an event that nobody is told about.
std::optional<text> text_of(const orders::order_event& about, std::string_view shop_name);
// `reset_url`: where the token is appended to; empty: the token alone is shown.
text text_of(const users::password_reset_requested& about, std::string_view shop_name,
             std::string_view reset_url);
// `verify_url` likewise.
text text_of(const users::email_verification_requested& about, std::string_view shop_name,
             std::string_view verify_url);
// Plain text, a page wide.
std::string invoice_of(const orders::order_event& paid, std::string_view shop_name);

}  // namespace stoa::notifications
