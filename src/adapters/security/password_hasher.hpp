// argon2id by libsodium (RFC 9106), as PHC strings. The pool is the hasher's own, so that a flood
// of logins waits for other logins and for nothing else.
#pragma once

#include "ports/security.hpp"
#include "runtime/blocking_pool.hpp"

namespace stoa {

// OWASP's floor: about 26 ms of one core and 19 MiB while it runs.
struct password_cost {
    std::uint32_t memory_kib = 19'456;
    std::uint32_t passes = 2;
};

struct password_hasher_settings {
    password_cost cost;
    int threads = 2;
    std::size_t queue_limit =
        64;  // about a second of work; beyond it callers are told to come back
};

// Thread rule: any loop. Declare it after the loops whose coroutines wait on it.
class sodium_password_hasher final : public password_hasher {
 public:
    explicit sodium_password_hasher(password_hasher_settings settings = {});

    // Errors: `unavailable` (queue full, or no memory for the hash).
    task<result<std::string>> hash(std::string password) override;
    // A stored hash that is none counts as an unknown user, and is logged.
    task<result<bool>> verify(std::string password, std::string phc) override;
    bool needs_rehash(const std::string& phc) override;

 private:
    password_cost cost_;
    std::string nobody_;  // a hash of the same cost that no password has
    blocking_pool pool_;
};

}  // namespace stoa
