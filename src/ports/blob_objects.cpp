#include "ports/blob_objects.hpp"

#include <algorithm>
#include <utility>

namespace stoa {
namespace {

constexpr std::int64_t largest_chunk_bytes = 256 * 1'024;

}  // namespace

task<result<blob_objects::reading>> blob_objects::begin(object_name what) {
    STOA_CO_TRY(const auto there, co_await blobs_.list(what.bucket, what.key));
    const auto info = std::ranges::find(there, what.key, &blob_info::key);
    if (info == there.end())
        co_return fail(errc::not_found, "blob_not_found", "there is no object " + what.key);
    reading out{.what = std::move(what), .etag = info->etag};
    STOA_CO_TRY(out.from, co_await blobs_.open(out.what.bucket, out.what.key));
    co_return out;
}

task<result<object_range>> blob_objects::read(object_name what, std::int64_t at_byte,
                                              std::size_t most_bytes) {
    // Away from here while it is used: another read may come meanwhile.
    auto now = std::exchange(last_, {});
    const bool goes_on = now && now->what.bucket == what.bucket && now->what.key == what.key &&
                         now->at_byte == at_byte && at_byte > 0 &&
                         (what.etag.empty() || what.etag == now->etag);
    if (!goes_on) {
        STOA_CO_TRY(now, co_await begin(what));
    }
    if (!what.etag.empty() && what.etag != now->etag)
        co_return fail(errc::conflict, "object_changed", what.key + " was replaced meanwhile");
    object_range out{
        .bytes = {}, .size_bytes = now->from->size_bytes(), .etag = now->etag, .version = {}};
    bool over = false;
    while (out.bytes.size() < most_bytes) {
        const auto skip = at_byte - now->at_byte;
        const auto wanted =
            skip > 0 ? skip : static_cast<std::int64_t>(most_bytes - out.bytes.size());
        STOA_CO_TRY(auto chunk, co_await now->from->read(static_cast<std::size_t>(
                                    std::min(wanted, largest_chunk_bytes))));
        over = chunk.empty();
        if (over) break;
        now->at_byte += std::ssize(chunk);
        if (skip <= 0) {
            out.bytes += chunk;
            at_byte = now->at_byte;
        }
    }
    if (!over) last_ = std::move(now);
    co_return out;
}

task<result<void>> blob_objects::write(object_name what, std::string content, std::string) {
    STOA_CO_TRY_VOID(co_await blobs_.put(what.bucket, what.key, std::move(content)));
    co_return result<void>{};
}

task<result<void>> blob_objects::erase(object_name what) {
    co_return co_await blobs_.erase(what.bucket, what.key);
}

}  // namespace stoa
