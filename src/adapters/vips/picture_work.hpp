// The decoding and encoding of one picture, inside of the sandbox.
#pragma once

#include "adapters/vips/vips_library.hpp"
#include "ports/image.hpp"

#include <span>

namespace stoa::vips {

// Errors: those of picture_renderer::render that a picture can cause.
result<rendered_picture> render_here(const library& with, std::string_view original,
                                     std::span<const std::int64_t> within_px);

}  // namespace stoa::vips
