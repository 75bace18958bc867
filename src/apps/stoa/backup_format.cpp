#include "apps/stoa/backup_format.hpp"

#include "base/json.hpp"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace stoa::backups {
namespace {

constexpr std::string_view magic = "STOABKUP";
constexpr std::size_t frame_head_bytes = 9, crc_bytes = 4;
constexpr std::size_t flush_at_bytes = 256 * 1024;
// No frame is larger, whatever a damaged one says: a record is at most a few megabytes.
constexpr std::uint32_t largest_frame_bytes = 64U << 20;

void put_u32(std::string& out, std::uint32_t n) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(n >> shift & 0xff);
}
std::uint32_t get_u32(const char* from) {
    std::uint32_t out = 0;
    for (int i = 3; i >= 0; --i) out = out << 8 | static_cast<unsigned char>(from[i]);
    return out;
}
std::uint32_t crc_of(std::string_view bytes, std::uint32_t before = 0) {
    return static_cast<std::uint32_t>(crc32(before, reinterpret_cast<const Bytef*>(bytes.data()),
                                            static_cast<uInt>(bytes.size())));
}

void put_varint(std::string& out, std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
    out += static_cast<char>(n);
}
std::optional<std::uint64_t> take_varint(std::string_view& from) {
    std::uint64_t out = 0;
    for (int shift = 0; shift < 64 && !from.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return out;
    }
    return {};
}

}  // namespace

void writer::frame(char type, std::string_view content) {
    auto stored_size = compressBound(static_cast<uLong>(content.size()));
    std::string stored(stored_size, '\0');
    // Level 1: a backup is as fast as the disk it reads, and still a third of the size. It fails
    // for want of memory alone.
    if (compress2(reinterpret_cast<Bytef*>(stored.data()), &stored_size,
                  reinterpret_cast<const Bytef*>(content.data()),
                  static_cast<uLong>(content.size()), 1) != Z_OK)
        throw std::bad_alloc();
    stored.resize(stored_size);
    std::string whole(1, type);
    put_u32(whole, static_cast<std::uint32_t>(content.size()));
    put_u32(whole, static_cast<std::uint32_t>(stored.size()));
    whole += stored;
    put_u32(whole, crc_of(whole));
    whole_.add(whole);
    out_ += whole;
}

void writer::begin(const header& of) {
    out_ += magic;
    whole_.add(magic);
    frame('H', to_json(of));
}

void writer::begin_section(const section& of) {
    frame('S', to_json(of));
    of_section_ = std::make_unique<sha256_digest>();
    in_section_ = 0;
    ++sections_;
}

void writer::add(std::string_view record) {
    put_varint(records_, record.size());
    records_ += record;
    ++in_section_;
    ++total_;
    if (records_.size() >= flush_at_bytes) flush();
}

void writer::flush() {
    if (records_.empty()) return;
    of_section_->add(records_);
    frame('D', records_);
    records_.clear();
}

void writer::end_section() {
    flush();
    frame('E', to_json(section_end{in_section_, of_section_->hex()}));
    of_section_.reset();
}

void writer::end() { frame('Z', to_json(backup_end{sections_, total_, whole_.hex()})); }

reader::~reader() {
    if (file_) std::fclose(file_);
}

std::unexpected<error> reader::damaged(const std::string& how) const {
    return fail(errc::invalid, "backup_damaged",
                path_ + " is damaged: " + how + " at byte " + std::to_string(read_bytes_) +
                    ". Nothing was restored from it; take another copy");
}

