#include "adapters/smtp/smtp_tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace stoa {
namespace {

// The newest of OpenSSL's queue; the queue is empty afterwards.
std::string reason() {
    std::string out = "no reason was given";
    while (const auto code = ::ERR_get_error())
        if (const char* text = ::ERR_reason_error_string(code)) out = text;
    return out;
}

bool is_address(const std::string& host) {
    in6_addr ignored{};
    return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

void smtp_tls::freed::operator()(ssl_ctx_st* what) const { ::SSL_CTX_free(what); }
void smtp_tls::freed::operator()(ssl_st* what) const { ::SSL_free(what); }

result<std::unique_ptr<smtp_tls>> smtp_tls::begin(const std::string& host,
                                                  const std::string& ca_file) {
    std::unique_ptr<smtp_tls> out(new smtp_tls);
    ::ERR_clear_error();
    out->context_.reset(::SSL_CTX_new(::TLS_client_method()));
    if (!out->context_) return fail(errc::internal, "mail_server_tls", reason());
    auto* const context = out->context_.get();
    ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    const bool trusting = ca_file.empty()
                              ? ::SSL_CTX_set_default_verify_paths(context) == 1
                              : ::SSL_CTX_load_verify_file(context, ca_file.c_str()) == 1;
    if (!trusting) return fail(errc::invalid, "ca_file_unreadable", ca_file + ": " + reason());
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    out->session_.reset(::SSL_new(context));
    if (!out->session_) return fail(errc::internal, "mail_server_tls", reason());
    auto* const session = out->session_.get();
    const bool named =
        is_address(host)
            ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session), host.c_str()) == 1
            : ::SSL_set1_host(session, host.c_str()) == 1 &&
                  ::SSL_set_tlsext_host_name(session, host.c_str()) == 1;
    if (!named) return fail(errc::invalid, "mail_server_tls", host + ": " + reason());
    ::SSL_set_bio(session, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
    ::SSL_set_connect_state(session);
    return out;
}

void smtp_tls::feed(std::string_view from_server) {
    ::BIO_write(::SSL_get_rbio(session_.get()), from_server.data(),
                static_cast<int>(from_server.size()));
}

std::string smtp_tls::outgoing() {
    auto* const from = ::SSL_get_wbio(session_.get());
    std::string out(::BIO_ctrl_pending(from), '\0');
    if (out.empty()) return out;
    const int n = ::BIO_read(from, out.data(), static_cast<int>(out.size()));
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
}

error smtp_tls::wrong() const {
    const auto verdict = ::SSL_get_verify_result(session_.get());
    const auto why = reason();
    if (verdict != X509_V_OK)
        return {.kind = errc::unavailable,
                .code = "mail_server_certificate",
                .detail = std::string("the mail server's certificate is not trusted: ") +
                          ::X509_verify_cert_error_string(verdict)};
    return {.kind = errc::unavailable,
            .code = "mail_server_tls",
            .detail = "no TLS with the mail server: " + why};
}

result<bool> smtp_tls::handshake() {
    ::ERR_clear_error();
    const int done = ::SSL_do_handshake(session_.get());
    if (done == 1) return true;
    if (::SSL_get_error(session_.get(), done) == SSL_ERROR_WANT_READ) return false;
    return fail(wrong());
}

result<void> smtp_tls::write(std::string_view plain) {
    ::ERR_clear_error();
    // Into memory: always taken whole.
    if (plain.empty() ||
        ::SSL_write(session_.get(), plain.data(), static_cast<int>(plain.size())) > 0)
        return {};
    return fail(wrong());
}

result<std::string> smtp_tls::read() {
    ::ERR_clear_error();
    std::string out(16 * 1024, '\0');
    const int n = ::SSL_read(session_.get(), out.data(), static_cast<int>(out.size()));
    if (n <= 0) {
        if (::SSL_get_error(session_.get(), n) == SSL_ERROR_WANT_READ) return std::string();
        if (::SSL_get_error(session_.get(), n) == SSL_ERROR_ZERO_RETURN)
            return fail(errc::unavailable, "mail_server_unavailable",
                        "the mail server closed the connection");
        return fail(wrong());
    }
    out.resize(static_cast<std::size_t>(n));
    return out;
}

}  // namespace stoa
