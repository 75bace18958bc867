// A running shop's backup: the whole of it at one moment, as the bytes of one file
// (backup_format.hpp). What is in it: every table, item and event of the shop with the consumers'
// places, the payment simulator's books, blobs, and keys.json. So it holds password digests,
// customers' addresses and the keys that sign tokens: guard it as the data directory.
#pragma once

#include "adapters/sqlite/sqlite_records.hpp"
#include "apps/stoa/audit_moment.hpp"
#include "apps/stoa/backup_format.hpp"

#include <filesystem>
#include <fstream>

namespace stoa {

// Where the parts of a shop lie in its data directory.
inline constexpr std::string_view keys_file = "keys.json", blobs_directory = "blobs",
                                  provider_directory = "provider";

// Thread rule: one thread at a time; next() blocks while it reads. The blobs are read after the
// moment: whatever a row of the moment names was whole before.
class backup_stream {
 public:
    // The moment's shop outlives it, or is kept by it.
    backup_stream(shop_moment at, std::string data_directory, const backups::header& head,
                  std::shared_ptr<void> kept = {});

    // Some hundred kilobytes more; empty: the end.
    result<std::string> next();

 private:
    struct store_part {
        std::string_view store;
        std::unique_ptr<sqlite_records> from;
        std::size_t section = 0;
        bool open = false;
    };
    // Each does a little; false: there is no more of its kind.
    bool step_store(store_part& of);
    result<bool> step_blobs();
    result<void> open_blob(const std::filesystem::directory_entry& entry);
    result<void> add_keys();

    std::shared_ptr<void> kept_;
    shop_moment at_;
    std::string directory_;
    backups::writer out_;
    std::vector<store_part> stores_;
    std::filesystem::recursive_directory_iterator blobs_;
    bool blobs_begun_ = false, ended_ = false;
    std::ifstream blob_;
    std::string bucket_, key_, record_;
    std::int64_t blob_at_bytes_ = 0;
};

}  // namespace stoa
