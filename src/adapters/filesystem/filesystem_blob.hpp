// The blob port on a directory: <root>/<bucket>/<key>. An object is written beside its place under
// a name that no key can have, synced, renamed and its directory synced: it is there whole, or not
// at all. Whole objects that are put at the same time share their syncs.
#pragma once

#include "adapters/filesystem/put_queue.hpp"
#include "ports/blob.hpp"
#include "runtime/blocking_pool.hpp"

#include <string>

namespace stoa {

// Thread rule: any loop; the work runs on the pool, which outlives the store. Errors: `invalid`
// (bucket or key), `not_found`, `storage_full`, `internal` (code storage_failed), `unavailable`
// (full pool).
class filesystem_blob final : public blob_store {
 public:
    // Makes the root and removes what uploads of an earlier process left behind. The caller holds
    // the data directory's lock.
    static result<std::unique_ptr<filesystem_blob>> open(
        std::string root, blocking_pool& pool,
        std::shared_ptr<files::disk> on = std::make_shared<files::disk>());

    task<result<blob_info>> put(std::string bucket, std::string key, std::string content) override;
    task<result<std::string>> get(std::string bucket, std::string key) override;
    task<result<std::unique_ptr<blob_writer>>> create(std::string bucket, std::string key) override;
    task<result<std::unique_ptr<blob_reader>>> open(std::string bucket, std::string key) override;
    task<result<std::vector<blob_info>>> list(std::string bucket, std::string prefix) override;
    task<result<void>> erase(std::string bucket, std::string key) override;

 private:
    filesystem_blob(std::string root, blocking_pool& pool, std::shared_ptr<files::volume> on)
        : root_(std::move(root)),
          pool_(pool),
          volume_(std::move(on)),
          puts_(std::make_shared<files::put_queue>(pool, volume_)) {}

    std::string root_;
    blocking_pool& pool_;
    std::shared_ptr<files::volume> volume_;
    std::shared_ptr<files::put_queue> puts_;
};

}  // namespace stoa
