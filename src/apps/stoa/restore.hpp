// `stoa restore FILE`: a backup into an empty data directory. Everything is made in
// `restore.part/` there and moved up when it is whole and on the disk, so that a process that dies
// in between leaves nothing that looks like a shop.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"

#include <functional>

namespace stoa {

struct restore_plan {
    std::string file, directory;
    // With the staging directory in place of the data directory.
    std::function<sqlite_options(const std::string& directory)> shop, provider;
    currency_code currency;
};
struct restore_report {
    std::string stoa;  // the version that wrote it
    timestamp taken_at;
    std::int64_t records = 0, blobs = 0;
};
// `told` gets the bytes read and the file's. Errors: backups::reader's and sqlite_loader's;
// `conflict` with code not_empty (the directory has something in it), currency_differs,
// data_directory_locked.
result<restore_report> restore_backup(
    const restore_plan& what, clock& time,
    const std::function<void(std::int64_t done, std::int64_t all)>& told);

// Before a shop is opened: ends a restore that died in its last step. `conflict` with code
// restore_interrupted where one died before it was whole.
result<void> settle_restore(const std::string& directory);

}  // namespace stoa
