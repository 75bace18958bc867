// One moment of the whole shop, for audits and backups.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"

namespace stoa {

struct shop_moment {
    std::unique_ptr<sqlite_snapshot> shop, provider;
};

// Taken while the shop's writer stands still. What the provider has done by then was asked for by a
// commit of the shop's, and what the shop knows of the provider was done before: each is within the
// other. Blocks for a commit: not for a loop's thread.
result<shop_moment> take_moment(sqlite_shop& store, sqlite_shop& provider);

}  // namespace stoa
