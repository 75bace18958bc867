// The TLS client of a mail conversation: no sockets, only bytes in and bytes out.
#pragma once

#include "base/result.hpp"

#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace stoa {

// Thread rule: one thread. Errors: `unavailable` with code mail_server_certificate where the
// certificate is not trusted, is out of date or names another host, mail_server_tls for the rest;
// `invalid` with code ca_file_unreadable.
class smtp_tls {
 public:
    // `host` is whom the certificate must name, a name or an address. `ca_file`: PEM of whom it
    // must be from; empty: the machine's authorities.
    static result<std::unique_ptr<smtp_tls>> begin(const std::string& host,
                                                   const std::string& ca_file);

    void feed(std::string_view from_server);
    std::string outgoing();    // for the server, after every call of the others
    result<bool> handshake();  // true: done; false: the server has to say more first
    result<void> write(std::string_view plain);
    result<std::string> read();  // empty: nothing yet

 private:
    struct freed {
        void operator()(ssl_ctx_st* what) const;
        void operator()(ssl_st* what) const;
    };
    smtp_tls() = default;
    error wrong() const;

    std::unique_ptr<ssl_ctx_st, freed> context_;
    std::unique_ptr<ssl_st, freed> session_;
};

}  // namespace stoa
