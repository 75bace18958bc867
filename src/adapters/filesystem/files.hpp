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

// What makes writes last, apart from the rest so that tests count it and let it fail. Each gives 0
// or the system's error number.
class disk_syncs {
 public:
    virtual ~disk_syncs() = default;
    virtual int file(int descriptor);
    // Everything written to the file system that the file is on. Needs Linux 5.8, or errors stay
    // untold.
    virtual int file_system(int descriptor);
    virtual int directory(int descriptor);
};
result<void> sync_directory(const std::string& path, disk_syncs& syncs);

// An upload under a temporary name; gone with the object unless it was given its name.
class upload {
 public:
    static result<std::unique_ptr<upload>> begin(place where, std::shared_ptr<disk_syncs> syncs);
    ~upload();
    upload(const upload&) = delete;
    upload& operator=(const upload&) = delete;
    result<void> append(std::string_view chunk);
    // The last steps, in this order: its content is on the disk (with sync_all that of every other
    // upload on this file system as well), it has its name, its directory is on the disk.
    result<void> sync();
    result<void> sync_all();
    result<blob_info> give_name();
    std::string directory() const;
    result<blob_info> finish();  // all three

 private:
    upload(place where, std::shared_ptr<disk_syncs> syncs);
    place where_;
    std::shared_ptr<disk_syncs> syncs_;
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
result<void> erase(const place& where, disk_syncs& syncs);
// Makes the root and removes what uploads of an earlier process left.
result<void> prepare(const std::string& root);

}  // namespace stoa::files
