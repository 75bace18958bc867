#include "adapters/kafka/kafka_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

namespace stoa {
namespace {

constexpr std::array<std::string_view, 4> protocols{"PLAINTEXT", "SSL", "SASL_PLAINTEXT",
                                                    "SASL_SSL"};
constexpr std::array<std::string_view, 4> mechanisms{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                                     msk_iam};

auto wrong(std::string_view setting, std::string why) {
    return fail(errc::invalid, "setting", std::string(setting) + ": " + std::move(why));
}

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

bool uses_sasl(const kafka_options& o) { return o.protocol.starts_with("SASL"); }
bool uses_tls(const kafka_options& o) { return o.protocol.ends_with("SSL"); }

result<void> readable(std::string_view setting, const std::string& path) {
    if (path.empty() || std::ifstream(path)) return {};
    return wrong(setting, "the file " + path + " cannot be read");
}

result<void> check_msk_iam(const kafka_options& o) {
    // Whoever hears the token may use it for a quarter of an hour.
    if (!uses_tls(o))
        return wrong("KAFKA_SECURITY_PROTOCOL",
                     "is " + o.protocol + ", but AWS_MSK_IAM goes over SASL_SSL only");
    if (!o.username.empty() || !o.password.empty())
        return wrong("KAFKA_SASL_USERNAME",
                     "and KAFKA_SASL_PASSWORD are not sent with AWS_MSK_IAM, which shows the AWS "
                     "credentials: take them out, or choose another KAFKA_SASL_MECHANISM");
    return {};
}

result<void> check_sasl(const kafka_options& o) {
    if (!uses_sasl(o)) {
        if (!o.username.empty() || !o.password.empty() || !o.mechanism.empty())
            return wrong("KAFKA_SECURITY_PROTOCOL",
                         "is " + o.protocol +
                             ", which sends no credentials, but KAFKA_SASL_… is set: SASL_SSL (or "
                             "SASL_PLAINTEXT inside a trusted network) sends them");
        return {};
    }
    if (!one_of(mechanisms, o.mechanism))
        return wrong("KAFKA_SASL_MECHANISM", "`" + o.mechanism +
                                                 "` is not one of PLAIN, SCRAM-SHA-256, "
                                                 "SCRAM-SHA-512, AWS_MSK_IAM");
    if (o.mechanism == msk_iam) return check_msk_iam(o);
    if (o.username.empty()) return wrong("KAFKA_SASL_USERNAME", "is needed with " + o.protocol);
    if (o.password.empty()) return wrong("KAFKA_SASL_PASSWORD", "is needed with " + o.protocol);
    return {};
}

result<void> check_tls(const kafka_options& o) {
    STOA_TRY_VOID(readable("KAFKA_SSL_CA_FILE", o.ca_file));
    STOA_TRY_VOID(readable("KAFKA_SSL_CERTIFICATE_FILE", o.certificate_file));
    STOA_TRY_VOID(readable("KAFKA_SSL_KEY_FILE", o.key_file));
    if (o.certificate_file.empty() != o.key_file.empty())
        return wrong("KAFKA_SSL_CERTIFICATE_FILE",
                     "and KAFKA_SSL_KEY_FILE belong together: set both or neither");
    return {};
}

}  // namespace

result<std::vector<host_port>> read_addresses(std::string_view list) {
    std::vector<host_port> out;
    for (std::size_t at = 0; at <= list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        const auto one = list.substr(at, end - at);
        at = end + 1;
        const auto colon = one.rfind(':');
        host_port made{std::string(one.substr(0, std::min(colon, one.size())))};
        const auto digits = colon == one.npos ? std::string_view{} : one.substr(colon + 1);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), made.port);
        if (made.host.empty() || made.host.contains(' ') || read.ec != std::errc{} ||
            read.ptr != digits.data() + digits.size() || made.port < 1 || made.port > 65'535)
            return fail(errc::invalid, "address", "`" + std::string(one) + "` is not host:port");
        if (made.host.starts_with('[') && made.host.ends_with(']'))
            made.host = made.host.substr(1, made.host.size() - 2);
        out.push_back(std::move(made));
    }
    return out;
}

result<void> check(const kafka_options& o) {
    if (auto read = read_addresses(o.brokers); !read)
        return wrong("KAFKA_BOOTSTRAP_SERVERS", read.error().detail);
    if (!one_of(protocols, o.protocol))
        return wrong("KAFKA_SECURITY_PROTOCOL", "`" + o.protocol +
                                                    "` is not one of PLAINTEXT, SSL, "
                                                    "SASL_PLAINTEXT, SASL_SSL");
    STOA_TRY_VOID(check_sasl(o));
    if (uses_tls(o)) STOA_TRY_VOID(check_tls(o));
    if (o.replication < 1 || o.replication > 100)
        return wrong("KAFKA_REPLICATION_FACTOR", "is at least 1");
    if (o.min_insync < 1 || o.min_insync > o.replication)
        return wrong("KAFKA_MIN_INSYNC_REPLICAS",
                     "is at least 1 and at most KAFKA_REPLICATION_FACTOR (" +
                         std::to_string(o.replication) + ")");
    const auto legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    if (!std::ranges::all_of(o.prefix, legal) || o.prefix.size() > 100)
        return wrong("KAFKA_TOPIC_PREFIX", "has letters, digits, `.`, `_` and `-` only");
    return {};
}

std::string described(const kafka_options& o) {
    std::string out = o.brokers + " (" + o.protocol;
    if (uses_sasl(o)) out += ", " + o.mechanism;
    if (!o.username.empty()) out += " as " + o.username;
    return out + ")";
}

std::vector<std::pair<std::string, std::string>> client_properties(const kafka_options& o) {
    std::vector<std::pair<std::string, std::string>> out{
        {"bootstrap.servers", o.brokers},
        {"client.id", o.client_id},
        {"security.protocol", o.protocol},
        // A broker that is back is found within a second.
        {"reconnect.backoff.ms", "50"},
        {"reconnect.backoff.max.ms", "1000"},
        {"socket.connection.setup.timeout.ms", "5000"},
        {"socket.keepalive.enable", "true"},
        {"socket.nagle.disable", "true"},
        {"socket.timeout.ms", "10000"},
        {"log.connection.close", "false"},
        {"topic.metadata.refresh.interval.ms", "60000"},
        {"topic.metadata.refresh.sparse", "true"},
    };
    const auto given = [&](std::string name, const std::string& value) {
        if (!value.empty()) out.emplace_back(std::move(name), value);
    };
    if (uses_sasl(o)) {
        given("sasl.mechanism", o.mechanism == msk_iam ? "OAUTHBEARER" : o.mechanism);
        given("sasl.username", o.username);
        given("sasl.password", o.password);
    }
    if (uses_tls(o)) {
        given("ssl.ca.location", o.ca_file);
        given("ssl.certificate.location", o.certificate_file);
        given("ssl.key.location", o.key_file);
        out.emplace_back("ssl.endpoint.identification.algorithm", "https");
    }
    return out;
}

}  // namespace stoa
