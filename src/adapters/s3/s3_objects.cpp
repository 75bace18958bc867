#include "adapters/s3/s3_objects.hpp"

#include "adapters/aws/digests.hpp"
#include "adapters/s3/s3_core.hpp"

#include <charconv>

namespace stoa {
namespace {

// bytes 0-99/1234 and bytes */1234.
std::int64_t total_of(std::string_view content_range) {
    std::int64_t out = -1;
    const auto digits = content_range.substr(content_range.rfind('/') + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return out;
}

result<s3_place> place_of(const object_name& what) {
    STOA_TRY_VOID(check_s3_bucket(what.bucket));
    if (what.key.empty() || what.key.size() > 1024)
        return fail(errc::invalid, "key", "a key of S3 has 1 to 1024 bytes");
    return s3_place{what.bucket, aws::percent_encoded(what.key, true)};
}

}  // namespace

struct s3_objects::core : s3_blob::core {
    using s3_blob::core::core;
};

s3_objects::s3_objects(s3_options options, aws::credentials_source& by, aws::http_here http,
                       clock& time, random_source& random) {
    options.bucket_names.clear();
    options.bucket_prefix.clear();
    options.bucket_suffix.clear();
    core_ = std::make_shared<core>(std::move(options), by, std::move(http), time, random);
}
s3_objects::~s3_objects() = default;

task<result<object_range>> s3_objects::read(object_name what, std::int64_t at_byte,
                                            std::size_t most_bytes) {
    STOA_CO_TRY(const auto place, place_of(what));
    auto url = core_->url_of(place);
    if (!what.version.empty()) url += "?versionId=" + aws::percent_encoded(what.version);
    const auto last = at_byte + static_cast<std::int64_t>(most_bytes) - 1;
    std::vector<http_header> headers{
        {"Range", "bytes=" + std::to_string(at_byte) + '-' + std::to_string(last)}};
    if (!what.etag.empty()) headers.push_back({"If-Match", '"' + what.etag + '"'});
    STOA_CO_TRY(auto answer, co_await core_->call("GET", url, std::move(headers), {}));
    if (answer.status == 412)
        co_return fail(errc::conflict, "object_changed",
                       what.bucket + '/' + what.key + " was replaced");
    object_range out{.etag = bare_etag(answer.find("etag")),
                     .version = std::string(answer.find("x-amz-version-id"))};
    if (answer.status == 416) {
        out.size_bytes = std::max<std::int64_t>(0, total_of(answer.find("content-range")));
        co_return out;
    }
    if (answer.status == 404 && aws::read_error(answer).code == "NoSuchVersion")
        co_return fail(errc::not_found, "blob_not_found", "that version is gone");
    if (answer.status != 200 && answer.status != 206) co_return core_->refused(answer, place);
    out.size_bytes =
        answer.status == 200 ? std::ssize(answer.body) : total_of(answer.find("content-range"));
    const auto expected =
        std::min<std::int64_t>(static_cast<std::int64_t>(most_bytes), out.size_bytes - at_byte);
    if ((answer.status == 200 && at_byte != 0) || std::ssize(answer.body) != expected)
        co_return fail(errc::unavailable, "s3_answer_ill_formed",
                       "what S3 sends of " + what.key + " is not what it says it is");
    out.bytes = std::move(answer.body);
    co_return out;
}

task<result<void>> s3_objects::write(object_name what, std::string content,
                                     std::string content_type) {
    STOA_CO_TRY(const auto place, place_of(what));
    std::vector<http_header> headers{{"x-amz-checksum-sha256", aws::base64(aws::sha256(content))},
                                     {"Content-Type", std::move(content_type)}};
    STOA_CO_TRY(const auto answer, co_await core_->call("PUT", core_->url_of(place),
                                                        std::move(headers), std::move(content)));
    if (answer.status != 200) co_return core_->refused(answer, place);
    co_return result<void>();
}

task<result<void>> s3_objects::erase(object_name what) {
    STOA_CO_TRY(const auto place, place_of(what));
    STOA_CO_TRY(const auto answer, co_await core_->call("DELETE", core_->url_of(place), {}, {}));
    if (answer.status / 100 != 2 && answer.status != 404) co_return core_->refused(answer, place);
    co_return result<void>();
}

}  // namespace stoa
