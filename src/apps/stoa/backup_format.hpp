// The backup file: sections of records behind a header, each part and the whole checked, no
// engine's layout in it. docs/operations.md describes it byte by byte.
//
//   "STOABKUP", then frames: type (1 byte), plain size, stored size (4 bytes each, little end
//   first), the content as zlib stores it, CRC-32 of everything of the frame before it.
//   H  header, JSON       S  a section begins, JSON      D  records: varint size and bytes each
//   E  a section's end, JSON with its SHA-256            Z  the end, JSON with the whole's SHA-256
#pragma once

#include "adapters/security/digest.hpp"
#include "base/described.hpp"

#include <cstdio>
#include <memory>
#include <string>

namespace stoa::backups {

inline constexpr std::int32_t format_version = 1;

struct header {
    std::int32_t format = format_version;
    std::string stoa;  // the version that wrote it
    timestamp taken_at;
    currency_code currency;
};
BOOST_DESCRIBE_STRUCT(header, (), (format, stoa, taken_at, currency))

struct section {
    std::string store;       // shop, provider, blobs, files
    std::string kind, name;  // adapters/sqlite/sqlite_records.hpp
};
BOOST_DESCRIBE_STRUCT(section, (), (store, kind, name))

struct section_end {
    std::int64_t records = 0;
    std::string sha256;  // of the records with their sizes
};
BOOST_DESCRIBE_STRUCT(section_end, (), (records, sha256))

struct backup_end {
    std::int64_t sections = 0, records = 0;
    std::string sha256;  // of the file up to this frame
};
BOOST_DESCRIBE_STRUCT(backup_end, (), (sections, records, sha256))

// Makes the bytes of a backup; take() what is there now and then.
class writer {
 public:
    void begin(const header& of);
    void begin_section(const section& of);
    void add(std::string_view record);
    void end_section();
    void end();
    std::string take() { return std::exchange(out_, {}); }
    std::size_t ready_bytes() const { return out_.size(); }

 private:
    void frame(char type, std::string_view content);
    void flush();

    std::string out_, records_;
    sha256_digest whole_;
    std::unique_ptr<sha256_digest> of_section_;
    std::int64_t in_section_ = 0, sections_ = 0, total_ = 0;
};

// Reads a backup from its start to its end. Errors: `invalid` with code not_a_backup,
// backup_damaged (cut, changed, or followed by something); `conflict` with code backup_newer.
class reader {
 public:
    static result<std::unique_ptr<reader>> open(const std::string& path);
    ~reader();

    const header& head() const { return head_; }
    // The next section; nothing at the end, which has been checked then.
    result<std::optional<section>> next_section();
    // The section's next record; nothing at its end. Lives until the next call.
    result<std::optional<std::string_view>> next_record();
    std::int64_t read_bytes() const { return read_bytes_; }
    std::int64_t file_bytes() const { return file_bytes_; }

 private:
    struct frame {
        char type = 0;
        std::string content;
        std::string before;  // the whole's SHA-256 up to it
    };
    reader(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
    result<frame> next_frame();
    result<void> check_section_end(const frame& of);
    result<void> check_end(const frame& of);
    std::unexpected<error> damaged(const std::string& how) const;

    std::FILE* file_;
    std::string path_;
    header head_;
    frame records_;
    std::string_view left_;
    sha256_digest whole_;
    std::unique_ptr<sha256_digest> of_section_;
    std::int64_t in_section_ = 0, sections_ = 0, total_ = 0;
    std::int64_t read_bytes_ = 0, file_bytes_ = 0;
};

}  // namespace stoa::backups
