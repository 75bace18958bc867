#include "adapters/s3/s3_streams.hpp"

#include "adapters/aws/digests.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <charconv>

namespace stoa {
namespace {

// The whole object's size, of `bytes 0-99/1234`; -1 where it is not said.
std::int64_t total_of(std::string_view content_range) {
    const auto slash = content_range.find('/');
    std::int64_t out = -1;
    if (slash == std::string_view::npos) return out;
    const auto* end = content_range.data() + content_range.size();
    if (std::from_chars(content_range.data() + slash + 1, end, out).ptr != end) return -1;
    return out;
}

// Whether the bytes are those that S3 keeps a checksum of: it says one for whole objects only.
bool is_intact(const http_response& whole) {
    const auto said = whole.find("x-amz-checksum-sha256");
    if (said.empty() || said.find('-') != std::string_view::npos) return true;
    return said == aws::base64(aws::sha256(whole.body));
}

// What a dropped upload has sent so far.
task<> remove_parts(std::shared_ptr<s3_blob::core> by, s3_place to, std::string upload) {
    const auto done = co_await by->abort_parts(to, std::move(upload));
    if (!done)
        log_warning("parts of a dropped upload stay in S3",
                    {{"key", to.key}, {"cause", done.error().detail}});
}

}  // namespace

s3_writer::~s3_writer() {
    if (upload_.empty()) return;
    ++by_->aborting;
    asio::co_spawn(on_, remove_parts(by_, to_, upload_),
                   [by = by_](const std::exception_ptr& thrown) {
                       --by->aborting;
                       if (thrown) log_warning("the removal of a dropped upload was cut off");
                   });
}

task<result<void>> s3_writer::send_part() {
    if (upload_.empty()) {
        STOA_CO_TRY(upload_, co_await by_->begin_parts(to_));
    }
    const auto size = std::min(by_->options.part_bytes, waiting_.size());
    STOA_CO_TRY(auto part, co_await by_->put_part(to_, upload_, static_cast<int>(parts_.size()) + 1,
                                                  waiting_.substr(0, size)));
    parts_.push_back(std::move(part));
    waiting_.erase(0, size);
    co_return result<void>();
}

task<result<void>> s3_writer::append(std::string chunk) {
    size_bytes_ += static_cast<std::int64_t>(chunk.size());
    waiting_ += chunk;
    while (waiting_.size() > by_->options.part_bytes) STOA_CO_TRY_VOID(co_await send_part());
    co_return result<void>();
}

task<result<blob_info>> s3_writer::finish() {
    if (upload_.empty()) co_return co_await by_->put(to_, std::exchange(waiting_, {}), false);
    if (!waiting_.empty()) STOA_CO_TRY_VOID(co_await send_part());
    auto done = co_await by_->finish_parts(to_, upload_, parts_, size_bytes_);
    if (done) upload_.clear();
    co_return done;
}

task<result<std::unique_ptr<s3_reader>>> s3_reader::open(std::shared_ptr<s3_blob::core> by,
                                                         s3_place from) {
    std::unique_ptr<s3_reader> out(new s3_reader(std::move(by), std::move(from)));
    STOA_CO_TRY_VOID(co_await out->fetch());
    co_return out;
}

task<result<void>> s3_reader::fetch() {
    const bool first = size_bytes_ < 0;
    const auto part = static_cast<std::int64_t>(by_->options.part_bytes);
    std::vector<http_header> headers{{"Range", "bytes=" + std::to_string(fetched_bytes_) + '-' +
                                                   std::to_string(fetched_bytes_ + part - 1)}};
    if (first) headers.push_back({"x-amz-checksum-mode", "ENABLED"});
    else if (version_.empty()) headers.push_back({"If-Match", '"' + etag_ + '"'});
    auto url = by_->url_of(from_);
    if (!version_.empty()) url += "?versionId=" + aws::percent_encoded(version_);
    STOA_CO_TRY(auto answer, co_await by_->call("GET", url, std::move(headers), {}));
    if (answer.status == 412 || (!first && answer.status == 404))
        co_return fail(errc::conflict, "blob_changed",
                       from_.key + " was replaced while it was read: read it again");
    // An empty object has no first byte.
    if (first && answer.status == 416) {
        size_bytes_ = 0;
        co_return result<void>();
    }
    if (answer.status != 200 && answer.status != 206) co_return by_->refused(answer, from_);
    const auto total =
        answer.status == 200 ? std::ssize(answer.body) : total_of(answer.find("content-range"));
    const bool whole = first && total == std::ssize(answer.body);
    const bool fits = total >= fetched_bytes_ + std::ssize(answer.body) &&
                      (first || (answer.status == 206 && total == size_bytes_)) &&
                      (total == 0 || !answer.body.empty());
    if (!fits || (whole && !is_intact(answer)))
        co_return fail(errc::unavailable, "s3_answer_ill_formed",
                       "what S3 sends of " + from_.key + " is not what it says it is");
    if (first) {
        size_bytes_ = total;
        etag_ = bare_etag(answer.find("etag"));
        version_ = answer.find("x-amz-version-id");
        if (version_ == "null") version_.clear();
    }
    fetched_bytes_ += std::ssize(answer.body);
    part_ = std::move(answer.body);
    given_ = 0;
    co_return result<void>();
}

task<result<std::string>> s3_reader::read(std::size_t max_bytes) {
    if (given_ == part_.size() && fetched_bytes_ < size_bytes_) STOA_CO_TRY_VOID(co_await fetch());
    auto out = part_.substr(given_, max_bytes);
    given_ += out.size();
    co_return out;
}

}  // namespace stoa
