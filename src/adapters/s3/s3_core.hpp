// One object's requests, which the store, its readers and its writers make.
#pragma once

#include "adapters/s3/s3_blob.hpp"

#include <atomic>

namespace stoa {

struct s3_place {
    std::string bucket, key;  // as the shop names them
};

struct s3_part {
    int number = 0;
    std::string etag, sha256;  // base64
};

struct s3_blob::core {
    core(s3_options given, aws::credentials_source& by, aws::http_here http, clock& time,
         random_source& random);

    s3_options options;
    aws::client client;
    std::atomic<int> aborting = 0;  // dropped uploads whose parts are being removed; on any loop
    std::string name_of(std::string_view bucket) const;
    std::string url_of(const s3_place& of) const;  // without a query

    task<result<http_response>> call(std::string method, std::string url,
                                     std::vector<http_header> headers, std::string body,
                                     aws::repeats how = aws::repeats::always);
    std::unexpected<error> refused(const http_response& from, const s3_place& of) const;

    task<result<blob_info>> put(s3_place to, std::string content, bool only_new);
    task<result<std::string>> begin_parts(s3_place to);  // the upload's id
    task<result<s3_part>> put_part(s3_place to, std::string upload, int number, std::string bytes);
    task<result<blob_info>> finish_parts(s3_place to, std::string upload,
                                         std::vector<s3_part> parts, std::int64_t size_bytes);
    task<result<void>> abort_parts(s3_place to, std::string upload);
};

result<void> check_s3_bucket(std::string_view bucket);
result<s3_place> s3_place_of(std::string bucket, std::string key);
std::string bare_etag(std::string_view etag);  // without quotes

}  // namespace stoa
