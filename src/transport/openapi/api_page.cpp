#include "transport/openapi/api_page.hpp"

#include "embedded/api_page_files.hpp"

namespace stoa::openapi {

std::span<const embedded_file> api_page_files() { return embedded::api_page_files(); }

}  // namespace stoa::openapi
