// Where a verb finds its shop: the one that runs on the data directory, or none there at all.
#pragma once

#include "apps/stoa/settings.hpp"
#include "transport/http/blocking_client.hpp"

#include <memory>

namespace stoa {

// The admin listener of the shop that runs on the data directory, with the token of its own verbs;
// null where none does.
std::unique_ptr<http::blocking_client> running_shop(const settings& from);

// What a shop refused, of its problem+json.
error error_of(const http::client_answer& answer);

// `not_found` no_shop where the data directory has none. Opening it would make an empty one, of
// which nothing that a verb says is true.
result<void> require_shop(const settings& from);

}  // namespace stoa
