// Pictures in the sizes that a storefront shows. What comes from outside is hostile: an engine
// decodes it where it can harm nothing.
#pragma once

#include "base/described.hpp"
#include "runtime/task.hpp"

#include <string>
#include <vector>

namespace stoa {

// What is refused before a pixel is decoded.
struct picture_limits {
    std::int64_t bytes = 20 << 20;
    std::int64_t pixels = 50'000'000;  // of all frames together
    std::int64_t side_px = 16'383;
    std::int64_t frames = 200;
};

enum class picture_format : std::uint8_t { jpeg, webp };
BOOST_DESCRIBE_ENUM(picture_format, jpeg, webp)

// One size in one format. `within_px` is the square that it was fitted into: nothing is enlarged.
struct rendition {
    picture_format format{};
    std::int64_t within_px = 0, width = 0, height = 0;
    std::string bytes;
};

struct rendered_picture {
    std::string content_type;            // of the original
    std::int64_t width = 0, height = 0;  // of the original, as it is to be looked at
    std::vector<rendition> renditions;
};

// Thread rule: any loop. Honours no cancellation.
class picture_renderer {
 public:
    virtual ~picture_renderer() = default;
    // Each size in each format: upright, in sRGB, without any metadata, of the first frame.
    // Errors: `too_large` (picture_too_large: bytes, pixels, sides or frames), `invalid` with code
    // not_a_picture, picture_broken, picture_needs_too_much (memory or time), `unavailable` where
    // the engine is away or has too much to do.
    virtual task<result<rendered_picture>> render(std::string original,
                                                  std::vector<int> within_px) = 0;
};

}  // namespace stoa
