#include "support/pictures.hpp"

namespace stoa::testing {
namespace {

using namespace std::string_literals;

std::string little_endian(std::uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}
std::string times(const std::string& what, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += what;
    return out;
}

std::string segment(int marker, const std::string& data) {
    return "\xff"s + static_cast<char>(marker) +
           big_endian(static_cast<std::uint32_t>(data.size() + 2), 2) + data;
}
// A JPEG up to its scans: frame of kind `sof`, flat quantisation, one-symbol Huffman tables.
std::string jpeg_head(int sof, std::uint32_t width, std::uint32_t height, int bits = 8,
                      int components = 3) {
    auto frame = static_cast<char>(bits) + big_endian(height, 2) + big_endian(width, 2) +
                 static_cast<char>(components);
    for (int i = 1; i <= components; ++i) frame += static_cast<char>(i) + "\x11\0"s;
    const auto table = [](int id) {
        return static_cast<char>(id) + "\1"s + std::string(15, '\0') + "\0"s;
    };
    return "\xff\xd8"s + segment(0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0"s) +
           segment(0xdb, "\0"s + std::string(64, '\1')) + segment(sof, frame) +
           segment(0xc4, table(0x00)) + segment(0xc4, table(0x10));
}
std::string scan(int components, int from, int to) {
    auto data = std::string(1, static_cast<char>(components));
    for (int i = 1; i <= components; ++i) data += static_cast<char>(i) + "\0"s;
    data += static_cast<char>(from);
    data += static_cast<char>(to);
    return segment(0xda, data + "\0"s);
}

std::string riff(const std::string& chunks) {
    return "RIFF" + little_endian(static_cast<std::uint32_t>(chunks.size() + 4), 4) + "WEBP" +
           chunks;
}
std::string webp_chunk(const std::string& name, const std::string& data) {
    return name + little_endian(static_cast<std::uint32_t>(data.size()), 4) + data +
           (data.size() % 2 ? "\0"s : ""s);
}
// Lossless WebP of so many pixels, with nothing behind its head but zeros.
std::string lossless(std::uint32_t width, std::uint32_t height, std::size_t zeros) {
    return webp_chunk("VP8L", "\x2f" + little_endian((width - 1) | (height - 1) << 14, 4) +
                                  std::string(zeros, '\0'));
}

std::string gif_head(std::uint32_t width, std::uint32_t height) {
    return "GIF89a" + little_endian(width, 2) + little_endian(height, 2) + "\x80\0\0"s +
           "\0\0\0\xff\xff\xff"s;
}
std::string gif_frame(std::uint32_t width, std::uint32_t height, const std::string& packed) {
    std::string out =
        "\x2c\0\0\0\0"s + little_endian(width, 2) + little_endian(height, 2) + "\0\2"s;
    for (std::size_t at = 0; at < packed.size(); at += 255) {
        const auto part = packed.substr(at, 255);
        out += static_cast<char>(part.size()) + part;
    }
    return out + "\0"s;
}

void add_png(std::vector<bomb>& to) {
    const auto packed = [](std::uint64_t zeros) { return deflated_zeros(zeros); };
    to.push_back({"png of 900 megapixels of one bit",
                  png_of({30'000, 30'000, 1, 0}, "", packed(1'000'000))});
    to.push_back({"png of 268 megapixels", png_of({16'383, 16'383}, "", packed(1'000'000))});
    to.push_back({"png of 50 megapixels and 400 MB, interlaced",
                  png_of({7'000, 7'100, 16, 6, true}, "", packed(50'000'000))});
    to.push_back({"png of 50 megapixels and 400 MB",
                  png_of({7'000, 7'100, 16, 6}, "", packed(7'100ULL * 56'001))});
    to.push_back({"png of 49 megapixels, interlaced",
                  png_of({7'000, 7'000, 8, 6, true}, "", packed(50'000'000))});
    to.push_back(
        {"png with 100 MB of packed text",
         png_of({64, 64}, png_chunk("zTXt", "note\0\0"s + packed(100'000'000)), packed(64 * 193))});
    to.push_back(
        {"png with a colour profile of 100 MB",
         png_of({64, 64}, png_chunk("iCCP", "icc\0\0"s + packed(100'000'000)), packed(64 * 193))});
    to.push_back({"png without width", png_of({0, 64}, "", packed(64))});
    to.push_back({"png as wide as a number goes", png_of({0x7fffffff, 1}, "", packed(64))});
    to.push_back({"png as high as a number goes", png_of({1, 0x7fffffff}, "", packed(64))});
    to.push_back(
        {"png with a palette that is missing", png_of({64, 64, 8, 3}, "", packed(64 * 65))});
    auto crooked = png_of({64, 64}, "", packed(64 * 193));
    crooked[29] ^= 1;
    to.push_back({"png with a wrong sum", crooked});
    to.push_back({"png with too few pixels", png_of({4'000, 4'000}, "", packed(1'000))});
    to.push_back({"png with two hundred thousand chunks",
                  png_of({64, 64}, times(png_chunk("tEXt", "a\0b"s), 200'000), packed(64 * 193))});
}

void add_jpeg(std::vector<bomb>& to) {
    to.push_back({"jpeg of 4,295 megapixels", jpeg_head(0xc0, 65'535, 65'535) + scan(3, 0, 63)});
    to.push_back({"jpeg of 49 megapixels in a thousand progressive scans",
                  jpeg_head(0xc2, 7'000, 7'000) +
                      times(scan(3, 0, 0) + std::string(2'000, '\0'), 1'000) + "\xff\xd9"});
    to.push_back({"jpeg of 49 megapixels, progressive, empty",
                  jpeg_head(0xc2, 7'000, 7'000) + scan(3, 0, 0) + "\xff\xd9"});
    to.push_back({"jpeg of twelve bits", jpeg_head(0xc1, 4'000, 4'000, 12) + scan(3, 0, 63)});
    to.push_back({"jpeg of arithmetic coding", jpeg_head(0xc9, 7'000, 7'000) + scan(3, 0, 63)});
    to.push_back({"jpeg without size", jpeg_head(0xc0, 0, 0) + scan(3, 0, 63)});
    to.push_back(
        {"jpeg of two hundred components", jpeg_head(0xc0, 64, 64, 8, 80) + scan(3, 0, 63)});
    to.push_back({"jpeg of nothing but markers", "\xff\xd8\xff"s + std::string(4'000'000, '\xff')});
    to.push_back({"jpeg of ten thousand comments",
                  "\xff\xd8"s + times(segment(0xfe, std::string(1'000, 'x')), 10'000)});
}

void add_webp_and_gif(std::vector<bomb>& to) {
    to.push_back({"webp of 268 megapixels", riff(lossless(16'384, 16'384, 64))});
    to.push_back({"webp of 49 megapixels of nothing", riff(lossless(7'000, 7'000, 4'000'000))});
    auto frames =
        webp_chunk("VP8X", "\2\0\0\0"s + little_endian(1'999, 3) + little_endian(1'999, 3)) +
        webp_chunk("ANIM", std::string(6, '\0'));
    const auto one = webp_chunk("ANMF", std::string(6, '\0') + little_endian(1'999, 3) +
                                            little_endian(1'999, 3) + std::string(4, '\0') +
                                            lossless(2'000, 2'000, 32));
    to.push_back({"webp of three thousand frames", riff(frames + times(one, 3'000))});
    const auto dots = gif_frame(1, 1, "\x44\1"s);
    to.push_back({"gif of 4,295 megapixels", gif_head(65'535, 65'535) + dots + ";"});
    to.push_back(
        {"gif of a hundred thousand frames", gif_head(100, 100) + times(dots, 100'000) + ";"});
    to.push_back(
        {"gif of 49 megapixels of nothing",
         gif_head(7'000, 7'000) + gif_frame(7'000, 7'000, std::string(3'000'000, '\0')) + ";"});
    to.push_back({"svg that laughs a billion times",
                  "<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>"
                  "<svg xmlns='http://www.w3.org/2000/svg'><text>&b;</text></svg>"s});
}

}  // namespace

std::vector<bomb> picture_bombs() {
    std::vector<bomb> out;
    add_png(out);
    add_jpeg(out);
    add_webp_and_gif(out);
    return out;
}

}  // namespace stoa::testing
