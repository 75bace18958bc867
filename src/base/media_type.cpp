#include "base/media_type.hpp"

namespace stoa {

media media_of(std::string_view first) {
    using namespace std::string_view_literals;
    if (first.starts_with("\xff\xd8\xff"sv)) return media::jpeg;
    if (first.starts_with("\x89PNG\r\n\x1a\n"sv)) return media::png;
    if (first.size() >= 12 && first.starts_with("RIFF"sv) && first.substr(8).starts_with("WEBP"sv))
        return media::webp;
    if (first.starts_with("GIF87a"sv) || first.starts_with("GIF89a"sv)) return media::gif;
    if (first.starts_with("%PDF-"sv)) return media::pdf;
    if (first.starts_with("PK\x03\x04"sv)) return media::zip;  // office documents are, too
    return media::unknown;
}

std::string_view content_type(media of) {
    switch (of) {
        case media::jpeg:
            return "image/jpeg";
        case media::png:
            return "image/png";
        case media::webp:
            return "image/webp";
        case media::gif:
            return "image/gif";
        case media::pdf:
            return "application/pdf";
        case media::zip:
            return "application/zip";
        case media::unknown:
            break;
    }
    return "application/octet-stream";
}

bool is_picture(media of) {
    return of == media::jpeg || of == media::png || of == media::webp || of == media::gif;
}

}  // namespace stoa
