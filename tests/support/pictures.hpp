// Pictures made by hand, good ones and hostile ones.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace stoa::testing {

// Numbers as PNG and JPEG have them.
std::string big_endian(std::uint32_t value, int bytes);
std::string png_chunk(const std::string& type, const std::string& data);

struct png_header {
    std::uint32_t width = 0, height = 0;
    int bits = 8, colour = 2;  // of a channel; 0 grey, 2 RGB, 3 palette, 6 RGBA
    bool interlaced = false;
};
// Chunks stand between the header and the pixels; `packed` is what stands in the IDAT.
std::string png_of(const png_header& head, const std::string& chunks, const std::string& packed);
// As zlib packs it; `zeros` are so many, without holding them.
std::string deflated(const std::string& plain);
std::string deflated_zeros(std::uint64_t zeros);

// RGB of each pixel as 0xRRGGBB.
std::string png_picture(std::uint32_t width, std::uint32_t height,
                        const std::function<std::uint32_t(std::uint32_t x, std::uint32_t y)>& rgb);
// A slope with grain: compresses about as a photograph does.
std::string grainy_png(std::uint32_t width, std::uint32_t height);

// The JPEG with an EXIF block that turns it (1 to 8) and says where it was taken.
std::string with_exif(const std::string& jpeg, int orientation);

struct bomb {
    std::string name, bytes;
};
// Thirty pictures that harm who decodes them carelessly.
std::vector<bomb> picture_bombs();

}  // namespace stoa::testing
