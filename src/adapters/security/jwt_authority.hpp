// Access tokens: JWT (RFC 7519) in JWS compact form (RFC 7515), EdDSA over Ed25519 (RFC 8037), typ
// at+jwt (RFC 9068).
#pragma once

#include "adapters/security/key_file.hpp"
#include "adapters/security/verified_tokens.hpp"
#include "ports/security.hpp"

#include <shared_mutex>

namespace stoa {

struct jwt_settings {
    std::string issuer = "stoa";
    std::string audience = "stoa";
    seconds leeway{30};  // between the clocks of two machines
    std::size_t cached_tokens = 4'096;
};

// The parts of RFC 7515 that are the same for any token.
std::string sign_jws(std::string_view seed, std::string_view header, std::string_view payload);
// Checks only the signature over `signed_part` (header.payload, as they were sent).
bool verify_ed25519(std::string_view public_key, std::string_view signed_part,
                    std::string_view signature);

// A token is accepted only if its header is, byte for byte, one that this class writes:
// {"alg":"EdDSA","kid":…, "typ":"at+jwt"} with a kid of the ring. So the algorithm is pinned to its
// key and no other header member is ever read. The header's bytes are therefore a format: changing
// them signs everybody out. Thread rule: any thread.
class jwt_authority final : public token_authority {
 public:
    explicit jwt_authority(const key_ring& keys, jwt_settings settings = {});

    std::string sign(const token_claims&) override;
    // `unauthenticated`, code invalid_token; the detail is for logs. Tokens are at most 2 KiB long.
    result<token_claims> verify(std::string_view token, timestamp now) override;
    std::string jwks() override;
    std::string digest(std::string_view secret) override;

    // After a rotation: signs with the new active key; tokens of keys that are gone stop at once.
    void use(const key_ring& keys);
    std::size_t cached() const { return cache_.size(); }

 private:
    struct ready_key {
        std::string kid, seed, public_key;
        std::string header;  // encoded, with its dot
    };
    struct ready_keys {
        std::vector<ready_key> all;
        std::size_t active = 0;
        std::string digest_key;
    };
    static ready_keys prepare(const key_ring& keys);
    result<token_claims> check(std::string_view token) const;  // under the mutex
    result<token_claims> read_claims(std::string_view payload) const;
    result<void> check_times(const token_claims&, timestamp now) const;

    jwt_settings settings_;
    mutable std::shared_mutex mutex_;  // of keys_
    ready_keys keys_;
    verified_tokens cache_;
};

}  // namespace stoa
