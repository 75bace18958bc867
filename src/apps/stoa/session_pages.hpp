// Sessions of browsers: /session/shop/… for the storefront, /session/console/… for the console.
//
// A page keeps its access token in memory, where a reload forgets it; the refresh token lies in a
// cookie that scripts cannot read and that is sent to these paths only (HttpOnly, SameSite=Strict).
// Each page calls the operation of the same name as any client would, so that limits, metrics and
// targets in other processes are as there.
#pragma once

#include "transport/http/message.hpp"

#include <functional>
#include <vector>

namespace stoa {

// `ask` answers a request as the router does; it outlives the routes. Each place (shop, console)
// has login, refresh and logout, the shop guest and register, too: POST, with the operation's body.
// Answers are the operation's without `refresh_token`; refresh without a cookie is 204. Errors:
// not_this_site for a request that another site's page made, and those of the operations.
std::vector<http::route> session_pages(std::function<task<http::response>(http::request)> ask);

}  // namespace stoa
