// Uploads and downloads piece by piece.
#pragma once

#include "adapters/s3/s3_core.hpp"

namespace stoa {

// Thread rule: one loop, which outlives it.
class s3_writer final : public blob_writer {
 public:
    s3_writer(std::shared_ptr<s3_blob::core> by, s3_place to, loop::executor_type on)
        : by_(std::move(by)), to_(std::move(to)), on_(std::move(on)) {}
    ~s3_writer() override;
    task<result<void>> append(std::string chunk) override;
    task<result<blob_info>> finish() override;

 private:
    task<result<void>> send_part();

    std::shared_ptr<s3_blob::core> by_;
    s3_place to_;
    loop::executor_type on_;
    std::string waiting_;  // less than a part
    std::string upload_;   // empty: no part was sent yet
    std::vector<s3_part> parts_;
    std::int64_t size_bytes_ = 0;
};

// Thread rule: one loop.
class s3_reader final : public blob_reader {
 public:
    // Asks for the first part: `not_found` comes from here.
    static task<result<std::unique_ptr<s3_reader>>> open(std::shared_ptr<s3_blob::core> by,
                                                         s3_place from);
    task<result<std::string>> read(std::size_t max_bytes) override;
    std::int64_t size_bytes() const override { return size_bytes_; }

 private:
    s3_reader(std::shared_ptr<s3_blob::core> by, s3_place from)
        : by_(std::move(by)), from_(std::move(from)) {}
    task<result<void>> fetch();

    std::shared_ptr<s3_blob::core> by_;
    s3_place from_;
    std::string etag_, version_;
    std::string part_;  // fetched; handed out up to `given_`
    std::size_t given_ = 0;
    std::int64_t fetched_bytes_ = 0, size_bytes_ = -1;
};

}  // namespace stoa
