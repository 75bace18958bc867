// libvips, found when it is first needed: who never sees a picture does not pay for its hundred
// libraries. Only what is called is declared; the names and signatures are those of libvips 8.13
// and later (libvips.so.42).
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>

namespace stoa::vips {

struct image;    // VipsImage
struct numbers;  // VipsArrayDouble

struct library {
    int (*init)(const char* program);
    void (*cache_set_max)(int);
    void (*block_untrusted_set)(int);
    const char* (*error_buffer)();
    int (*image_get_width)(const image*);
    int (*image_get_height)(const image*);
    int (*image_get_n_pages)(image*);
    int (*image_get_orientation)(image*);
    int (*image_hasalpha)(image*);
    unsigned long (*image_get_typeof)(const image*, const char* field);  // 0: it has none
    int (*image_get_bands)(const image*);
    int (*image_get_format)(const image*);
    int (*image_get_interpretation)(const image*);
    void* (*image_write_to_memory)(image*, std::size_t*);
    image* (*image_new_from_memory)(const void*, std::size_t, int width, int height, int bands,
                                    int format);
    image* (*image_copy_memory)(image*);
    // Options follow as name and value, then null.
    int (*jpegload_buffer)(void*, std::size_t, image**, ...);
    int (*pngload_buffer)(void*, std::size_t, image**, ...);
    int (*webpload_buffer)(void*, std::size_t, image**, ...);
    int (*gifload_buffer)(void*, std::size_t, image**, ...);
    int (*thumbnail_buffer)(void*, std::size_t, image**, int width, ...);
    int (*thumbnail_image)(image*, image**, int width, ...);
    int (*copy)(image*, image**, ...);
    int (*flatten)(image*, image**, ...);
    int (*jpegsave_buffer)(image*, void**, std::size_t*, ...);
    int (*webpsave_buffer)(image*, void**, std::size_t*, ...);
    numbers* (*array_double_newv)(int count, ...);
    void (*area_unref)(numbers*);
    void* (*log_set_default_handler)(void (*)(const char* domain, int level, const char* said,
                                              void* data),
                                     void* data);  // g_log_…
    void (*object_unref)(void*);                   // g_object_unref
    void (*free)(void*);                           // g_free
};

// What the library had to remark since it was last forgotten: it says nothing on standard error.
std::string& remarks();

// VIPS_FAIL_ON_ERROR, VIPS_SIZE_DOWN VIPS_ACCESS_SEQUENTIAL and VIPS_FORMAT_UCHAR of its headers.
inline constexpr int fail_on_error = 2, size_down = 2, access_sequential = 1, format_uchar = 0;

// Loads and starts it, with one thread an operation and none of its plug-ins (which read formats
// that nobody asked for). `unavailable` with the package to install. Call it once a process.
result<library> load_library();

}  // namespace stoa::vips
