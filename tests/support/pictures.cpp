#include "support/pictures.hpp"

#include <zlib.h>

#include <algorithm>
#include <stdexcept>

namespace stoa::testing {

std::string big_endian(std::uint32_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}

std::string png_chunk(const std::string& type, const std::string& data) {
    const auto body = type + data;
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    return big_endian(static_cast<std::uint32_t>(data.size()), 4) + body +
           big_endian(static_cast<std::uint32_t>(sum), 4);
}

std::string png_of(const png_header& head, const std::string& chunks, const std::string& packed) {
    auto ihdr = big_endian(head.width, 4) + big_endian(head.height, 4);
    for (const int each : {head.bits, head.colour, 0, 0, head.interlaced ? 1 : 0})
        ihdr += static_cast<char>(each);
    return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", ihdr) + chunks + png_chunk("IDAT", packed) +
           png_chunk("IEND", "");
}

namespace {

class packer {
 public:
    explicit packer(int level) {
        if (deflateInit(&stream_, level) != Z_OK) throw std::runtime_error("deflateInit");
    }
    ~packer() { deflateEnd(&stream_); }
    packer(const packer&) = delete;
    packer& operator=(const packer&) = delete;

    void add(const std::string& plain, bool last) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
        stream_.avail_in = static_cast<uInt>(plain.size());
        do {
            std::string room(256 * 1'024, '\0');
            stream_.next_out = reinterpret_cast<Bytef*>(room.data());
            stream_.avail_out = static_cast<uInt>(room.size());
            deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
            packed += room.substr(0, room.size() - stream_.avail_out);
        } while (stream_.avail_out == 0);
    }
    std::string packed;

 private:
    z_stream stream_{};
};

}  // namespace

std::string deflated(const std::string& plain) {
    packer out(1);
    out.add(plain, true);
    return out.packed;
}

std::string deflated_zeros(std::uint64_t zeros) {
    packer out(9);
    const std::string some(1 << 20, '\0');
    for (; zeros > some.size(); zeros -= some.size()) out.add(some, false);
    out.add(std::string(zeros, '\0'), true);
    return out.packed;
}

std::string png_picture(std::uint32_t width, std::uint32_t height,
                        const std::function<std::uint32_t(std::uint32_t, std::uint32_t)>& rgb) {
    std::string plain;
    plain.reserve(std::size_t{height} * (width * 3 + 1));
    for (std::uint32_t y = 0; y < height; ++y) {
        plain += '\0';  // no filter
        for (std::uint32_t x = 0; x < width; ++x) plain += big_endian(rgb(x, y), 3);
    }
    return png_of({.width = width, .height = height}, "", deflated(plain));
}

std::string grainy_png(std::uint32_t width, std::uint32_t height) {
    std::uint32_t state = 1;
    return png_picture(width, height, [&](std::uint32_t x, std::uint32_t y) {
        state = state * 1'664'525 + 1'013'904'223;
        const auto grain = state >> 28;
        const auto slope = (x * 200 / width + (x / 64 + y / 48) % 5 * 8 + grain) & 0xff;
        const auto other = (y * 200 / height + grain) & 0xff;
        return slope << 16 | other << 8 | (255 - slope);
    });
}

std::string with_exif(const std::string& jpeg, int orientation) {
    using namespace std::string_literals;
    const auto entry = [](int tag, int type, std::uint32_t count, const std::string& value) {
        return big_endian(static_cast<std::uint32_t>(tag), 2) +
               big_endian(static_cast<std::uint32_t>(type), 2) + big_endian(count, 4) + value;
    };
    // Orientation, and a GPS block with a latitude reference.
    const auto first =
        big_endian(2, 2) +
        entry(0x0112, 3, 1, big_endian(static_cast<std::uint32_t>(orientation), 2) + "\0\0"s) +
        entry(0x8825, 4, 1, big_endian(38, 4)) + big_endian(0, 4);
    const auto gps = big_endian(1, 2) + entry(0x0001, 2, 2, "N\0\0\0"s) + big_endian(0, 4);
    const auto body = "Exif\0\0"s + "MM\0\x2a"s + big_endian(8, 4) + first + gps + "SECRETPLACE";
    return jpeg.substr(0, 2) + "\xff\xe1" +
           big_endian(static_cast<std::uint32_t>(body.size() + 2), 2) + body + jpeg.substr(2);
}

}  // namespace stoa::testing
