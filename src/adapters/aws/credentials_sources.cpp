#include "adapters/aws/credentials_sources.hpp"

#include "adapters/aws/aws_error.hpp"
#include "adapters/aws/digests.hpp"

#include <simdjson.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace stoa::aws {
namespace {

constexpr milliseconds one_answer{2'000};
constexpr int tries = 3;

auto ill_formed(std::string detail) {
    return fail(errc::invalid, "aws_credentials_ill_formed", std::move(detail));
}
auto unavailable(std::string detail) {
    return fail(error{.kind = errc::unavailable,
                      .code = "aws_credentials_unavailable",
                      .detail = std::move(detail),
                      .retry_after_s = 1});
}
using found_credentials = credentials_search::found;

result<std::string> read_small_file(const std::string& path, std::string_view setting) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        return ill_formed(std::string(setting) + " names " + path +
                          ", which cannot be read: " + std::strerror(errno));
    std::string out(std::istreambuf_iterator<char>(in), {});
    if (out.size() > 64 * 1024)
        return ill_formed(std::string(setting) + " names " + path + ", which is too large");
    return out;
}

std::string_view without_space(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

// {AccessKeyId, SecretAccessKey, Token, Expiration} of a container's or machine's service.
found_credentials read_json_credentials(const http_response& from, const std::string& source) {
    if (from.status != 200)
        return ill_formed(source + " refuses: status " + std::to_string(from.status));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view id, secret, token, expires;
    if (parser.parse(simdjson::padded_string(from.body)).get(root) || root["AccessKeyId"].get(id) ||
        root["SecretAccessKey"].get(secret))
        return ill_formed(source + " answers something that is no credentials");
    credentials out{std::string(id), std::string(secret), {}, {}, source};
    if (!root["Token"].get(token)) out.session_token = token;
    if (!root["Expiration"].get(expires)) {
        out.expires_at = read_rfc3339(expires);
        if (!out.expires_at) return ill_formed(source + " answers an Expiration that is no time");
    }
    return out;
}

// The pairs of [profile] in an INI file; absent: no such section.
std::optional<std::vector<std::pair<std::string, std::string>>> section_of(
    std::string_view text, std::string_view profile) {
    std::optional<std::vector<std::pair<std::string, std::string>>> out;
    bool inside = false;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        line = without_space(line);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            auto name = line.substr(1, line.find(']') - 1);
            if (name.starts_with("profile ")) name.remove_prefix(8);
            inside = without_space(name) == profile;
            if (inside && !out) out.emplace();
            continue;
        }
        const auto equals = line.find('=');
        if (inside && equals != std::string_view::npos)
            out->emplace_back(without_space(line.substr(0, equals)),
                              without_space(line.substr(equals + 1)));
    }
    return out;
}

bool is_safe_container_address(std::string_view url) {
    if (url.starts_with("https://")) return true;
    for (const std::string_view host :
         {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "127.0.0.1", "[::1]"}) {
        const auto start = "http://" + std::string(host);
        if (!url.starts_with(start)) continue;
        const auto rest = url.substr(start.size());
        if (rest.empty() || rest.front() == '/' || rest.front() == ':' || rest.front() == '?')
            return true;
    }
    return false;
}

}  // namespace

std::optional<std::string> credentials_search::set(std::string_view name) const {
    auto out = from(name);
    if (out && out->empty()) out.reset();
    return out;
}

void credentials_search::not_there(std::string_view why) {
    if (!tried.empty()) tried += "; ";
    tried += why;
}

// Asks until there is an answer that is neither lost nor a passing failure.
task<result<http_response>> credentials_search::ask(http_request what, std::string whom) {
    for (int attempt = 1;; ++attempt) {
        auto answer = co_await http().send(what, one_answer);
        std::string why;
        if (!answer) why = answer.error().detail;
        else if (answer->status < 500 && answer->status != 429) co_return answer;
        else why = "status " + std::to_string(answer->status);
        if (answer || answer.error().kind != errc::invalid) {
            if (attempt < tries) {
                co_await time.sleep(jittered(milliseconds(200 * attempt), random));
                continue;
            }
        }
        co_return unavailable(whom + " gives no credentials: " + why);
    }
}

std::string credentials_search::sts_url() const {
    if (auto given = set("AWS_ENDPOINT_URL_STS")) return *given;
    return "https://sts." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn/" : "/");
}

