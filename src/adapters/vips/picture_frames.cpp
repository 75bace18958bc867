#include "adapters/vips/picture_frames.hpp"

#include "base/json.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace stoa::vips {
namespace {

bool write_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        // A side that is gone is an error here and no signal.
        auto n = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK) n = ::write(to, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool read_all(int from, char* into, std::size_t bytes) {
    while (bytes > 0) {
        const auto n = ::read(from, into, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        into += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

struct known_error {
    std::string_view code;
    errc kind;
};
constexpr known_error known[] = {
    {"picture_too_large", errc::too_large}, {"not_a_picture", errc::invalid},
    {"picture_broken", errc::invalid},      {"picture_needs_too_much", errc::invalid},
    {"libvips_missing", errc::unavailable}, {"picture_worker_failed", errc::unavailable},
};

error nonsense() {
    return {.kind = errc::invalid,
            .code = "picture_broken",
            .detail = "the picture broke its decoder, which was stopped"};
}

}  // namespace

bool write_frame(int to, std::string_view bytes) {
    std::array<char, 8> head{};
    for (std::size_t i = 0; i < head.size(); ++i)
        head[i] = static_cast<char>(bytes.size() >> (8 * i) & 0xff);
    return write_all(to, {head.data(), head.size()}) && write_all(to, bytes);
}

bool read_frame(int from, std::string& into, std::int64_t most) {
    std::array<char, 8> head{};
    if (!read_all(from, head.data(), head.size())) return false;
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < head.size(); ++i)
        length |= static_cast<std::uint64_t>(static_cast<unsigned char>(head[i])) << (8 * i);
    if (length > static_cast<std::uint64_t>(most)) return false;
    into.resize(length);
    return read_all(from, into.data(), length);
}

std::string pack(const rendered_picture& of) {
    told_picture told{.content_type = of.content_type, .width = of.width, .height = of.height};
    for (const auto& each : of.renditions)
        told.renditions.push_back({each.format, each.within_px, each.width, each.height,
                                   static_cast<std::int64_t>(each.bytes.size())});
    auto out = to_json(told);
    out += '\0';
    for (const auto& each : of.renditions) out += each.bytes;
    return out;
}

std::string pack(const error& why) {
    told_picture told;
    told.code = why.code;
    told.detail = why.detail;
    return to_json(told) + '\0';
}

result<rendered_picture> unpack(std::string_view answer) {
    const auto cut = answer.find('\0');
    if (cut == std::string_view::npos) return fail(nonsense());
    auto told = from_json<told_picture>(answer.substr(0, cut));
    if (!told) return fail(nonsense());
    if (told->code) {
        for (const auto& each : known)
            if (each.code == *told->code)
                return fail(each.kind, each.code, told->detail.value_or("").substr(0, 300));
        return fail(nonsense());
    }
    answer.remove_prefix(cut + 1);
    rendered_picture out{.content_type = std::move(told->content_type),
                         .width = told->width,
                         .height = told->height};
    if (out.content_type != "image/jpeg" && out.content_type != "image/png" &&
        out.content_type != "image/webp" && out.content_type != "image/gif")
        return fail(nonsense());
    const auto sensible = [](std::int64_t px) { return px > 0 && px <= picture_limits{}.side_px; };
    if (!sensible(out.width) || !sensible(out.height)) return fail(nonsense());
    for (const auto& each : told->renditions) {
        if (each.size_bytes <= 0 || static_cast<std::uint64_t>(each.size_bytes) > answer.size() ||
            !sensible(each.width) || !sensible(each.height) || each.width > each.within_px ||
            each.height > each.within_px)
            return fail(nonsense());
        const auto bytes = answer.substr(0, static_cast<std::size_t>(each.size_bytes));
        answer.remove_prefix(bytes.size());
        out.renditions.push_back(
            {each.format, each.within_px, each.width, each.height, std::string(bytes)});
    }
    if (!answer.empty()) return fail(nonsense());
    return out;
}

}  // namespace stoa::vips
