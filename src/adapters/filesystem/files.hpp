// Blocking file work of the filesystem adapter. Runs on the blocking pool.
#pragma once

#include "ports/blob.hpp"

#include <memory>
#include <string>

namespace stoa::files {

// <root>/<bucket>/<key>, or `invalid` with code bucket or key.
struct place {
    std::string root, bucket, key;
    std::string path() const { return root + "/" + bucket + "/" + key; }
};
result<place> place_of(const std::string& root, std::string bucket, std::string key);
result<void> check_bucket(const std::string& bucket);

// `storage_full` where there is no space, else `internal`.
error failure(const std::string& what, int error_number);

// An upload under a temporary name; gone with the object unless finish() succeeded.
class upload {
 public:
    static result<std::unique_ptr<upload>> begin(place where);
    ~upload();
    upload(const upload&) = delete;
    upload& operator=(const upload&) = delete;
    result<void> append(std::string_view chunk);
    result<blob_info> finish();

 private:
    explicit upload(place where);
    place where_;
    std::string temporary_;
    int file_ = -1;
    std::int64_t size_bytes_ = 0;
    struct digest;
    std::unique_ptr<digest> digest_;
};

// An open object: it stays readable, as it is, when it is replaced or erased meanwhile.
class open_file {
 public:
    static result<std::unique_ptr<open_file>> open(const place& where);  // not_found
    ~open_file();
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    result<std::string> read(std::size_t max_bytes);  // empty: the end
    std::int64_t size_bytes() const { return size_bytes_; }

 private:
    explicit open_file(int file) : file_(file) {}
    int file_;
    std::int64_t size_bytes_ = 0;
};

result<std::string> read_all(const place& where);
result<blob_info> info_of(const place& where);  // reads the object for its etag
result<std::vector<blob_info>> list(const std::string& root, const std::string& bucket,
                                    const std::string& prefix);
result<void> erase(const place& where);
// Makes the root and removes what uploads of an earlier process left.
result<void> prepare(const std::string& root);

}  // namespace stoa::files
