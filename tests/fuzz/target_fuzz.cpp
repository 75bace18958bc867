// Request targets: what is accepted is UTF-8 without control characters, and encoding it again
// finds the same path and the same query.
#include "transport/http/target.hpp"

#include "fuzz/fuzz.hpp"

namespace {

using stoa::fuzz::must;

void is_plain(std::string_view text) {
    must(stoa::http::valid_utf8(text), "decoded text is UTF-8");
    for (const char c : text)
        must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "and has no control characters");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::http::request in;
    in.target.assign(reinterpret_cast<const char*>(data), size);
    if (!stoa::http::split_target(in)) return 0;
    is_plain(in.path);
    stoa::http::request again;
    // A slash of a decoded path stands between two segments: an encoded one is refused.
    for (std::size_t start = 0, end; start <= in.path.size(); start = end + 1) {
        end = std::min(in.path.find('/', start), in.path.size());
        if (start > 0) again.target += '/';
        stoa::http::append_percent_encoded(again.target, in.path.substr(start, end - start));
    }
    char before = '?';
    for (const auto& [name, value] : in.query) {
        is_plain(name);
        is_plain(value);
        again.target += std::exchange(before, '&');
        stoa::http::append_percent_encoded(again.target, name);
        again.target += '=';
        stoa::http::append_percent_encoded(again.target, value);
    }
    must(stoa::http::split_target(again), "what was encoded is accepted");
    must(again.path == in.path, "it is the same path");
    must(again.query == in.query, "and the same query");
    return 0;
}
