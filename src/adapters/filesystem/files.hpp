// Blocking file work of the filesystem adapter. Runs on the blocking pool.
#pragma once

#include "ports/blob.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

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

// Every call that changes the disk, apart from the rest so that tests count them, let them fail and
// cut the power between them. Each gives 0 or the system's error number. Thread rule: any thread.
class disk {
 public:
    virtual ~disk() = default;
    virtual int make_directory(const std::string& path);
    virtual int create(const std::string& path, int& descriptor);  // EEXIST where it stands
    virtual int write(int descriptor, std::string_view bytes);     // all of them
    virtual int rename(const std::string& from, const std::string& to);
    virtual int remove(const std::string& path);  // a file
    virtual int sync_file(int descriptor);
    // Everything written to the file system that the file is on. Needs Linux 5.8, or errors stay
    // untold.
    virtual int sync_file_system(int descriptor);
    virtual int sync_directory(const std::string& path);
};

// The disk, and which directories are known to stand on it for good. A directory that is merely
// there may be the work of a process that died, or of a thread that has yet to sync it.
class volume {
 public:
    explicit volume(std::shared_ptr<disk> on) : disk_(std::move(on)) {}
    volume(const volume&) = delete;
    volume& operator=(const volume&) = delete;

    disk& on() { return *disk_; }
    // Each directory on the way from `root`, which stands for good, is synced into its parent.
    result<void> make_directories(const std::string& root, const std::string& below);
    result<void> sync_directory(const std::string& path);

 private:
    static constexpr std::size_t most_known = 4'096;
    bool knows(const std::string& path) const;
    void remember(const std::string& path);

    std::shared_ptr<disk> disk_;
    mutable std::mutex mutex_;  // of known_
    std::unordered_set<std::string> known_;
};

// An upload under a temporary name; gone with the object unless it was given its name.
class upload {
 public:
    static result<std::unique_ptr<upload>> begin(place where, std::shared_ptr<volume> to);
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
    upload(place where, std::shared_ptr<volume> to);
    place where_;
    std::shared_ptr<volume> volume_;
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
// An object that is already gone is synced away too: whoever removed it may not have come that far.
result<void> erase(const place& where, volume& from);
// Makes the root, for good, and removes what uploads of an earlier process left. The directory that
// the root is in stands for good: whoever made it has synced it.
result<void> prepare(const std::string& root, volume& on);

}  // namespace stoa::files
