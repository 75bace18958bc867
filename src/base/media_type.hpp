// What a file is, by its first bytes: names and headers are what a client says.
#pragma once

#include <cstdint>
#include <string_view>

namespace stoa {

enum class media : std::uint8_t { unknown, jpeg, png, webp, gif, pdf, zip };

// Sixteen bytes are enough for every kind.
inline constexpr std::size_t media_bytes = 16;
media media_of(std::string_view first_bytes);

std::string_view content_type(media of);  // application/octet-stream where unknown
bool is_picture(media of);

}  // namespace stoa
