#include "adapters/vips/vips_library.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>
#include <string>

namespace stoa::vips {
namespace {

error missing(const std::string& why) {
    return {.kind = errc::unavailable,
            .code = "libvips_missing",
            .detail = "pictures need libvips (Debian: apt-get install libvips42): " + why};
}

template <class Function>
bool bind(void* from, const char* name, Function& to) {
    to = reinterpret_cast<Function>(dlsym(from, name));
    return to != nullptr;
}

// GLib's levels of what went wrong: errors, criticals, warnings.
constexpr int wrong = 1 << 2 | 1 << 3 | 1 << 4;
void remember(const char*, int level, const char* said, void*) {
    if (level & wrong && remarks().size() < 1'000) remarks().append(said).push_back('\n');
}

}  // namespace

std::string& remarks() {
    static std::string said;
    return said;
}

result<library> load_library() {
    // Read when the library starts. VIPSHOME: where its plug-ins would be.
    setenv("VIPSHOME", "/nonexistent", 1);
    setenv("VIPS_CONCURRENCY", "1", 1);
    setenv("G_SLICE", "always-malloc", 1);
    mallopt(M_ARENA_MAX, 1);
    auto* const at = dlopen("libvips.so.42", RTLD_LAZY | RTLD_LOCAL);
    if (!at) return fail(missing(dlerror()));
    library out{};
    const bool all = bind(at, "vips_init", out.init) &&
                     bind(at, "vips_cache_set_max", out.cache_set_max) &&
                     bind(at, "vips_block_untrusted_set", out.block_untrusted_set) &&
                     bind(at, "vips_error_buffer", out.error_buffer) &&
                     bind(at, "vips_image_get_width", out.image_get_width) &&
                     bind(at, "vips_image_get_height", out.image_get_height) &&
                     bind(at, "vips_image_get_n_pages", out.image_get_n_pages) &&
                     bind(at, "vips_image_get_orientation", out.image_get_orientation) &&
                     bind(at, "vips_image_hasalpha", out.image_hasalpha) &&
                     bind(at, "vips_image_get_typeof", out.image_get_typeof) &&
                     bind(at, "vips_image_get_bands", out.image_get_bands) &&
                     bind(at, "vips_image_get_format", out.image_get_format) &&
                     bind(at, "vips_image_get_interpretation", out.image_get_interpretation) &&
                     bind(at, "vips_image_write_to_memory", out.image_write_to_memory) &&
                     bind(at, "vips_image_new_from_memory", out.image_new_from_memory) &&
                     bind(at, "vips_copy", out.copy) &&
                     bind(at, "vips_image_copy_memory", out.image_copy_memory) &&
                     bind(at, "vips_jpegload_buffer", out.jpegload_buffer) &&
                     bind(at, "vips_pngload_buffer", out.pngload_buffer) &&
                     bind(at, "vips_webpload_buffer", out.webpload_buffer) &&
                     bind(at, "vips_gifload_buffer", out.gifload_buffer) &&
                     bind(at, "vips_thumbnail_buffer", out.thumbnail_buffer) &&
                     bind(at, "vips_thumbnail_image", out.thumbnail_image) &&
                     bind(at, "vips_flatten", out.flatten) &&
                     bind(at, "vips_jpegsave_buffer", out.jpegsave_buffer) &&
                     bind(at, "vips_webpsave_buffer", out.webpsave_buffer) &&
                     bind(at, "vips_array_double_newv", out.array_double_newv) &&
                     bind(at, "vips_area_unref", out.area_unref) &&
                     bind(at, "g_log_set_default_handler", out.log_set_default_handler) &&
                     bind(at, "g_object_unref", out.object_unref) && bind(at, "g_free", out.free);
    if (!all) return fail(missing("this libvips.so.42 is too old: 8.13 or newer is needed"));
    out.log_set_default_handler(remember, nullptr);
    if (out.init("stoa") != 0) return fail(missing(out.error_buffer()));
    out.cache_set_max(0);
    out.block_untrusted_set(1);
    return out;
}

}  // namespace stoa::vips
