#include "adapters/aws/aws_error.hpp"

#include <simdjson.h>

#include <array>
#include <charconv>

namespace stoa::aws {
namespace {

void read_json_error(std::string_view body, service_error& out) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(simdjson::padded_string(body)).get(root)) return;
    std::string_view text;
    if (!root["__type"].get(text) || !root["code"].get(text)) out.code = text;
    if (!root["message"].get(text) || !root["Message"].get(text)) out.message = text;
}

// com.amazonaws.dynamodb.v20120810#ThrottlingException:http://… → ThrottlingException
std::string bare(std::string_view code) {
    if (const auto hash = code.find('#'); hash != std::string_view::npos)
        code.remove_prefix(hash + 1);
    return std::string(code.substr(0, code.find(':')));
}

template <std::size_t n>
bool among(std::string_view code, const std::array<std::string_view, n>& codes) {
    return std::ranges::find(codes, code) != codes.end();
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
        put(0xc0 | (point >> 6));
    } else {
        if (point < 0x10000) {
            put(0xe0 | (point >> 12));
        } else {
            put(0xf0 | ((point >> 18) & 7));
            put(0x80 | ((point >> 12) & 0x3f));
        }
        put(0x80 | ((point >> 6) & 0x3f));
    }
    put(0x80 | (point & 0x3f));
}

// `name` without & and ;. False: no entity that XML knows.
bool append_entity(std::string& out, std::string_view name) {
    constexpr std::array<std::pair<std::string_view, char>, 5> known{
        {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
    for (const auto& [text, c] : known)
        if (name == text) {
            out += c;
            return true;
        }
    if (!name.starts_with('#')) return false;
    name.remove_prefix(1);
    const bool hexadecimal = name.starts_with('x');
    if (hexadecimal) name.remove_prefix(1);
    std::uint32_t point = 0;
    const auto* end = name.data() + name.size();
    const auto read = std::from_chars(name.data(), end, point, hexadecimal ? 16 : 10);
    if (read.ec != std::errc() || read.ptr != end || point > 0x10ffff) return false;
    append_utf8(out, point);
    return true;
}

std::string unescaped(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto mark = text.find('&');
        out += text.substr(0, mark);
        if (mark == std::string_view::npos) break;
        text.remove_prefix(mark + 1);
        const auto end = text.find(';');
        if (end != std::string_view::npos && append_entity(out, text.substr(0, end)))
            text.remove_prefix(end + 1);
        else out += '&';
    }
    return out;
}

}  // namespace

service_error read_error(const http_response& from) {
    service_error out{.status = from.status, .code = std::string(from.find("x-amzn-errortype"))};
    const std::string_view body = from.body;
    const auto first = body.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && body[first] == '{') read_json_error(body, out);
    else if (first != std::string_view::npos && body[first] == '<') {
        if (auto code = xml_text(body, "Code"); !code.empty()) out.code = std::move(code);
        out.message = xml_text(body, "Message");
    }
    out.code = bare(out.code);
    return out;
}

