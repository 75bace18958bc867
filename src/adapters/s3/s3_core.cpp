#include "adapters/s3/s3_core.hpp"

#include "adapters/aws/digests.hpp"

namespace stoa {
namespace {

constexpr std::size_t longest_key = 1000;

bool good_part(std::string_view part) {
    return !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

std::string checksum_of(std::string_view bytes) { return aws::base64(aws::sha256(bytes)); }

int digit_of(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// What S3 calls an upload of these parts, where it calls a part by its MD5.
std::string etag_of_parts(const std::vector<s3_part>& parts) {
    std::string all;
    for (const auto& each : parts) {
        if (each.etag.size() != 32 ||
            each.etag.find_first_not_of("0123456789abcdef") != std::string::npos)
            return {};
        for (std::size_t i = 0; i < each.etag.size(); i += 2)
            all += static_cast<char>(digit_of(each.etag[i]) * 16 + digit_of(each.etag[i + 1]));
    }
    return aws::hex(aws::md5(all)) + '-' + std::to_string(parts.size());
}

}  // namespace

result<void> check_s3_bucket(std::string_view bucket) {
    if (good_part(bucket)) return {};
    return fail(errc::invalid, "bucket",
                "a bucket's name has letters, digits, dot, dash and underscore");
}

result<s3_place> s3_place_of(std::string bucket, std::string key) {
    STOA_TRY_VOID(check_s3_bucket(bucket));
    bool good = !key.empty() && key.size() <= longest_key && key.back() != '/';
    for (std::size_t start = 0; good && start < key.size();) {
        const auto end = std::min(key.find('/', start), key.size());
        good = good_part(std::string_view(key).substr(start, end - start));
        start = end + 1;
    }
    if (good) return s3_place{std::move(bucket), std::move(key)};
    return fail(
        errc::invalid, "key",
        "a key is a relative path of letters, digits, dot, dash and underscore, without `..`");
}

std::string bare_etag(std::string_view etag) {
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
        etag = etag.substr(1, etag.size() - 2);
    return std::string(etag);
}

s3_blob::core::core(s3_options given, aws::credentials_source& by, aws::http_here http, clock& time,
                    random_source& random)
    : options(std::move(given)),
      client({.service = "s3",
              .region = options.region,
              .endpoint = options.endpoint_url,
              .attempt_within = options.attempt_within,
              .answer_within = options.answer_within,
              .paths = aws::path_rule::as_sent},
             by, std::move(http), time, random) {}

std::string s3_blob::core::name_of(std::string_view bucket) const {
    const auto given = options.bucket_names.find(bucket);
    if (given != options.bucket_names.end()) return given->second;
    return options.bucket_prefix + std::string(bucket) + options.bucket_suffix;
}

std::string s3_blob::core::url_of(const s3_place& of) const {
    const auto base = endpoint_of(client.options());
    const auto bucket = name_of(of.bucket);
    const auto key = '/' + of.key;
    // A certificate of *.s3… does not cover a name with dots.
    const bool in_path = options.path_style || !options.endpoint_url.empty() ||
                         bucket.find('.') != std::string::npos;
    if (in_path) return base + '/' + bucket + (of.key.empty() ? "" : key);
    const auto host = base.find("://") + 3;
    return base.substr(0, host) + bucket + '.' + base.substr(host) + key;
}

task<result<http_response>> s3_blob::core::call(std::string method, std::string url,
                                                std::vector<http_header> headers, std::string body,
                                                aws::repeats how) {
    return client.call(std::move(method), std::move(url), std::move(headers), std::move(body), how,
                       [](const http_response& answer) {
                           return aws::read_error(answer).code == "ConditionalRequestConflict" ||
                                  aws::read_error(answer).code == "OperationAborted";
                       });
}

std::unexpected<error> s3_blob::core::refused(const http_response& from, const s3_place& of) const {
    const auto why = aws::read_error(from);
    if (why.code == "NoSuchBucket")
        return fail(errc::internal, "bucket_missing",
                    "S3 at " + endpoint_of(client.options()) + " (AWS_REGION " + options.region +
                        ") has no bucket " + name_of(of.bucket));
    // An answer to HEAD has no code.
    if (why.status == 404 && (why.code.empty() || why.code == "NoSuchKey"))
        return fail(errc::not_found, "blob_not_found",
                    "there is no " + of.key + " in " + of.bucket);
    return fail(errc::internal, "s3_refused",
                "S3 refuses " + name_of(of.bucket) + '/' + of.key + ": " +
                    std::to_string(why.status) + ' ' + why.code + ' ' + why.message);
}

task<result<blob_info>> s3_blob::core::put(s3_place to, std::string content, bool only_new) {
    const auto size = static_cast<std::int64_t>(content.size());
    std::vector<http_header> headers{{"x-amz-checksum-sha256", checksum_of(content)},
                                     {"Content-Type", "application/octet-stream"}};
    if (only_new) headers.push_back({"If-None-Match", "*"});
    // A second try would find the first one's object.
    const auto how = only_new ? aws::repeats::if_not_begun : aws::repeats::always;
    STOA_CO_TRY(const auto answer,
                co_await call("PUT", url_of(to), std::move(headers), std::move(content), how));
    if (answer.status == 412)
        co_return fail(errc::conflict, "blob_exists", "there is a " + to.key + " in " + to.bucket);
    if (answer.status != 200) co_return refused(answer, to);
    co_return blob_info{std::move(to.key), size, bare_etag(answer.find("etag"))};
}

task<result<std::string>> s3_blob::core::begin_parts(s3_place to) {
    STOA_CO_TRY(const auto answer, co_await call("POST", url_of(to) + "?uploads=",
                                                 {{"x-amz-checksum-algorithm", "SHA256"},
                                                  {"Content-Type", "application/octet-stream"}},
                                                 {}));
    auto id = aws::xml_text(answer.body, "UploadId");
    if (answer.status != 200 || id.empty()) co_return refused(answer, to);
    co_return id;
}

task<result<s3_part>> s3_blob::core::put_part(s3_place to, std::string upload, int number,
                                              std::string bytes) {
    auto checksum = checksum_of(bytes);
    STOA_CO_TRY(const auto answer,
                co_await call("PUT",
                              url_of(to) + "?partNumber=" + std::to_string(number) +
                                  "&uploadId=" + aws::percent_encoded(upload),
                              {{"x-amz-checksum-sha256", checksum}}, std::move(bytes)));
    if (answer.status != 200) co_return refused(answer, to);
    co_return s3_part{number, bare_etag(answer.find("etag")), std::move(checksum)};
}

task<result<blob_info>> s3_blob::core::finish_parts(s3_place to, std::string upload,
                                                    std::vector<s3_part> parts,
                                                    std::int64_t size_bytes) {
    std::string body = "<CompleteMultipartUpload>";
    for (const auto& each : parts)
        body += "<Part><PartNumber>" + std::to_string(each.number) + "</PartNumber><ETag>\"" +
                aws::xml_escaped(each.etag) + "\"</ETag><ChecksumSHA256>" + each.sha256 +
                "</ChecksumSHA256></Part>";
    body += "</CompleteMultipartUpload>";
    STOA_CO_TRY(const auto answer,
                co_await call("POST", url_of(to) + "?uploadId=" + aws::percent_encoded(upload),
                              {{"Content-Type", "application/xml"}}, std::move(body)));
    // S3 answers 200 before it knows, and then writes an error in the body.
    const auto failed = aws::xml_text(answer.body, "Code");
    if (answer.status == 200 && failed.empty())
        co_return blob_info{std::move(to.key), size_bytes,
                            bare_etag(aws::xml_text(answer.body, "ETag"))};
    if (failed != "NoSuchUpload") co_return refused(answer, to);
    // Finished already, by a try whose answer was lost?
    STOA_CO_TRY(const auto standing, co_await call("HEAD", url_of(to), {}, {}));
    auto etag = bare_etag(standing.find("etag"));
    if (standing.status == 200 && !etag.empty() && etag == etag_of_parts(parts))
        co_return blob_info{std::move(to.key), size_bytes, std::move(etag)};
    co_return fail(errc::unavailable, "aws_outcome_unknown",
                   "S3 no longer knows the upload of " + to.key +
                       ": it was finished by a lost request, or aborted; write it again");
}

task<result<void>> s3_blob::core::abort_parts(s3_place to, std::string upload) {
    STOA_CO_TRY(
        const auto answer,
        co_await call("DELETE", url_of(to) + "?uploadId=" + aws::percent_encoded(upload), {}, {}));
    if (answer.status < 300 || answer.status == 404) co_return result<void>();
    co_return refused(answer, to);
}

}  // namespace stoa
