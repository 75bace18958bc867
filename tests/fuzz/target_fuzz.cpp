// Request targets: what is accepted is UTF-8 without control characters, and encoding it again
// finds the same path.
#include "transport/http/target.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::http::request in;
    in.target.assign(reinterpret_cast<const char*>(data), size);
    if (!stoa::http::split_target(in)) return 0;
    if (!stoa::http::valid_utf8(in.path)) std::abort();
    for (const char c : in.path)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    stoa::http::request again;
    stoa::http::append_percent_encoded(again.target, in.path);
    if (!stoa::http::split_target(again) || again.path != in.path) std::abort();
    return 0;
}