refusal meaning_of(const service_error& why) {
    constexpr std::array<std::string_view, 16> throttles{"ProvisionedThroughputExceededException",
                                                         "ThrottlingException",
                                                         "Throttling",
                                                         "ThrottledException",
                                                         "RequestThrottled",
                                                         "RequestThrottledException",
                                                         "RequestLimitExceeded",
                                                         "RequestThrottling",
                                                         "TooManyRequestsException",
                                                         "TooManyRequests",
                                                         "SlowDown",
                                                         "BandwidthLimitExceeded",
                                                         "PriorRequestNotComplete",
                                                         "TransactionInProgressException",
                                                         "LimitExceededException",
                                                         "KMS.ThrottlingException"};
    constexpr std::array<std::string_view, 4> stale{"ExpiredToken", "ExpiredTokenException",
                                                    "RequestExpired", "TokenRefreshRequired"};
    constexpr std::array<std::string_view, 20> forbidden{"UnrecognizedClientException",
                                                         "InvalidClientTokenId",
                                                         "InvalidSignatureException",
                                                         "SignatureDoesNotMatch",
                                                         "IncompleteSignature",
                                                         "IncompleteSignatureException",
                                                         "MissingAuthenticationToken",
                                                         "MissingAuthenticationTokenException",
                                                         "AccessDenied",
                                                         "AccessDeniedException",
                                                         "InvalidAccessKeyId",
                                                         "XAdminUserNotFound",
                                                         "AuthFailure",
                                                         "OptInRequired",
                                                         "NotAuthorized",
                                                         "AuthorizationHeaderMalformed",
                                                         "RequestTimeTooSkewed",
                                                         "AuthorizationError",
                                                         "InvalidToken",
                                                         "PermanentRedirect"};
    if (among(why.code, throttles)) return refusal::throttled;
    if (among(why.code, stale)) return refusal::credentials;
    if (among(why.code, forbidden)) return refusal::forbidden;
    if (why.status == 429) return refusal::throttled;
    if (why.status >= 500 && why.code != "NotImplemented") return refusal::unknown;
    if ((why.status == 401 || why.status == 403) && why.code.empty()) return refusal::forbidden;
    return refusal::other;
}

error forbidden_error(const service_error& why, std::string_view service, std::string_view region,
                      std::string_view credentials_source) {
    std::string detail(service);
    detail += " refuses the request: " +
              (why.code.empty() ? "status " + std::to_string(why.status) : why.code);
    if (!why.message.empty()) detail += " (" + why.message + ')';
    const bool clock = why.code == "RequestTimeTooSkewed" ||
                       why.message.find("Signature expired") != std::string::npos ||
                       why.message.find("Signature not yet current") != std::string::npos;
    const bool place = why.code == "AuthorizationHeaderMalformed" ||
                       why.code == "PermanentRedirect" ||
                       why.message.find("valid region") != std::string::npos;
    const bool rights = why.code == "AccessDenied" || why.code == "AccessDeniedException" ||
                        why.code == "AuthorizationError";
    if (clock) detail += "; this machine's clock is wrong: set it";
    else if (place) detail += "; AWS_REGION is " + std::string(region) + ": set the service's own";
    else if (rights)
        detail += "; the identity of the credentials from " + std::string(credentials_source) +
                  " has no right to do this: extend its IAM policy";
    else
        detail += "; check the credentials from " + std::string(credentials_source) +
                  " (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) and AWS_REGION, which is " +
                  std::string(region);
    return {.kind = errc::internal, .code = "aws_refused", .detail = std::move(detail)};
}

std::vector<std::string_view> xml_elements(std::string_view document, std::string_view element) {
    std::vector<std::string_view> out;
    const auto open = "<" + std::string(element), close = "</" + std::string(element) + ">";
    for (std::size_t at = 0;;) {
        at = document.find(open, at);
        if (at == std::string_view::npos) return out;
        at += open.size();
        // <Code> or <Code a="b">, but not <Codes>.
        if (at >= document.size()) return out;
        if (document[at] != '>' && document[at] != ' ' && document[at] != '/') continue;
        const auto begin = document.find('>', at);
        if (begin == std::string_view::npos) return out;
        if (document[begin - 1] == '/') {
            out.emplace_back();
            at = begin;
            continue;
        }
        const auto end = document.find(close, begin);
        if (end == std::string_view::npos) return out;
        out.push_back(document.substr(begin + 1, end - begin - 1));
        at = end + close.size();
    }
}

std::string xml_text(std::string_view document, std::string_view element) {
    const auto found = xml_elements(document, element);
    return found.empty() ? std::string() : unescaped(found.front());
}

std::string xml_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '"') out += "&quot;";
        else out += c;
    }
    return out;
}

}  // namespace stoa::aws
