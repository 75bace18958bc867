#include "apps/stoa/uploads.hpp"

#include "base/media_type.hpp"

namespace stoa {

task<result<std::string>> read_beginning(http::exchange& with) {
    std::string out;
    while (out.size() < media_bytes) {
        STOA_CO_TRY(auto chunk, co_await with.read_chunk());
        if (chunk.empty()) break;
        out += chunk;
    }
    co_return out;
}

task<result<blob_info>> store_upload(blob_store& into, std::string bucket, std::string key,
                                     http::exchange& with, std::string beginning) {
    STOA_CO_TRY(auto file, co_await into.create(std::move(bucket), std::move(key)));
    for (auto chunk = std::move(beginning); !chunk.empty();) {
        STOA_CO_TRY_VOID(co_await file->append(std::move(chunk)));
        STOA_CO_TRY(chunk, co_await with.read_chunk());
    }
    co_return co_await file->finish();
}

}  // namespace stoa