result<std::unique_ptr<reader>> reader::open(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) return fail(errc::not_found, "no_file", path + ": " + std::strerror(errno));
    std::unique_ptr<reader> out(new reader(file, path));
    std::error_code ignored;  // a size for progress alone
    out->file_bytes_ = static_cast<std::int64_t>(std::filesystem::file_size(path, ignored));
    std::array<char, magic.size()> begin{};
    const auto got = std::fread(begin.data(), 1, begin.size(), file);
    if (std::string_view(begin.data(), got) != magic)
        return fail(errc::invalid, "not_a_backup", path + " is no backup of Stoa");
    out->whole_.add(magic);
    out->read_bytes_ = static_cast<std::int64_t>(magic.size());
    STOA_TRY(const auto first, out->next_frame());
    if (first.type != 'H') return out->damaged("it has no header");
    auto head = from_json<header>(first.content);
    if (!head) return out->damaged("its header cannot be read");
    if (head->format != format_version)
        return fail(errc::conflict, "backup_newer",
                    path + " has format " + std::to_string(head->format) +
                        ", this version reads format " + std::to_string(format_version) +
                        ": restore it with stoa " + head->stoa);
    out->head_ = *std::move(head);
    return out;
}

result<reader::frame> reader::next_frame() {
    frame out;
    std::array<char, frame_head_bytes> head{};
    if (std::fread(head.data(), 1, head.size(), file_) != head.size())
        return damaged("it ends too early");
    const auto plain = get_u32(head.data() + 1), stored = get_u32(head.data() + 5);
    if (plain > largest_frame_bytes || stored > largest_frame_bytes)
        return damaged("a part has no sensible size");
    std::string body(stored + crc_bytes, '\0');
    if (std::fread(body.data(), 1, body.size(), file_) != body.size())
        return damaged("it ends too early");
    const std::string_view head_bytes(head.data(), head.size()), bytes(body.data(), stored);
    if (crc_of(bytes, crc_of(head_bytes)) != get_u32(body.data() + stored))
        return damaged("a part's checksum does not fit");
    out.type = head.front();
    // Asked for before this frame counts.
    if (out.type == 'Z') out.before = whole_.hex();
    else {
        whole_.add(head_bytes);
        whole_.add(body);
    }
    read_bytes_ += static_cast<std::int64_t>(head.size() + body.size());
    out.content.resize(plain);
    uLongf size = plain;
    if (uncompress(reinterpret_cast<Bytef*>(out.content.data()), &size,
                   reinterpret_cast<const Bytef*>(bytes.data()), stored) != Z_OK ||
        size != plain)
        return damaged("a part cannot be unpacked");
    return out;
}

result<std::optional<section>> reader::next_section() {
    // Whoever did not want a section's records passes over them.
    while (of_section_) {
        STOA_TRY(const auto record, next_record());
        if (!record) break;
    }
    STOA_TRY(const auto next, next_frame());
    if (next.type == 'Z') {
        STOA_TRY_VOID(check_end(next));
        return std::optional<section>{};
    }
    if (next.type != 'S') return damaged("a section was expected");
    auto out = from_json<section>(next.content);
    if (!out) return damaged("a section's name cannot be read");
    of_section_ = std::make_unique<sha256_digest>();
    in_section_ = 0;
    ++sections_;
    return std::optional(*std::move(out));
}

result<std::optional<std::string_view>> reader::next_record() {
    while (left_.empty()) {
        STOA_TRY(records_, next_frame());
        if (records_.type == 'E') {
            STOA_TRY_VOID(check_section_end(records_));
            return std::optional<std::string_view>{};
        }
        if (records_.type != 'D') return damaged("records were expected");
        of_section_->add(records_.content);
        left_ = records_.content;
    }
    const auto size = take_varint(left_);
    if (!size || *size > left_.size()) return damaged("a record is cut");
    const auto out = left_.substr(0, *size);
    left_.remove_prefix(*size);
    ++in_section_;
    ++total_;
    return std::optional(out);
}

result<void> reader::check_section_end(const frame& of) {
    const auto told = from_json<section_end>(of.content);
    if (!told || told->records != in_section_ || told->sha256 != of_section_->hex())
        return damaged("a section is not what was written");
    of_section_.reset();
    return {};
}

result<void> reader::check_end(const frame& of) {
    const auto told = from_json<backup_end>(of.content);
    if (!told || told->sections != sections_ || told->records != total_ ||
        told->sha256 != of.before)
        return damaged("it is not what was written");
    if (std::fgetc(file_) != EOF) return damaged("something follows its end");
    return {};
}

}  // namespace stoa::backups
