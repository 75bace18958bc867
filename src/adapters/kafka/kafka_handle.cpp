#include "adapters/kafka/kafka_handle.hpp"

#include "runtime/log.hpp"

#include <openssl/x509.h>

#include <array>
#include <cstdio>

namespace stoa {
namespace {

kafka_callbacks& own(void* opaque) { return *static_cast<kafka_callbacks*>(opaque); }

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    own(opaque).delivered(*message);
}
void on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* which,
                  void* opaque) {
    own(opaque).rebalance(code, which);
}
void on_commit(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* which,
               void* opaque) {
    own(opaque).committed(code, which);
}
void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
    own(opaque).troubles.note(static_cast<rd_kafka_resp_err_t>(code), reason);
}
// On librdkafka's background thread, so that looking for credentials stops nothing else. A failure
// is tried again by it after ten seconds, and told to who opens the handle before that.
void on_token_wanted(rd_kafka_t* of, const char*, void* opaque) {
    const auto made = own(opaque).troubles.options().token();
    std::array<char, 512> text{};
    if (!made) {
        rd_kafka_oauthbearer_set_token_failure(of, made.error().detail.c_str());
        return;
    }
    if (rd_kafka_oauthbearer_set_token(of, made->text.c_str(), made->expires_at.micros / 1'000,
                                       made->of.c_str(), nullptr, 0, text.data(),
                                       text.size()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_oauthbearer_set_token_failure(of, text.data());
}
void on_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
    if (std::string_view(facility) == "CONFWARN") return;  // of properties that we mean so
    // Syslog's levels; what it calls an error is a connection that broke, which it mends itself.
    const auto as = level <= 2 ? log_level::error : log_level::debug;
    if (log_enabled(as)) log_line(as, "kafka_client", {{"facility", facility}, {"text", text}});
}
// Kafka's protocol guide numbers the requests.
constexpr std::int16_t join_group = 11, sync_group = 14;

rd_kafka_resp_err_t on_request(rd_kafka_t*, int, const char*, std::int32_t, std::int16_t api,
                               std::int16_t, std::int32_t, std::size_t, void* opaque) {
    if (api == join_group) own(opaque).joining = true;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
rd_kafka_resp_err_t on_response(rd_kafka_t*, int, const char*, std::int32_t, std::int16_t api,
                                std::int16_t, std::int32_t, std::size_t, std::int64_t,
                                rd_kafka_resp_err_t, void* opaque) {
    if (api == sync_group) own(opaque).joining = false;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
rd_kafka_resp_err_t on_new(rd_kafka_t* made, const rd_kafka_conf_t*, void* opaque, char*,
                           std::size_t) {
    rd_kafka_interceptor_add_on_request_sent(made, "stoa", on_request, opaque);
    return rd_kafka_interceptor_add_on_response_received(made, "stoa", on_response, opaque);
}

// Keeps what OpenSSL found; librdkafka's own words leave that out.
int on_certificate(rd_kafka_t*, const char* broker, std::int32_t, int* x509_error, int, const char*,
                   std::size_t, char* text, std::size_t size, void* opaque) {
    if (*x509_error == X509_V_OK) return 1;
    const char* why = X509_verify_cert_error_string(*x509_error);
    own(opaque).troubles.note_certificate(broker, why);
    std::snprintf(text, size, "%s", why);
    return 0;
}

// Up to 2.6.0 librdkafka's SCRAM repeats its nonce, which brokers since Kafka 4.0 refuse as wrong
// credentials (librdkafka #4895). Debian 12 has 2.0.2.
std::string about_scram(const kafka_options& options) {
    if (!options.mechanism.starts_with("SCRAM") || does_scram_with_kafka_4()) return {};
    return std::string(". Librdkafka ") + rd_kafka_version_str() +
           " cannot do SCRAM with brokers of Kafka 4.0 and later: if these are such, use PLAIN "
           "over SASL_SSL, or librdkafka 2.6.1";
}

}  // namespace

bool does_scram_with_kafka_4() { return rd_kafka_version() >= 0x020601ff; }

void kafka_troubles::note(rd_kafka_resp_err_t code, const char* reason) {
    const std::scoped_lock lock(mutex_);
    const auto kind = code == RD_KAFKA_RESP_ERR__AUTHENTICATION ? about::authentication
                      : code == RD_KAFKA_RESP_ERR__SSL          ? about::certificate
                                                                : about::network;
    // That all brokers are down says less than why one of them is, and a handshake that failed says
    // less than what OpenSSL found in the certificate.
    if (kind_ != about::none && kind == about::network) return;
    if (kind == about::certificate && kind_ == about::certificate) return;
    if (kind == about::network && code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !reason_.empty())
        return;
    kind_ = kind;
    reason_ = reason;
}

void kafka_troubles::note_certificate(std::string broker, std::string reason) {
    const std::scoped_lock lock(mutex_);
    kind_ = about::certificate;
    reason_ = broker + ": the broker's certificate: " + reason;
}

void kafka_troubles::clear() {
    const std::scoped_lock lock(mutex_);
    kind_ = about::none;
    reason_.clear();
}

kafka_troubles::about kafka_troubles::kind() const {
    const std::scoped_lock lock(mutex_);
    return kind_;
}

error kafka_troubles::told(std::string what_failed) const {
    const std::scoped_lock lock(mutex_);
    std::string text = std::move(what_failed);
    if (!reason_.empty()) text += ": " + reason_;
    switch (kind_) {
        case about::authentication:
            if (options_.mechanism == msk_iam)
                return {.kind = errc::unavailable,
                        .code = "kafka_authentication",
                        .detail = text +
                                  ". Look at AWS_REGION, which is the cluster's, at the AWS "
                                  "credentials, and at their right to kafka-cluster:Connect"};
            return {.kind = errc::unavailable,
                    .code = "kafka_authentication",
                    .detail = text +
                              ". Look at KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and "
                              "KAFKA_SASL_MECHANISM (now " +
                              (options_.mechanism.empty() ? "none" : options_.mechanism) + ")" +
                              about_scram(options_)};
        case about::certificate:
            return {.kind = errc::unavailable,
                    .code = "kafka_certificate",
                    .detail = text + ". Look at KAFKA_SSL_CA_FILE (now " +
                              (options_.ca_file.empty() ? "the system's" : options_.ca_file) +
                              ") and KAFKA_SECURITY_PROTOCOL (now " + options_.protocol + ")"};
        case about::none:
        case about::network:
            break;
    }
    return {.kind = errc::unavailable,
            .code = "kafka_unreachable",
            .detail = text + ". Look at KAFKA_BOOTSTRAP_SERVERS (now " + options_.brokers +
                      ") and KAFKA_SECURITY_PROTOCOL (now " + options_.protocol + ")"};
}

result<kafka_handle> open_handle(rd_kafka_type_t type, const kafka_properties& properties,
                                 kafka_callbacks& callbacks) {
    std::array<char, 512> text{};
    auto* conf = rd_kafka_conf_new();
    for (const auto& [name, value] : properties)
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size()) !=
            RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(conf);
            return fail(errc::invalid, "kafka_setting", name + ": " + text.data());
        }
    rd_kafka_conf_set_opaque(conf, &callbacks);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    const auto& token = callbacks.troubles.options().token;
    if (token) {
        rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, on_token_wanted);
        rd_kafka_conf_enable_sasl_queue(conf, 1);
    }
    if (callbacks.delivered) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (callbacks.rebalance) {
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
        rd_kafka_conf_interceptor_add_on_new(conf, "stoa", on_new, &callbacks);
    }
    if (callbacks.committed) rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    for (const auto& [name, value] : properties)
        if (name == "security.protocol" && value.ends_with("SSL"))
            rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
    auto* made = rd_kafka_new(type, conf, text.data(), text.size());
    if (!made) {
        rd_kafka_conf_destroy(conf);
        return fail(errc::invalid, "kafka_setting", text.data());
    }
    kafka_handle out(made);
    if (!token) return out;
    if (auto* failed = rd_kafka_sasl_background_callbacks_enable(made)) {
        const std::string why = rd_kafka_error_string(failed);
        rd_kafka_error_destroy(failed);
        return fail(errc::invalid, "kafka_setting", why);
    }
    return out;
}

error told(rd_kafka_resp_err_t code, std::string what_failed) {
    error out{.kind = errc::unavailable,
              .code = "kafka_unavailable",
              .detail = std::move(what_failed) + ": " + rd_kafka_err2str(code)};
    switch (code) {
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            out.kind = errc::too_large;
            out.code = "event_too_large";
            break;
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
        case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
        case RD_KAFKA_RESP_ERR__TIMED_OUT:
        case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
            out.kind = errc::timeout;
            out.code = "kafka_timeout";
            break;
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            out.code = "kafka_forbidden";
            out.detail +=
                ": the user (KAFKA_SASL_USERNAME, or the AWS credentials' role) lacks that right";
            break;
        default:
            break;
    }
    return out;
}

}  // namespace stoa
