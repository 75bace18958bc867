// Objects in buckets. Keys are relative paths of [A-Za-z0-9._/-] without `..`; anything else is
// `invalid`.
#pragma once

#include "base/time.hpp"
#include "runtime/task.hpp"

#include <memory>
#include <string>
#include <vector>

namespace stoa {

struct blob_info {
    std::string key;
    std::int64_t size_bytes = 0;
    std::string etag;  // strong: changes with the content
};

// An upload becomes visible, whole and durable, with finish(); dropped before, it leaves nothing.
class blob_writer {
 public:
    virtual ~blob_writer() = default;
    virtual task<result<void>> append(std::string chunk) = 0;
    virtual task<result<blob_info>> finish() = 0;
};
class blob_reader {
 public:
    virtual ~blob_reader() = default;
    virtual task<result<std::string>> read(std::size_t max_bytes) = 0;  // empty: the end
    virtual std::int64_t size_bytes() const = 0;
};

// Thread rule: any loop. Blocking work runs on the blocking pool.
class blob_store {
 public:
    virtual ~blob_store() = default;
    virtual task<result<blob_info>> put(std::string bucket, std::string key,
                                        std::string content) = 0;
    virtual task<result<std::string>> get(std::string bucket, std::string key) = 0;  // not_found
    virtual task<result<std::unique_ptr<blob_writer>>> create(std::string bucket,
                                                              std::string key) = 0;
    virtual task<result<std::unique_ptr<blob_reader>>> open(std::string bucket,
                                                            std::string key) = 0;
    virtual task<result<std::vector<blob_info>>> list(std::string bucket, std::string prefix) = 0;
    virtual task<result<void>> erase(std::string bucket, std::string key) = 0;  // absent is fine
};

}  // namespace stoa
