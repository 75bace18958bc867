#include "adapters/vips/picture_work.hpp"

#include "base/media_type.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <utility>

namespace stoa::vips {
namespace {

constexpr int jpeg_quality = 82, webp_quality = 78;
constexpr int webp_effort = 2;  // 4, its own choice, takes twice the time for 3 % of the bytes
constexpr const char* end = nullptr;

class held {
 public:
    explicit held(const library& of) : library_(of) {}
    ~held() {
        if (image_) library_.object_unref(image_);
    }
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    image** into() { return &image_; }
    image* get() const { return image_; }

 private:
    const library& library_;
    image* image_ = nullptr;
};

error broken(const library& with) {
    std::string said = with.error_buffer();
    if (said.empty()) said = remarks();
    std::ranges::replace(said, '\n', ' ');
    while (said.ends_with(' ')) said.pop_back();
    const bool memory = said.find("memory") != std::string::npos;
    return {.kind = errc::invalid,
            .code = memory ? "picture_needs_too_much" : "picture_broken",
            .detail = memory ? "decoding the picture takes more than the memory it may have"
                             : "the picture cannot be read: " + said.substr(0, 200)};
}

error too_large(std::string_view what, std::int64_t is, std::int64_t most) {
    return {.kind = errc::too_large,
            .code = "picture_too_large",
            .detail = "the picture has " + std::to_string(is) + ' ' + std::string(what) +
                      "; at most " + std::to_string(most) + " are taken"};
}

// vips takes what it reads as not constant, and does not change it.
void* bytes_of(std::string_view from) { return const_cast<char*>(from.data()); }

// The head alone is read: no pixel is decoded.
result<void> read_head(const library& with, media kind, std::string_view from, held& head) {
    const auto load = kind == media::jpeg   ? with.jpegload_buffer
                      : kind == media::png  ? with.pngload_buffer
                      : kind == media::webp ? with.webpload_buffer
                                            : with.gifload_buffer;
    if (load(bytes_of(from), from.size(), head.into(), "access", access_sequential, end) != 0)
        return fail(broken(with));
    return {};
}

result<void> check(const picture_limits& limits, std::int64_t width, std::int64_t height,
                   std::int64_t frames) {
    if (const auto side = std::max(width, height); side > limits.side_px)
        return fail(too_large("pixels on a side", side, limits.side_px));
    if (frames > limits.frames) return fail(too_large("frames", frames, limits.frames));
    if (const auto pixels = width * height * frames; pixels > limits.pixels)
        return fail(too_large("pixels", pixels, limits.pixels));
    return {};
}

// That a JPEG or a PNG was cut off is only remarked, and not before its reader is done: what is
// missing would be grey or black.
bool is_cut_off(std::string_view remarks) {
    return remarks.contains("remature end") || remarks.contains("ot enough");
}

// Decoded once, for all sizes, and made anew of its pixels: nothing else of the file is left.
result<void> decode(const library& with, std::string_view from, int within_px, bool profiled,
                    held& into) {
    remarks().clear();
    std::size_t bytes = 0;
    const void* pixels = nullptr;  // outlives this: the process ends with its picture
    int width = 0, height = 0, bands = 0, interpretation = 0;
    {
        held lazy(with);
        const auto thumbnail = [&](auto... options) {
            return with.thumbnail_buffer(bytes_of(from), from.size(), lazy.into(), within_px,
                                         "height", within_px, "size", size_down, "fail_on",
                                         fail_on_error, options..., end);
        };
        // A profile is applied only where there is one: the library's own guess tints white.
        if ((profiled ? thumbnail("export_profile", "srgb") : thumbnail()) != 0)
            return fail(broken(with));
        if (with.image_get_format(lazy.get()) != format_uchar) return fail(broken(with));
        width = with.image_get_width(lazy.get());
        height = with.image_get_height(lazy.get());
        bands = with.image_get_bands(lazy.get());
        interpretation = with.image_get_interpretation(lazy.get());
        pixels = with.image_write_to_memory(lazy.get(), &bytes);
    }
    if (!pixels || is_cut_off(remarks())) return fail(broken(with));
    held raw(with);
    *raw.into() = with.image_new_from_memory(pixels, bytes, width, height, bands, format_uchar);
    if (!raw.get() || with.copy(raw.get(), into.into(), "interpretation", interpretation, end) != 0)
        return fail(broken(with));
    return {};
}

std::uint32_t little_endian(std::string_view four) {
    std::uint32_t out = 0;
    for (std::size_t i = 4; i-- > 0;) out = out << 8 | static_cast<unsigned char>(four[i]);
    return out;
}

// libvips 8.14 writes an EXIF block into every WebP, asked to strip or not. The picture's own
// chunks are kept, and the extended header where it is needed: for transparency.
std::string bare_webp(std::string_view from) {
    std::string chunks;
    for (auto left = from.substr(std::min<std::size_t>(from.size(), 12)); left.size() >= 8;) {
        const auto length = std::size_t{little_endian(left.substr(4, 4))};
        const auto whole = std::min(left.size(), 8 + length + length % 2);
        const auto chunk = left.substr(0, whole);
        left.remove_prefix(whole);
        if (chunk.starts_with("VP8X") && chunk.size() > 8) {
            constexpr char alpha = 0x10;
            if (!(chunk[8] & alpha)) continue;
            chunks += chunk;
            chunks[8] = alpha;
        } else if (chunk.starts_with("VP8") || chunk.starts_with("ALPH")) {
            chunks += chunk;
        }
    }
    std::string out = "RIFF";
    for (int i = 0; i < 4; ++i) out += static_cast<char>((chunks.size() + 4) >> (8 * i) & 0xff);
    return out + "WEBP" + chunks;
}

result<rendition> encode(const library& with, image* from, picture_format format) {
    rendition out{.format = format,
                  .width = with.image_get_width(from),
                  .height = with.image_get_height(from)};
    void* bytes = nullptr;
    std::size_t size = 0;
    held opaque(with);
    if (format == picture_format::jpeg && with.image_hasalpha(from)) {
        // Transparent becomes white: JPEG knows no other.
        auto* const white = with.array_double_newv(1, 255.0);
        const int failed = with.flatten(from, opaque.into(), "background", white, end);
        with.area_unref(white);
        if (failed) return fail(broken(with));
        from = opaque.get();
    }
    const int failed = format == picture_format::jpeg
                           ? with.jpegsave_buffer(from, &bytes, &size, "Q", jpeg_quality, "strip",
                                                  1, "optimize_coding", 1, end)
                           : with.webpsave_buffer(from, &bytes, &size, "Q", webp_quality, "strip",
                                                  1, "effort", webp_effort, end);
    if (failed) return fail(broken(with));
    const std::string_view made(static_cast<const char*>(bytes), size);
    out.bytes = format == picture_format::webp ? bare_webp(made) : std::string(made);
    with.free(bytes);
    return out;
}

result<void> fit(const library& with, image* from, int within_px, held& into) {
    held sized(with);
    if (with.thumbnail_image(from, sized.into(), within_px, "height", within_px, "size", size_down,
                             end) != 0 ||
        !(*into.into() = with.image_copy_memory(sized.get())))
        return fail(broken(with));
    return {};
}

// Largest first, each of the one before: in one large step the library computes the rows that lie
// between again for every row that it makes, so 150 px of 800 take ten times as long as of 400.
result<std::vector<rendition>> renditions_of(const library& with, image* decoded,
                                             std::span<const std::int64_t> within_px) {
    std::vector<std::int64_t> falling(within_px.begin(), within_px.end());
    std::ranges::sort(falling, std::greater{});
    std::vector<rendition> out;
    std::list<held> sized;
    for (const auto within : falling) {
        auto* const from = sized.empty() ? decoded : sized.back().get();
        STOA_TRY_VOID(fit(with, from, static_cast<int>(within), sized.emplace_back(with)));
        for (const auto format : {picture_format::jpeg, picture_format::webp}) {
            STOA_TRY(auto made, encode(with, sized.back().get(), format));
            made.within_px = within;
            out.push_back(std::move(made));
        }
    }
    std::ranges::sort(out, {}, [&](const rendition& each) {
        return std::pair(std::ranges::find(within_px, each.within_px) - within_px.begin(),
                         each.format);
    });
    return out;
}

}  // namespace

result<rendered_picture> render_here(const library& with, std::string_view original,
                                     std::span<const std::int64_t> within_px) {
    const picture_limits limits;
    const auto size = static_cast<std::int64_t>(original.size());
    if (size > limits.bytes) return fail(too_large("bytes", size, limits.bytes));
    const auto kind = media_of(original);
    if (!is_picture(kind))
        return fail(errc::invalid, "not_a_picture",
                    "by its content the file is no JPEG, PNG, WebP or GIF");
    rendered_picture out{.content_type = std::string(content_type(kind))};
    bool profiled = false;
    {
        held head(with);
        STOA_TRY_VOID(read_head(with, kind, original, head));
        out.width = with.image_get_width(head.get());
        out.height = with.image_get_height(head.get());
        STOA_TRY_VOID(check(limits, out.width, out.height, with.image_get_n_pages(head.get())));
        profiled = with.image_get_typeof(head.get(), "icc-profile-data") != 0;
        if (with.image_get_orientation(head.get()) > 4) std::swap(out.width, out.height);
    }
    held decoded(with);
    STOA_TRY_VOID(
        decode(with, original, static_cast<int>(std::ranges::max(within_px)), profiled, decoded));
    STOA_TRY(out.renditions, renditions_of(with, decoded.get(), within_px));
    return out;
}

}  // namespace stoa::vips
