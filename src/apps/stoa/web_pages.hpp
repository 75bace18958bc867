// The storefront and the console: pages and assets that the build put into the binary.
#pragma once

#include "base/embedded_file.hpp"
#include "transport/http/router.hpp"

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace stoa {

// `files`: what web/ was built to. A file may have siblings of its name and .br or .gz, which are
// what clients get that take them. Without an index.html, pages say how to build one. `ask` answers
// as the shop would; without it, a product's page comes without the product in it.
std::vector<http::route> web_pages(
    std::span<const embedded_file> files,
    std::function<task<http::response>(http::request)> ask = nullptr);

// For a person at an address that there is not: the storefront, which says so, with status 404.
std::function<std::optional<http::response>(const http::request&)> not_found_page(
    std::span<const embedded_file> files);

// The storefront, the console and their sessions, which ask `to` as any client would.
result<void> mount_web(http::router& to);

// Of an Accept-Encoding header: br, gzip or nothing. A coding with q=0 is refused.
std::string_view best_coding(std::string_view accepted, bool has_br, bool has_gzip);

}  // namespace stoa
