#include "base/problem.hpp"

#include "base/json.hpp"

#include <algorithm>

namespace stoa {
namespace {

void text_member(std::string& out, std::string_view name, std::string_view value) {
    ((out += ",\"") += name) += "\":";
    append_json_string(out, value);
}

// items[1].quantity as the JSON pointer /items/1/quantity.
std::string pointer(std::string_view path) {
    std::string out;
    if (!path.empty()) out += '/';
    for (const char c : path) {
        if (c == '.' || c == '[') out += out.size() == 1 ? "" : "/";
        else if (c == '~') out += "~0";
        else if (c == '/') out += "~1";
        else if (c != ']') out += c;
    }
    return out;
}

void append_problems(std::string& out, const problems& found) {
    out += ",\"errors\":[";
    for (bool first = true; const auto& p : found) {
        if (!std::exchange(first, false)) out += ',';
        out += "{\"pointer\":";
        append_json_string(out, pointer(p.where));
        text_member(out, "code", p.code);
        if (!p.detail.empty()) text_member(out, "detail", p.detail);
        if (p.available) (out += ",\"available\":") += std::to_string(*p.available);
        out += '}';
    }
    out += ']';
}

}  // namespace

int http_status(errc kind) {
    switch (kind) {
        case errc::malformed:
            return 400;
        case errc::unauthenticated:
            return 401;
        case errc::declined:
            return 402;
        case errc::forbidden:
            return 403;
        case errc::not_found:
            return 404;
        case errc::conflict:
            return 409;
        case errc::precondition_failed:
            return 412;
        case errc::too_large:
            return 413;
        case errc::invalid:
            return 422;
        case errc::rate_limited:
            return 429;
        case errc::internal:
            return 500;
        case errc::unavailable:
            return 503;
        case errc::timeout:
            return 504;
        case errc::storage_full:
            return 507;
    }
    return 500;
}

std::string_view status_title(int status) {
    struct entry {
        int status;
        std::string_view title;
    };
    static constexpr entry titles[] = {{200, "OK"},
                                       {201, "Created"},
                                       {202, "Accepted"},
                                       {204, "No Content"},
                                       {304, "Not Modified"},
                                       {400, "Bad Request"},
                                       {401, "Unauthorized"},
                                       {402, "Payment Required"},
                                       {403, "Forbidden"},
                                       {404, "Not Found"},
                                       {405, "Method Not Allowed"},
                                       {406, "Not Acceptable"},
                                       {408, "Request Timeout"},
                                       {409, "Conflict"},
                                       {411, "Length Required"},
                                       {412, "Precondition Failed"},
                                       {413, "Content Too Large"},
                                       {414, "URI Too Long"},
                                       {415, "Unsupported Media Type"},
                                       {417, "Expectation Failed"},
                                       {422, "Unprocessable Content"},
                                       {429, "Too Many Requests"},
                                       {431, "Request Header Fields Too Large"},
                                       {500, "Internal Server Error"},
                                       {501, "Not Implemented"},
                                       {503, "Service Unavailable"},
                                       {504, "Gateway Timeout"},
                                       {505, "HTTP Version Not Supported"},
                                       {507, "Insufficient Storage"}};
    const auto found = std::ranges::find(titles, status, &entry::status);
    return found == std::end(titles) ? "Unknown" : found->title;
}

std::string problem_json(const error& why, std::string_view request_id, int status) {
    if (status == 0) status = http_status(why.kind);
    std::string out = "{\"type\":";
    append_json_string(out, "/problems/" + why.code);
    text_member(out, "title", status_title(status));
    (out += ",\"status\":") += std::to_string(status);
    text_member(out, "code", why.code);
    if (why.kind == errc::internal)
        text_member(out, "detail", "the shop failed; the log tells more under this request id");
    else if (!why.detail.empty()) text_member(out, "detail", why.detail);
    text_member(out, "request_id", request_id);
    if (!why.errors.empty()) append_problems(out, why.errors);
    if (!why.allowed.empty()) {
        out += ",\"allowed\":[";
        for (bool first = true; const auto& word : why.allowed) {
            if (!std::exchange(first, false)) out += ',';
            append_json_string(out, word);
        }
        out += ']';
    }
    out += '}';
    return out;
}

}  // namespace stoa
