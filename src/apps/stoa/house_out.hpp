// A shop in a directory of the embedded engines into real ones that have nothing in them: every
// row, item, event at its offset, group at its place, upload and key.
//
// It may die anywhere and be begun again with the same backup: rows are one transaction, items and
// uploads are put over themselves, the log goes on behind what it has. A marker among the leases
// says that it has not ended; a shop is not served while it stands.
#pragma once

#include "adapters/sqlite/sqlite_snapshot.hpp"
#include "apps/stoa/house.hpp"

namespace stoa {

struct house_source {
    const sqlite_snapshot& shop;
    const sqlite_snapshot& provider;
    std::string directory;  // of both: its blobs and keys
    std::string backup_id;  // the same for the same backup
    // The step, how far it is, of how many; 0: nobody knows.
    std::function<void(std::string_view, std::int64_t, std::int64_t)> told{};
};

// Where the engines' shop has its signing keys.
std::string keys_path(const settings& from);

// Errors: the engines'; `conflict` with code not_empty (something is there already, it says what),
// restore_interrupted (a restore of another backup did not end), shop_is_served,
// topic_partitions.
result<void> fill_house(house& to, const house_source& with);

}  // namespace stoa
