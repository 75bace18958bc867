// What the shop and its picture worker say to each other over a socket. A frame is eight bytes of
// length, little-endian, and so many bytes. Asked: one frame, a request's text and, behind a zero
// byte, the picture. Answered: one frame, likewise with the renditions behind each other.
#pragma once

#include "ports/image.hpp"

namespace stoa::vips {

inline constexpr std::int64_t largest_answer_bytes = 32 << 20;

struct asked_picture {
    std::vector<std::int64_t> within_px;
};
BOOST_DESCRIBE_STRUCT(asked_picture, (), (within_px))

struct told_rendition {
    picture_format format{};
    std::int64_t within_px = 0, width = 0, height = 0, size_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(told_rendition, (), (format, within_px, width, height, size_bytes))

// Either an error's kind and code, or the rest.
struct told_picture {
    std::optional<std::string> code, detail;
    std::string content_type;
    std::int64_t width = 0, height = 0;
    std::vector<told_rendition> renditions;
};
BOOST_DESCRIBE_STRUCT(told_picture, (), (code, detail, content_type, width, height, renditions))

// The answer's frame is made in the sandbox by what may have been taken over: nothing of it is
// believed that is not checked.
std::string pack(const rendered_picture& of);
std::string pack(const error& why);
result<rendered_picture> unpack(std::string_view answer);

// False: the other side is gone, or the frame is longer than `most`.
bool write_frame(int to, std::string_view bytes);
bool read_frame(int from, std::string& into, std::int64_t most);

}  // namespace stoa::vips
