// The objects of functions in the shop's own buckets, whose names need no translation.
#pragma once

#include "ports/blob.hpp"
#include "ports/objects.hpp"

#include <optional>

namespace stoa {

// Thread rule: one loop. Versions there are none. A read that goes on where the last one ended does
// so in the object that was opened for that one, whatever has taken its name meanwhile; any other
// opens the object anew and passes over what lies before.
class blob_objects final : public object_store {
 public:
    explicit blob_objects(blob_store& in) : blobs_(in) {}
    task<result<object_range>> read(object_name what, std::int64_t at_byte,
                                    std::size_t most_bytes) override;
    task<result<void>> write(object_name what, std::string content,
                             std::string content_type) override;
    task<result<void>> erase(object_name what) override;

 private:
    struct reading {
        object_name what;
        std::string etag;
        std::unique_ptr<blob_reader> from{};
        std::int64_t at_byte = 0;
    };
    task<result<reading>> begin(object_name what);

    blob_store& blobs_;
    std::optional<reading> last_;  // nothing once its end was read
};

}  // namespace stoa
