// The listeners of a process: the public API, the admin one, and those of single targets.
#pragma once

#include "apps/stoa/targets.hpp"
#include "transport/http/server.hpp"

namespace stoa {

// At the address of the setting `key` (http, admin). Errors say `what` wanted it and the flag.
result<void> listen(http::server& one, const settings& from, std::string_view key,
                    std::string_view what, std::vector<http::handler*> handlers);

// A single target's, at its documented port.
result<void> listen_at(http::server& one, const std::string& host, const target_facts& of,
                       std::vector<http::handler*> handlers);

// `invalid` one_address_twice.
result<void> check_listeners(const settings& from);

}  // namespace stoa