found_credentials credentials_search::from_environment() {
    auto id = set("AWS_ACCESS_KEY_ID"), secret = set("AWS_SECRET_ACCESS_KEY");
    if (!id && !secret) {
        not_there("AWS_ACCESS_KEY_ID is not set");
        return {};
    }
    if (!id || !secret)
        return ill_formed(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: one of them is not set");
    return credentials{*std::move(id),
                       *std::move(secret),
                       set("AWS_SESSION_TOKEN").value_or(""),
                       {},
                       "the environment"};
}

found_credentials credentials_search::from_shared_file() {
    const auto given = set("AWS_SHARED_CREDENTIALS_FILE");
    const auto asked = set("AWS_PROFILE");
    const auto profile = asked.value_or("default");
    const auto home = set("HOME");
    if (!given && !home) {
        not_there("AWS_SHARED_CREDENTIALS_FILE is not set");
        return {};
    }
    const auto path = given ? *given : *home + "/.aws/credentials";
    if (!given && !asked && !std::ifstream(path)) {
        not_there("there is no " + path);
        return {};
    }
    STOA_TRY(const auto text,
             read_small_file(path, given ? "AWS_SHARED_CREDENTIALS_FILE" : "AWS_PROFILE"));
    const auto pairs = section_of(text, profile);
    if (!pairs && !asked) {
        not_there(path + " has no profile default");
        return {};
    }
    if (!pairs) return ill_formed(path + " has no profile " + profile + " (AWS_PROFILE)");
    credentials out;
    for (const auto& [name, value] : *pairs) {
        if (name == "aws_access_key_id") out.access_key_id = value;
        if (name == "aws_secret_access_key") out.secret_access_key = value;
        if (name == "aws_session_token") out.session_token = value;
    }
    out.source = path + " [" + profile + ']';
    if (out.access_key_id.empty() || out.secret_access_key.empty())
        return ill_formed(out.source + " lacks aws_access_key_id or aws_secret_access_key");
    return out;
}

task<found_credentials> credentials_search::from_web_identity() {
    const auto file = set("AWS_WEB_IDENTITY_TOKEN_FILE"), arn = set("AWS_ROLE_ARN");
    if (!file) {
        not_there("AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        co_return found_credentials();
    }
    if (!arn) co_return ill_formed("AWS_WEB_IDENTITY_TOKEN_FILE is set, but not AWS_ROLE_ARN");
    STOA_CO_TRY(const auto token, read_small_file(*file, "AWS_WEB_IDENTITY_TOKEN_FILE"));
    const auto session = set("AWS_ROLE_SESSION_NAME").value_or("stoa");
    const std::string source = "the web identity of AWS_ROLE_ARN " + *arn;
    http_request what{.method = "POST",
                      .url = sts_url(),
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" +
                              percent_encoded(*arn) +
                              "&RoleSessionName=" + percent_encoded(session) +
                              "&WebIdentityToken=" + percent_encoded(without_space(token))};
    STOA_CO_TRY(const auto answer, co_await ask(std::move(what), source));
    if (answer.status != 200) {
        const auto why = read_error(answer);
        co_return ill_formed("STS refuses " + source + ": " + why.code + ' ' + why.message);
    }
    credentials out{xml_text(answer.body, "AccessKeyId"), xml_text(answer.body, "SecretAccessKey"),
                    xml_text(answer.body, "SessionToken"),
                    read_rfc3339(xml_text(answer.body, "Expiration")), source};
    if (out.access_key_id.empty() || out.secret_access_key.empty() || !out.expires_at)
        co_return ill_formed("STS answers something that is no credentials for " + source);
    co_return out;
}

task<found_credentials> credentials_search::from_container() {
    auto url = set("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!url)
        if (const auto path = set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
            url = "http://169.254.170.2" + *path;
    if (!url) {
        not_there("AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
        co_return found_credentials();
    }
    if (!is_safe_container_address(*url))
        co_return ill_formed("AWS_CONTAINER_CREDENTIALS_FULL_URI " + *url +
                             " is neither https nor this machine's own: nothing is sent there");
    http_request what{.url = *url};
    auto token = set("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const auto file = set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        STOA_CO_TRY(token, read_small_file(*file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    }
    if (token) what.headers.push_back({"Authorization", std::string(without_space(*token))});
    const std::string source = "the container's credentials at " + *url;
    STOA_CO_TRY(const auto answer, co_await ask(std::move(what), source));
    co_return read_json_credentials(answer, source);
}

task<found_credentials> credentials_search::from_metadata() {
    if (set("AWS_EC2_METADATA_DISABLED") == "true") {
        not_there("AWS_EC2_METADATA_DISABLED is true");
        co_return found_credentials();
    }
    auto base = set("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254");
    while (base.ends_with('/')) base.pop_back();
    const std::string source = "the metadata service at " + base;
    const auto absent = [&](const std::string& why) {
        not_there(source + " " + why);
        return found_credentials();
    };
    // Not on such a machine: nobody answers. So there is one try, and a short one.
    auto token =
        co_await http().send({.method = "PUT",
                              .url = base + "/latest/api/token",
                              .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}},
                             milliseconds(1'000));
    if (!token) co_return absent("does not answer");
    if (token->status != 200) co_return absent("gives no token");
    const std::vector<http_header> headers{
        {"X-aws-ec2-metadata-token", std::string(without_space(token->body))}};
    const auto roles = base + "/latest/meta-data/iam/security-credentials/";
    STOA_CO_TRY(const auto role, co_await ask({.url = roles, .headers = headers}, source));
    if (role.status != 200) co_return absent("knows no role of this machine");
    const auto name = std::string(without_space(role.body.substr(0, role.body.find('\n'))));
    STOA_CO_TRY(const auto answer,
                co_await ask({.url = roles + percent_encoded(name), .headers = headers}, source));
    co_return read_json_credentials(answer, source + ", role " + name);
}

}  // namespace stoa::aws
