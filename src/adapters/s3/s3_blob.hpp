// The blob port on S3 and what speaks its language (versitygw, MinIO, Google Cloud Storage by its
// S3 interface). Uploads larger than a part go in parts; downloads come in ranges of one version.
#pragma once

#include "adapters/aws/aws_client.hpp"
#include "ports/blob.hpp"

#include <map>

namespace stoa {

struct s3_options {
    std::string region;        // AWS_REGION
    std::string endpoint_url;  // AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL; empty: Amazon's own
    bool path_style = false;   // AWS_S3_PATH_STYLE: always for an endpoint of your own
    std::string bucket_prefix, bucket_suffix;  // around the shop's names, as -<account id>
    std::map<std::string, std::string, std::less<>> bucket_names;  // of one bucket
    std::size_t part_bytes = 8 << 20;  // of uploads and downloads; S3 takes 5 MiB to 5 GiB
    milliseconds attempt_within{30'000};
    milliseconds answer_within{60'000};
};

// Thread rule: any loop; `http` gives the calling loop's client, which must let answers of a part
// and its headers through. Errors beside the port's own: `unavailable` (aws_…), `internal` with
// code bucket_missing, aws_refused (credentials, region, rights) and s3_refused; `conflict` with
// code blob_changed where an object larger than a part was replaced while it was read and its
// bucket keeps no versions.
class s3_blob final : public blob_store {
 public:
    s3_blob(s3_options options, aws::credentials_source& by, aws::http_here http, clock& time,
            random_source& random);
    ~s3_blob() override;

    task<result<blob_info>> put(std::string bucket, std::string key, std::string content) override;
    task<result<std::string>> get(std::string bucket, std::string key) override;
    // A writer that is dropped aborts its parts in the background; close() waits for that.
    task<result<std::unique_ptr<blob_writer>>> create(std::string bucket, std::string key) override;
    task<result<std::unique_ptr<blob_reader>>> open(std::string bucket, std::string key) override;
    task<result<std::vector<blob_info>>> list(std::string bucket, std::string prefix) override;
    task<result<void>> erase(std::string bucket, std::string key) override;

    // `conflict`, code blob_exists, where there is such an object.
    task<result<blob_info>> put_new(std::string bucket, std::string key, std::string content);
    // An address for whoever has no credentials: a second to a week.
    task<result<std::string>> presigned_get(std::string bucket, std::string key, seconds lasts);
    // For a start: `conflict` with code buckets_not_ready, which names every one that is missing.
    task<result<void>> check_buckets(std::vector<std::string> buckets);
    // Makes what is missing, private, for local servers and tests; in a cloud Terraform does it.
    task<result<void>> ensure_buckets(std::vector<std::string> buckets);
    // No upload's parts are left behind by this process: for an ordered end.
    task<> close();

    std::string name_of(std::string_view bucket) const;  // in S3

    struct core;  // what readers and writers share with their store

 private:
    std::shared_ptr<core> core_;
};

}  // namespace stoa
