#include "apps/stoa/backup.hpp"

#include "ports/item_codec.hpp"

#include <cerrno>
#include <cstring>

namespace stoa {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;
// Uploads that have not ended (adapters/filesystem).
constexpr std::string_view unfinished = "~upload-";

std::unexpected<error> unreadable(const std::string& what) {
    return fail(errc::internal, "backup_unreadable",
                what + " cannot be read: " + std::strerror(errno));
}

}  // namespace

backup_stream::backup_stream(shop_moment at, std::string data_directory,
                             const backups::header& head, std::shared_ptr<void> kept)
    : kept_(std::move(kept)), at_(std::move(at)), directory_(std::move(data_directory)) {
    stores_.push_back({"shop", std::make_unique<sqlite_records>(*at_.shop)});
    stores_.push_back({"provider", std::make_unique<sqlite_records>(*at_.provider)});
    out_.begin(head);
}

result<std::string> backup_stream::next() {
    try {
        while (!ended_ && out_.ready_bytes() < chunk_bytes) {
            bool more = false;
            for (auto& each : stores_)
                if (!more) more = step_store(each);
            if (more) continue;
            STOA_TRY(more, step_blobs());
            if (more) continue;
            STOA_TRY_VOID(add_keys());
            out_.end();
            ended_ = true;
        }
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out_.take();
}

bool backup_stream::step_store(store_part& of) {
    const auto& sections = of.from->sections();
    if (of.section == sections.size()) return false;
    const auto& now = sections[of.section];
    if (!of.open) {
        out_.begin_section({std::string(of.store), now.kind, now.name});
        of.from->begin(now);
        of.open = true;
    }
    for (int i = 0; i < 1'000 && out_.ready_bytes() < chunk_bytes; ++i) {
        record_.clear();
        if (!of.from->next(record_)) {
            out_.end_section();
            of.open = false;
            ++of.section;
            return true;
        }
        out_.add(record_);
    }
    return true;
}

// A blob is a run of records: bucket, key, where, bytes; the last has `last`.
result<bool> backup_stream::step_blobs() {
    std::error_code why;
    const auto root = directory_ + '/' + std::string(blobs_directory);
    if (!blobs_begun_) {
        blobs_begun_ = true;
        out_.begin_section({"blobs", "blobs", ""});
        blobs_ = std::filesystem::recursive_directory_iterator(root, why);
        if (why && why != std::errc::no_such_file_or_directory)
            return fail(errc::internal, "backup_unreadable", root + ": " + why.message());
    }
    if (!blob_.is_open()) {
        if (blobs_ == std::filesystem::recursive_directory_iterator()) {
            if (bucket_ != "\n") out_.end_section();
            bucket_ = "\n";  // the end was written
            return false;
        }
        STOA_TRY_VOID(open_blob(*blobs_));
        blobs_.increment(why);
        if (why) return fail(errc::internal, "backup_unreadable", root + ": " + why.message());
        return true;
    }
    std::string bytes(chunk_bytes, '\0');
    blob_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (blob_.bad()) return unreadable(bucket_ + '/' + key_);
    bytes.resize(static_cast<std::size_t>(blob_.gcount()));
    const bool last = blob_.eof();
    item one;
    one.set("bucket", bucket_);
    one.set("key", key_);
    one.set("at", blob_at_bytes_);
    one.set("last", last);
    blob_at_bytes_ += std::ssize(bytes);
    one.set("bytes", std::move(bytes));
    record_.clear();
    encode_item(record_, one);
    out_.add(record_);
    if (last) blob_.close();
    return true;
}

result<void> backup_stream::open_blob(const std::filesystem::directory_entry& entry) {
    std::error_code gone;
    if (!entry.is_regular_file(gone)) return {};
    const auto root = directory_ + '/' + std::string(blobs_directory) + '/';
    const auto path = entry.path().string();
    const auto below = path.substr(root.size());
    const auto slash = below.find('/');
    if (slash == std::string::npos || below.find(unfinished) != std::string::npos) return {};
    errno = 0;
    blob_.open(path, std::ios::binary);
    if (!blob_.is_open()) {
        if (errno == ENOENT) return {};  // erased since the directory was read
        return unreadable(path);
    }
    bucket_ = below.substr(0, slash);
    key_ = below.substr(slash + 1);
    blob_at_bytes_ = 0;
    return {};
}

result<void> backup_stream::add_keys() {
    const auto path = directory_ + '/' + std::string(keys_file);
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad() || text.empty()) return unreadable(path);
    out_.begin_section({"files", "files", ""});
    item one;
    one.set("name", keys_file);
    one.set("bytes", std::move(text));
    record_.clear();
    encode_item(record_, one);
    out_.add(record_);
    out_.end_section();
    return {};
}

}  // namespace stoa
