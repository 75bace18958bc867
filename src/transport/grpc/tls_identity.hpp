// Who this process is to the shop's others by gRPC, and whom it believes. Read once, at start.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <string>

namespace stoa::rpc {

// PEM. All of it: mutual TLS. None of it: plain text.
struct tls_identity {
    std::string certificate;  // ours first, then those between it and the authority's
    std::string key;
    std::string ca;  // whose certificates the others must show

    bool operator==(const tls_identity&) const = default;
};

// Where they lie; the members are named as the settings are.
struct tls_files {
    std::string grpc_certificate_file, grpc_key_file, grpc_ca_file;
};

// Errors: `invalid` with code bad_setting, for the user and with the setting's name: some of the
// three without the others, a file that cannot be read or holds something else, a certificate
// before or after its time, a key of another certificate, a certificate that is not of the
// authority, which no other process would believe.
result<tls_identity> read_tls_identity(const tls_files& from, timestamp now);

}  // namespace stoa::rpc
