// The two listeners of a shop: the public API and the admin one.
#pragma once

#include "apps/stoa/settings.hpp"
#include "transport/http/server.hpp"

namespace stoa {

// At the address of the setting `key` (http, admin). Errors say `what` wanted it and the flag.
result<void> listen(http::server& one, const settings& from, std::string_view key,
                    std::string_view what, std::vector<http::handler*> handlers);

// `invalid` one_address_twice.
result<void> check_listeners(const settings& from);

}  // namespace stoa
