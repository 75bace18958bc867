// Objects as functions see them: named by somebody else, of any key, in a bucket of any name, and
// read in ranges of one version. (The shop's own objects, whose names it makes: ports/blob.hpp.)
#pragma once

#include "runtime/task.hpp"

#include <cstdint>
#include <string>

namespace stoa {

struct object_name {
    std::string bucket, key;
    std::string version;  // empty: the newest
    std::string etag;     // not empty: this one or none
};

struct object_range {
    std::string bytes;            // fewer than asked for only at the end
    std::int64_t size_bytes = 0;  // of the whole object
    std::string etag, version;
};

// Thread rule: any loop.
class object_store {
 public:
    virtual ~object_store() = default;
    // `at_byte` may be the object's end: then there are no bytes. Errors: `not_found`; `conflict`,
    // code object_changed, where another etag stands; `unavailable`.
    virtual task<result<object_range>> read(object_name what, std::int64_t at_byte,
                                            std::size_t most_bytes) = 0;
    // Visible whole and durable when it returns; replaces what stands.
    virtual task<result<void>> write(object_name what, std::string content,
                                     std::string content_type) = 0;
    virtual task<result<void>> erase(object_name what) = 0;  // absent is fine
};

}  // namespace stoa
