#include "adapters/security/password_hasher.hpp"

#include "adapters/security/sodium.hpp"
#include "runtime/log.hpp"

#include <sodium.h>

#include <array>
#include <cstdlib>

namespace stoa {
namespace {

std::size_t bytes_of(password_cost cost) { return std::size_t{cost.memory_kib} * 1024; }

// Made by hand: the hash of nothing is not worth 26 ms of every start.
std::string hash_of_nobody(password_cost cost) {
    const std::string salt(22, 'A'), digest(43, 'A');  // 16 and 32 bytes in base64 without padding
    return "$argon2id$v=19$m=" + std::to_string(cost.memory_kib) +
           ",t=" + std::to_string(cost.passes) + ",p=1$" + salt + '$' + digest;
}

}  // namespace

sodium_password_hasher::sodium_password_hasher(password_hasher_settings settings)
    : cost_(settings.cost),
      nobody_(hash_of_nobody(settings.cost)),
      pool_("password hashing", settings.threads, settings.queue_limit) {
    start_sodium();
    // A dummy that libsodium cannot parse would answer at once and tell who has an account.
    if (crypto_pwhash_str_needs_rehash(nobody_.c_str(), cost_.passes, bytes_of(cost_)) != 0)
        std::abort();
}

task<result<std::string>> sodium_password_hasher::hash(std::string password) {
    auto work = [cost = cost_, password = std::move(password)]() mutable -> result<std::string> {
        std::array<char, crypto_pwhash_STRBYTES> out{};
        const int failed =
            crypto_pwhash_str_alg(out.data(), password.data(), password.size(), cost.passes,
                                  bytes_of(cost), crypto_pwhash_ALG_ARGON2ID13);
        sodium_memzero(password.data(), password.size());
        if (failed)
            return fail({.kind = errc::unavailable,
                         .code = "no_memory",
                         .detail = "there is no memory to hash a password; ask again",
                         .retry_after_s = 1});
        return std::string(out.data());
    };
    return offload(pool_, std::move(work));
}

task<result<bool>> sodium_password_hasher::verify(std::string password, std::string phc) {
    const bool is_hash = phc.starts_with("$argon2id$") && phc.size() < crypto_pwhash_STRBYTES;
    if (!phc.empty() && !is_hash) log_error("password_hash_ill_formed");
    auto work = [phc = is_hash ? std::move(phc) : nobody_,
                 password = std::move(password)]() mutable -> result<bool> {
        const int differs = crypto_pwhash_str_verify(phc.c_str(), password.data(), password.size());
        sodium_memzero(password.data(), password.size());
        return differs == 0;
    };
    return offload(pool_, std::move(work));
}

bool sodium_password_hasher::needs_rehash(const std::string& phc) {
    return crypto_pwhash_str_needs_rehash(phc.c_str(), cost_.passes, bytes_of(cost_)) != 0;
}

}  // namespace stoa
