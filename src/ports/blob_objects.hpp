// The objects of functions in the shop's own buckets, whose names need no translation.
#pragma once

#include "ports/blob.hpp"
#include "ports/objects.hpp"

namespace stoa {

// Thread rule: the store's. A read opens the object anew; versions there are none.
class blob_objects final : public object_store {
 public:
    explicit blob_objects(blob_store& in) : blobs_(in) {}
    task<result<object_range>> read(object_name what, std::int64_t at_byte,
                                    std::size_t most_bytes) override;
    task<result<void>> write(object_name what, std::string content,
                             std::string content_type) override;
    task<result<void>> erase(object_name what) override;

 private:
    blob_store& blobs_;
};

}  // namespace stoa
