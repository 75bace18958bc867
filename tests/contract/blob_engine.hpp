// What the suite of the blob port runs on.
#pragma once

#include "ports/blob.hpp"
#include "runtime/blocking_pool.hpp"

#include <functional>

namespace stoa::testing {

// `open` is called again after a restart, with the same directory: what was stored is still there.
// An engine without a directory takes its path as the name of a place of its own.
struct blob_kind {
    std::string name;
    std::function<std::unique_ptr<blob_store>(const std::string& directory, blocking_pool&)> open;
};

std::vector<blob_kind> blob_engines();  // of the binary: see engine.hpp

blob_kind filesystem_kind();
blob_kind s3_kind();

}  // namespace stoa::testing
