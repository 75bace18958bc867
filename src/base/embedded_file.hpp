// A file that the build put into the binary: migrations, demo data, web assets.
#pragma once

#include <string_view>

namespace stoa {

// Both views are valid for the life of the process. 64 zero bytes follow the content: simdjson
// reads past the end.
struct embedded_file {
    std::string_view name;  // relative to the folder that was embedded, with '/' between parts
    std::string_view content;
};

}  // namespace stoa
