// The files of the API page: a readable reference of /openapi.json with a way to try each
// operation.
#pragma once

#include "base/embedded_file.hpp"

#include <span>

namespace stoa::openapi {

// index.html, app.js, style.css.
std::span<const embedded_file> api_page_files();

}  // namespace stoa::openapi
