#include "adapters/s3/s3_blob.hpp"

#include "adapters/aws/digests.hpp"
#include "adapters/s3/s3_streams.hpp"

#include <boost/asio/this_coro.hpp>

#include <charconv>

namespace stoa {

s3_blob::s3_blob(s3_options options, aws::credentials_source& by, aws::http_here http, clock& time,
                 random_source& random)
    : core_(std::make_shared<core>(std::move(options), by, std::move(http), time, random)) {}
s3_blob::~s3_blob() = default;

std::string s3_blob::name_of(std::string_view bucket) const { return core_->name_of(bucket); }

task<result<blob_info>> s3_blob::put(std::string bucket, std::string key, std::string content) {
    if (content.size() <= core_->options.part_bytes) {
        STOA_CO_TRY(auto to, s3_place_of(std::move(bucket), std::move(key)));
        co_return co_await core_->put(std::move(to), std::move(content), false);
    }
    STOA_CO_TRY(const auto writer, co_await create(std::move(bucket), std::move(key)));
    STOA_CO_TRY_VOID(co_await writer->append(std::move(content)));
    co_return co_await writer->finish();
}

task<result<blob_info>> s3_blob::put_new(std::string bucket, std::string key, std::string content) {
    STOA_CO_TRY(auto to, s3_place_of(std::move(bucket), std::move(key)));
    co_return co_await core_->put(std::move(to), std::move(content), true);
}

task<result<std::string>> s3_blob::get(std::string bucket, std::string key) {
    STOA_CO_TRY(auto from, s3_place_of(std::move(bucket), std::move(key)));
    STOA_CO_TRY(const auto reader, co_await s3_reader::open(core_, std::move(from)));
    std::string out;
    out.reserve(static_cast<std::size_t>(reader->size_bytes()));
    for (;;) {
        STOA_CO_TRY(const auto piece, co_await reader->read(core_->options.part_bytes));
        if (piece.empty()) co_return out;
        out += piece;
    }
}

task<result<std::unique_ptr<blob_writer>>> s3_blob::create(std::string bucket, std::string key) {
    STOA_CO_TRY(auto to, s3_place_of(std::move(bucket), std::move(key)));
    co_return std::make_unique<s3_writer>(core_, std::move(to), co_await asio::this_coro::executor);
}

task<result<std::unique_ptr<blob_reader>>> s3_blob::open(std::string bucket, std::string key) {
    STOA_CO_TRY(auto from, s3_place_of(std::move(bucket), std::move(key)));
    co_return co_await s3_reader::open(core_, std::move(from));
}

task<result<std::vector<blob_info>>> s3_blob::list(std::string bucket, std::string prefix) {
    STOA_CO_TRY_VOID(check_s3_bucket(bucket));
    const s3_place whole{std::move(bucket), {}};
    std::vector<blob_info> out;
    std::string token;
    do {
        auto url = core_->url_of(whole) +
                   "?list-type=2&max-keys=1000&prefix=" + aws::percent_encoded(prefix);
        if (!token.empty()) url += "&continuation-token=" + aws::percent_encoded(token);
        STOA_CO_TRY(const auto answer, co_await core_->call("GET", url, {}, {}));
        if (answer.status != 200) co_return core_->refused(answer, whole);
        for (const auto each : aws::xml_elements(answer.body, "Contents")) {
            const auto size = aws::xml_text(each, "Size");
            blob_info one{aws::xml_text(each, "Key"), 0, bare_etag(aws::xml_text(each, "ETag"))};
            const auto* end = size.data() + size.size();
            if (std::from_chars(size.data(), end, one.size_bytes).ptr != end || one.key.empty())
                co_return fail(errc::unavailable, "s3_answer_ill_formed",
                               "a list of S3 has an entry without key or size");
            // Places that consoles make for folders are no objects of the shop.
            if (!one.key.ends_with('/')) out.push_back(std::move(one));
        }
        auto next = aws::xml_text(answer.body, "NextContinuationToken");
        if (next == token && !next.empty())
            co_return fail(errc::unavailable, "s3_answer_ill_formed",
                           "a list of S3 goes in circles");
        token = std::move(next);
    } while (!token.empty());
    std::ranges::sort(out, {}, &blob_info::key);
    co_return out;
}

task<result<void>> s3_blob::erase(std::string bucket, std::string key) {
    STOA_CO_TRY(const auto what, s3_place_of(std::move(bucket), std::move(key)));
    STOA_CO_TRY(const auto answer, co_await core_->call("DELETE", core_->url_of(what), {}, {}));
    if (answer.status < 300) co_return result<void>();
    auto why = core_->refused(answer, what);
    if (why.error().kind == errc::not_found) co_return result<void>();
    co_return why;
}

task<result<std::string>> s3_blob::presigned_get(std::string bucket, std::string key,
                                                 seconds lasts) {
    STOA_CO_TRY(const auto what, s3_place_of(std::move(bucket), std::move(key)));
    STOA_CO_TRY(const auto by, co_await core_->client.current_credentials());
    co_return core_->client.presigned_with(by, "GET", core_->url_of(what), lasts);
}

task<result<void>> s3_blob::check_buckets(std::vector<std::string> buckets) {
    STOA_CO_TRY_VOID(check_options(core_->client.options()));
    std::string missing;
    for (const auto& each : buckets) {
        const s3_place whole{each, {}};
        STOA_CO_TRY(const auto answer, co_await core_->call("HEAD", core_->url_of(whole), {}, {}));
        if (answer.status < 300) continue;
        if (answer.status != 404 && answer.status != 301) co_return core_->refused(answer, whole);
        missing += (missing.empty() ? "" : ", ") + name_of(each);
        if (answer.status == 301) missing += " (it is in another region)";
    }
    if (missing.empty()) co_return result<void>();
    co_return fail(errc::conflict, "buckets_not_ready",
                   "S3 at " + endpoint_of(core_->client.options()) + " (AWS_REGION " +
                       core_->options.region + ") lacks " + missing +
                       ": make them (deploy/terraform does), or name others");
}

task<result<void>> s3_blob::ensure_buckets(std::vector<std::string> buckets) {
    STOA_CO_TRY_VOID(check_options(core_->client.options()));
    const auto& region = core_->options.region;
    for (const auto& each : buckets) {
        STOA_CO_TRY_VOID(check_s3_bucket(each));
        const s3_place whole{each, {}};
        std::string body;
        // The one region that S3 does not want to hear.
        if (region != "us-east-1")
            body = "<CreateBucketConfiguration><LocationConstraint>" + aws::xml_escaped(region) +
                   "</LocationConstraint></CreateBucketConfiguration>";
        STOA_CO_TRY(const auto answer,
                    co_await core_->call("PUT", core_->url_of(whole), {}, std::move(body)));
        const auto code = aws::read_error(answer).code;
        if (answer.status >= 300 && code != "BucketAlreadyOwnedByYou" &&
            code != "BucketAlreadyExists")
            co_return core_->refused(answer, whole);
    }
    co_return result<void>();
}

task<> s3_blob::close() {
    while (core_->aborting > 0) co_await core_->client.time().sleep(milliseconds(20));
}

}  // namespace stoa
