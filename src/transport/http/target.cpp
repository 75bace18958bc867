#include "transport/http/target.hpp"

#include "base/problem.hpp"

namespace stoa::http {
namespace {

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string_view request::find(std::string_view lower_case_name) const {
    for (const auto& each : headers)
        if (each.name == lower_case_name) return each.value;
    return {};
}

bool valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || i + length > text.size()) return false;
        unsigned code = length == 1 ? lead : lead & (0x7fU >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            code = code << 6 | (next & 0x3f);
        }
        const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
        if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
        i += length;
    }
    return true;
}

bool percent_decode(std::string_view text, bool plus_is_space, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return false;
            const int high = hex(text[i + 1]), low = hex(text[i + 2]);
            if (high < 0 || low < 0) return false;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
        out += c;
    }
    return valid_utf8(out);
}

bool split_target(request& of) {
    const std::string_view target = of.target;
    // A fragment is never sent (RFC 9112 §3.2); who cuts it off and who does not would see two
    // paths.
    if (target.find('#') != std::string_view::npos) return false;
    const auto mark = target.find('?');
    const auto path = target.substr(0, mark);
    // An encoded slash is part of a segment, not between two: who stands before us and routes by
    // paths would see another one.
    if (path.find("%2F") != std::string_view::npos || path.find("%2f") != std::string_view::npos)
        return false;
    if (!percent_decode(path, false, of.path)) return false;
    of.query.clear();
    if (mark == std::string_view::npos) return true;
    std::string_view rest = target.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const auto eq = std::min(pair.find('='), pair.size());
        auto& [name, value] = of.query.emplace_back();
        if (!percent_decode(pair.substr(0, eq), true, name)) return false;
        if (eq < pair.size() && !percent_decode(pair.substr(eq + 1), true, value)) return false;
    }
    return true;
}

void append_percent_encoded(std::string& out, std::string_view text) {
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            ((out += '%') += "0123456789ABCDEF"[byte >> 4]) += "0123456789ABCDEF"[byte & 15];
        }
    }
}

response problem_response(const error& why, std::string_view request_id, int status) {
    response out{.status = status ? status : http_status(why.kind),
                 .content_type = "application/problem+json"};
    if (why.retry_after_s > 0)
        out.headers.push_back({"Retry-After", std::to_string(why.retry_after_s)});
    if (why.kind == errc::unauthenticated) out.headers.push_back({"WWW-Authenticate", "Bearer"});
    out.set_body(problem_json(why, request_id, status));
    return out;
}

}  // namespace stoa::http
