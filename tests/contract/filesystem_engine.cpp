#include "adapters/filesystem/filesystem_blob.hpp"
#include "contract/blob_engine.hpp"

#include <stdexcept>

namespace stoa::testing {

blob_kind filesystem_kind() {
    return {"filesystem",
            [](const std::string& directory, blocking_pool& pool) -> std::unique_ptr<blob_store> {
                auto opened = filesystem_blob::open(directory + "/blobs", pool);
                if (!opened) throw std::runtime_error(opened.error().detail);
                return *std::move(opened);
            }};
}

}  // namespace stoa::testing
