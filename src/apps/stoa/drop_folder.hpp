// The files of a folder that others put files into: which are whole, and where they go. Blocks.
#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace stoa {

// <folder>/<name> waits. taken/<id>-<name> is being worked on, done/ and failed/ hold what is over,
// with a report beside each file. Pictures wait in pictures/<sku>/<name>, and are taken into
// taken/pictures/<sku>/<id>-<name>.
class drop_folder {
 public:
    // Makes what is missing. Errors are for whoever set the folder.
    static result<drop_folder> open(const std::string& path);

    struct waiting_file {
        std::filesystem::path path;
        std::string of;  // the sku whose folder a picture lies in; empty: of no product
        std::string name;
        std::int64_t size_bytes = 0;
        bool is_open = false;  // a *.csv that somebody is still writing: not to be taken yet
    };
    // Pictures that nobody has open for writing, and *.csv in the folder itself, at most a hundred
    // of each. Hidden ones and links are passed over, and so are those in `but`.
    std::vector<waiting_file> waiting(const std::set<std::filesystem::path>& but = {}) const;

    struct taken_file {
        std::filesystem::path path;
        std::string of;  // as above
        std::string id, name;
    };
    // Into taken/ under that id, durably: from then on it is this shop's. False: it is gone, or
    // being written again. `unavailable`, codes file_unreadable and file_not_moved.
    result<bool> take(const waiting_file& file, const std::string& id) const;
    // In the order in which they were taken.
    std::vector<taken_file> taken() const;

    // What a file is called from then on.
    static std::string name_with(const std::string& id, const std::string& name);

    // Into done/ or failed/ as <name of the file>, with <name of the file>.report.json. The report
    // is there first: a file without one was not finished. `unavailable`, code file_not_moved.
    result<void> finish(const std::filesystem::path& file, const std::string& as, bool well,
                        const std::string& report) const;

 private:
    explicit drop_folder(std::filesystem::path root) : root_(std::move(root)) {}
    void add_waiting(std::vector<waiting_file>& to, const std::filesystem::path& in,
                     const std::string& of, const std::set<std::filesystem::path>& but) const;
    std::filesystem::path taken_of(const std::string& of) const;
    std::filesystem::path root_;
};

}  // namespace stoa
