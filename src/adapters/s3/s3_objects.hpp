// The port of objects on S3: any bucket and any key, as an event names them.
#pragma once

#include "adapters/s3/s3_blob.hpp"
#include "ports/objects.hpp"

namespace stoa {

// Thread rule: any loop; `http` gives the calling loop's client, which must let answers of a range
// and its headers through. Of the options, names of buckets are not used. Errors beside the port's
// own: as s3_blob.
class s3_objects final : public object_store {
 public:
    s3_objects(s3_options options, aws::credentials_source& by, aws::http_here http, clock& time,
               random_source& random);
    ~s3_objects() override;

    task<result<object_range>> read(object_name what, std::int64_t at_byte,
                                    std::size_t most_bytes) override;
    task<result<void>> write(object_name what, std::string content,
                             std::string content_type) override;
    task<result<void>> erase(object_name what) override;

 private:
    struct core;
    std::shared_ptr<core> core_;
};

}  // namespace stoa
