// Certificates of a test's own making, in PEM: an authority and what it has signed.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace stoa::testing {

struct made_certificate {
    std::string certificate, key;
};

class certificate_authority {
 public:
    explicit certificate_authority(const std::string& name);

    const std::string& certificate() const { return pem_; }
    // Valid from `begins_s` to `ends_s` from now. `names`: as openssl has them, IP:127.0.0.1 or
    // DNS:order, by commas.
    made_certificate sign(const std::string& name, const std::string& names = "IP:127.0.0.1",
                          long begins_s = -3'600, long ends_s = 3'600) const;

 private:
    struct freed {
        void operator()(EVP_PKEY* what) const { EVP_PKEY_free(what); }
        void operator()(X509* what) const { X509_free(what); }
    };
    using key = std::unique_ptr<EVP_PKEY, freed>;
    using x509 = std::unique_ptr<X509, freed>;

    // Signed by `by`, or by itself where there is no issuer.
    static x509 make(const std::string& name, EVP_PKEY* of, X509* issuer, EVP_PKEY* by,
                     long begins_s, long ends_s, int extension, const std::string& value);
    static std::string pem_of(X509& of);

    key key_;
    x509 own_;
    std::string pem_;
};

}  // namespace stoa::testing
