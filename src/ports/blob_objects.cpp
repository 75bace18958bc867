#include "ports/blob_objects.hpp"

#include <algorithm>

namespace stoa {

task<result<object_range>> blob_objects::read(object_name what, std::int64_t at_byte,
                                              std::size_t most_bytes) {
    STOA_CO_TRY(const auto there, co_await blobs_.list(what.bucket, what.key));
    const auto info = std::ranges::find(there, what.key, &blob_info::key);
    if (info == there.end())
        co_return fail(errc::not_found, "blob_not_found", "there is no object " + what.key);
    if (!what.etag.empty() && what.etag != info->etag)
        co_return fail(errc::conflict, "object_changed", what.key + " was replaced meanwhile");
    STOA_CO_TRY(const auto from, co_await blobs_.open(what.bucket, what.key));
    object_range out{
        .bytes = {}, .size_bytes = from->size_bytes(), .etag = info->etag, .version = {}};
    std::int64_t skip = at_byte;
    while (out.bytes.size() < most_bytes) {
        STOA_CO_TRY(auto chunk, co_await from->read(256 * 1'024));
        if (chunk.empty()) break;
        const auto gone = std::min<std::int64_t>(skip, std::ssize(chunk));
        skip -= gone;
        out.bytes.append(chunk, static_cast<std::size_t>(gone), most_bytes - out.bytes.size());
    }
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
