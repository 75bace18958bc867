#include "support/certificates.hpp"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace stoa::testing {
namespace {

template <class Write>
std::string text_of(Write write) {
    const std::unique_ptr<BIO, decltype([](BIO* b) { BIO_free(b); })> out(BIO_new(BIO_s_mem()));
    write(out.get());
    char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace

certificate_authority::certificate_authority(const std::string& name)
    : key_(EVP_EC_gen("P-256")),
      own_(make(name, key_.get(), nullptr, key_.get(), -7'200, 7'200, NID_basic_constraints,
                "critical,CA:TRUE")),
      pem_(pem_of(*own_)) {}

made_certificate certificate_authority::sign(const std::string& name, const std::string& names,
                                             long begins_s, long ends_s) const {
    const key fresh(EVP_EC_gen("P-256"));
    const auto made = make(name, fresh.get(), own_.get(), key_.get(), begins_s, ends_s,
                           NID_subject_alt_name, names);
    return {pem_of(*made), text_of([&](BIO* to) {
                PEM_write_bio_PrivateKey(to, fresh.get(), nullptr, nullptr, 0, nullptr, nullptr);
            })};
}

certificate_authority::x509 certificate_authority::make(const std::string& name, EVP_PKEY* of,
                                                        X509* issuer, EVP_PKEY* by, long begins_s,
                                                        long ends_s, int extension,
                                                        const std::string& value) {
    x509 out(X509_new());
    X509_set_version(out.get(), 2);
    std::int64_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(out.get()), serial & INT64_MAX);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), ends_s);
    X509_set_pubkey(out.get(), of);
    auto* subject = X509_get_subject_name(out.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(out.get(), issuer ? X509_get_subject_name(issuer) : subject);
    const std::unique_ptr<X509_EXTENSION,
                          decltype([](X509_EXTENSION* e) { X509_EXTENSION_free(e); })>
        said(X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str()));
    X509_add_ext(out.get(), said.get(), -1);
    X509_sign(out.get(), by, EVP_sha256());
    return out;
}

std::string certificate_authority::pem_of(X509& of) {
    return text_of([&](BIO* to) { PEM_write_bio_X509(to, &of); });
}

}  // namespace stoa::testing
