// Passwords and tokens as the user service and the middleware see them.
#pragma once

#include "base/context.hpp"
#include "runtime/task.hpp"

namespace stoa {

// argon2id on a small pool of its own, so that a login flood cannot stop checkout. A full queue is
// `unavailable` with Retry-After. Thread rule: any loop.
class password_hasher {
 public:
    virtual ~password_hasher() = default;
    virtual task<result<std::string>> hash(std::string password) = 0;  // PHC string
    // Spends the same time whether or not `phc` is a real hash: pass an empty one for unknown
    // users.
    virtual task<result<bool>> verify(std::string password, std::string phc) = 0;
    virtual bool needs_rehash(const std::string& phc) = 0;
};

struct token_claims {
    std::string user_id;
    std::string session_id;
    role is = role::customer;
    timestamp issued_at, expires_at;
};

// Signed access tokens (JWT, EdDSA, `kid`, typ at+jwt). Thread rule: any thread.
class token_authority {
 public:
    virtual ~token_authority() = default;
    virtual std::string sign(const token_claims&) = 0;
    // `unauthenticated` for every defect; the detail says which, for logs only.
    virtual result<token_claims> verify(std::string_view token, timestamp now) = 0;
    virtual std::string jwks() = 0;  // public keys, RFC 7517
    // Keyed digest for secrets that are looked up (API keys, refresh tokens): hex of 32 bytes.
    virtual std::string digest(std::string_view secret) = 0;
};

}  // namespace stoa
