#include "transport/grpc/tls_identity.hpp"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

namespace stoa::rpc {
namespace {

template <auto free>
struct freed_by {
    template <class T>
    void operator()(T* what) const {
        free(what);
    }
};
using certificate = std::unique_ptr<X509, freed_by<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using memory_file = std::unique_ptr<BIO, freed_by<BIO_free>>;
struct stack_deleter {
    void operator()(STACK_OF(X509) * what) const { sk_X509_free(what); }  // a macro
};

std::unexpected<error> wrong(std::string_view setting, const std::string& what) {
    return fail(errc::invalid, "bad_setting", '`' + std::string(setting) + "`: " + what);
}

result<std::string> file_text(std::string_view setting, const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    // An empty file puts nothing into the stream, which calls that a failure.
    if (!in || (in.peek() != std::ifstream::traits_type::eof() && !(out << in.rdbuf())))
        return wrong(setting, path + " cannot be read");
    return std::move(out).str();
}

memory_file opened(const std::string& pem) {
    return memory_file(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::vector<certificate> certificates_in(const std::string& pem) {
    std::vector<certificate> out;
    const auto file = opened(pem);
    // No question for a passphrase: nobody sits at the terminal of a service.
    while (auto* one = PEM_read_bio_X509(file.get(), nullptr, nullptr, const_cast<char*>("")))
        out.emplace_back(one);
    return out;
}

std::string name_of(const X509& of) {
    char text[256] = "";
    X509_NAME_oneline(X509_get_subject_name(&of), text, sizeof text);
    return text;
}

std::string day_of(const ASN1_TIME* when) {
    tm parts{};
    if (ASN1_TIME_to_tm(when, &parts) != 1) return "an unreadable day";
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

result<void> check_time(std::string_view setting, const std::string& path, const X509& of,
                        std::time_t now) {
    if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(&of), now) < 0)
        return wrong(setting, path + ": the certificate of " + name_of(of) + " expired at " +
                                  day_of(X509_get0_notAfter(&of)));
    if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(&of), now) > 0)
        return wrong(setting, path + ": the certificate of " + name_of(of) +
                                  " is not valid before " + day_of(X509_get0_notBefore(&of)));
    return {};
}

// As the other processes will look at it, but for the host's name, which they know.
result<void> check_chain(const tls_files& from, const std::vector<certificate>& ours,
                         const std::vector<certificate>& believed, std::time_t now) {
    const std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>> store(X509_STORE_new());
    const std::unique_ptr<STACK_OF(X509), stack_deleter> between(sk_X509_new_null());
    const std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>> look(X509_STORE_CTX_new());
    for (const auto& each : believed) X509_STORE_add_cert(store.get(), each.get());
    for (std::size_t i = 1; i < ours.size(); ++i) sk_X509_push(between.get(), ours[i].get());
    X509_STORE_CTX_init(look.get(), store.get(), ours.front().get(), between.get());
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(look.get()), now);
    if (X509_verify_cert(look.get()) == 1) return {};
    return wrong("grpc_certificate_file",
                 from.grpc_certificate_file +
                     " would not be believed by the shop's other processes, whose `grpc_ca_file` "
                     "is as " +
                     from.grpc_ca_file + ": " +
                     X509_verify_cert_error_string(X509_STORE_CTX_get_error(look.get())));
}

result<void> check(const tls_files& from, const tls_identity& read, std::time_t now) {
    const auto ours = certificates_in(read.certificate), believed = certificates_in(read.ca);
    if (ours.empty())
        return wrong("grpc_certificate_file",
                     from.grpc_certificate_file + " holds no certificate in PEM");
    if (believed.empty())
        return wrong("grpc_ca_file", from.grpc_ca_file + " holds no certificate in PEM");
    const auto file = opened(read.key);
    const private_key key(
        PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, const_cast<char*>("")));
    if (!key)
        return wrong("grpc_key_file",
                     from.grpc_key_file + " holds no private key in PEM without a passphrase");
    if (X509_check_private_key(ours.front().get(), key.get()) != 1)
        return wrong("grpc_key_file", from.grpc_key_file +
                                          " is not the key of the certificate in " +
                                          from.grpc_certificate_file);
    for (const auto& each : ours)
        STOA_TRY_VOID(check_time("grpc_certificate_file", from.grpc_certificate_file, *each, now));
    // Of several authorities one may have ended: the next one stands beside it for that reason.
    if (believed.size() == 1)
        STOA_TRY_VOID(check_time("grpc_ca_file", from.grpc_ca_file, *believed.front(), now));
    return check_chain(from, ours, believed, now);
}

}  // namespace

result<tls_identity> read_tls_identity(const tls_files& from, timestamp now) {
    const std::pair<std::string_view, const std::string&> settings[] = {
        {"grpc_certificate_file", from.grpc_certificate_file},
        {"grpc_key_file", from.grpc_key_file},
        {"grpc_ca_file", from.grpc_ca_file}};
    std::string given, missing;
    for (const auto& [setting, path] : settings) {
        auto& list = path.empty() ? missing : given;
        (list += list.empty() ? "`" : " and `").append(setting) += '`';
    }
    if (given.empty()) return tls_identity{};
    if (!missing.empty())
        return fail(errc::invalid, "bad_setting",
                    given + " without " + missing +
                        ": mutual TLS between services takes all three, plain text none");
    tls_identity out;
    STOA_TRY(out.certificate, file_text("grpc_certificate_file", from.grpc_certificate_file));
    STOA_TRY(out.key, file_text("grpc_key_file", from.grpc_key_file));
    STOA_TRY(out.ca, file_text("grpc_ca_file", from.grpc_ca_file));
    STOA_TRY_VOID(check(from, out, now.micros / 1'000'000));
    return out;
}

}  // namespace stoa::rpc
