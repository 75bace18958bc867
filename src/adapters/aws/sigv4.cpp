#include "adapters/aws/sigv4.hpp"

#include "adapters/aws/digests.hpp"

#include <map>
#include <utility>

namespace stoa::aws {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

struct url_parts {
    std::string_view authority, path, query;
};

url_parts parts_of(std::string_view url) {
    url_parts out;
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    const auto end = url.find_first_of("/?");
    out.authority = url.substr(0, end);
    url.remove_prefix(std::min(out.authority.size(), url.size()));
    const auto query = url.find('?');
    out.path = url.substr(0, query);
    if (query != std::string_view::npos) out.query = url.substr(query + 1);
    if (out.path.empty()) out.path = "/";
    return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// Without spaces around it; several inside count as one.
std::string trimmed(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::string normalised(std::string_view path) {
    std::vector<std::string_view> kept;
    const bool open_end = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, end - at);
        at = end + 1;
        if (part.empty() || part == ".") continue;
        if (part != "..") kept.push_back(part);
        else if (!kept.empty()) kept.pop_back();
    }
    std::string out;
    for (const auto part : kept) (out += '/') += part;
    if (open_end || out.empty()) out += '/';
    return out;
}

std::string canonical_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!query.empty()) {
        const auto one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(one.size() + 1, query.size()));
        if (one.empty()) continue;
        const auto equals = one.find('=');
        const auto value = equals == std::string_view::npos ? "" : one.substr(equals + 1);
        pairs.emplace_back(percent_encoded(percent_decoded(one.substr(0, equals))),
                           percent_encoded(percent_decoded(value)));
    }
    std::ranges::sort(pairs);
    std::string out;
    for (const auto& [name, value] : pairs) {
        if (!out.empty()) out += '&';
        ((out += name) += '=') += value;
    }
    return out;
}

// By name, lower-case; values of one name joined in their order.
std::vector<http_header> canonical_headers(const std::vector<http_header>& from) {
    std::map<std::string, std::string> joined;
    for (const auto& each : from) {
        const auto [place, fresh] = joined.try_emplace(lower(each.name));
        if (!fresh) place->second += ',';
        place->second += trimmed(each.value);
    }
    std::vector<http_header> out;
    out.reserve(joined.size());
    for (const auto& [name, value] : joined) out.push_back({name, value});
    return out;
}

std::string names_of(const std::vector<http_header>& canonical) {
    std::string out;
    for (const auto& each : canonical) {
        if (!out.empty()) out += ';';
        out += each.name;
    }
    return out;
}

std::string scope_of(const signing_place& place, std::string_view day) {
    return std::string(day) + '/' + place.region + '/' + place.service + "/aws4_request";
}

std::string signature_of(const std::string& canonical, const credentials& by,
                         const signing_place& place, const std::string& date) {
    const auto day = date.substr(0, 8);
    const auto text = std::string(algorithm) + '\n' + date + '\n' + scope_of(place, day) + '\n' +
                      hex(sha256(canonical));
    auto key = hmac_sha256("AWS4" + by.secret_access_key, day);
    key = hmac_sha256(key, place.region);
    key = hmac_sha256(key, place.service);
    key = hmac_sha256(key, "aws4_request");
    return hex(hmac_sha256(key, text));
}

}  // namespace

std::string amz_date(timestamp at) {
    std::string out;  // of 2015-08-30T12:36:00.000000Z
    for (const char c : rfc3339(at).substr(0, 19))
        if (c != '-' && c != ':') out += c;
    return out + 'Z';
}

std::string canonical_request(std::string_view method, std::string_view path,
                              std::string_view query, const std::vector<http_header>& headers,
                              std::string_view body_digest, path_rule rule) {
    const auto signed_headers = canonical_headers(headers);
    std::string out(method);
    out += '\n';
    out += rule == path_rule::as_sent ? std::string(path) : percent_encoded(normalised(path), true);
    (out += '\n') += canonical_query(query);
    out += '\n';
    for (const auto& each : signed_headers) (((out += each.name) += ':') += each.value) += '\n';
    (out += '\n') += names_of(signed_headers);
    (out += '\n') += body_digest;
    return out;
}

void sign(http_request& what, const credentials& by, const signing_place& place, timestamp at,
          path_rule rule, std::string_view body_digest) {
    const auto url = parts_of(what.url);
    const auto date = amz_date(at);
    const auto digest = body_digest.empty() ? hex(sha256(what.body)) : std::string(body_digest);
    what.headers.push_back({"X-Amz-Date", date});
    if (rule == path_rule::as_sent) what.headers.push_back({"X-Amz-Content-Sha256", digest});
    if (!by.session_token.empty())
        what.headers.push_back({"X-Amz-Security-Token", by.session_token});
    auto all = what.headers;
    all.push_back({"Host", std::string(url.authority)});
    const auto text = canonical_request(what.method, url.path, url.query, all, digest, rule);
    what.headers.push_back(
        {"Authorization", std::string(algorithm) + " Credential=" + by.access_key_id + '/' +
                              scope_of(place, date.substr(0, 8)) +
                              ", SignedHeaders=" + names_of(canonical_headers(all)) +
                              ", Signature=" + signature_of(text, by, place, date)});
}

std::string presigned(std::string_view method, std::string_view url, const credentials& by,
                      const signing_place& place, timestamp at, std::chrono::seconds lasts,
                      std::string_view body_digest) {
    const auto parts = parts_of(url);
    const auto date = amz_date(at);
    std::string query(parts.query);
    const auto add = [&](std::string_view name, std::string_view value) {
        if (!query.empty()) query += '&';
        ((query += name) += '=') += percent_encoded(value);
    };
    add("X-Amz-Algorithm", algorithm);
    add("X-Amz-Credential", by.access_key_id + '/' + scope_of(place, date.substr(0, 8)));
    add("X-Amz-Date", date);
    add("X-Amz-Expires", std::to_string(lasts.count()));
    if (!by.session_token.empty()) add("X-Amz-Security-Token", by.session_token);
    add("X-Amz-SignedHeaders", "host");
    const auto text =
        canonical_request(method, parts.path, query, {{"host", std::string(parts.authority)}},
                          body_digest, path_rule::as_sent);
    add("X-Amz-Signature", signature_of(text, by, place, date));
    return std::string(url.substr(0, url.find('?'))) + '?' + query;
}

}  // namespace stoa::aws
