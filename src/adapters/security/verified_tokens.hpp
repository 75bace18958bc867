// Tokens whose signature was checked before: a check costs about 100 µs, a look here far below 1
// µs.
#pragma once

#include "ports/security.hpp"

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace stoa {

// 128 keyed bits stand for a token: without the process's key nobody can make two that agree, and
// no token lies in memory.
struct token_fingerprint {
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const token_fingerprint&, const token_fingerprint&) = default;
};

// Bounded: sets of four, the entry that ends first gives way. The caller checks times. Thread rule:
// any thread.
class verified_tokens {
 public:
    explicit verified_tokens(std::size_t entries);  // rounded up to a power of two

    token_fingerprint fingerprint(std::string_view token) const;
    std::optional<token_claims> find(token_fingerprint) const;
    void remember(token_fingerprint, const token_claims&);
    void forget(token_fingerprint);
    void clear();
    std::size_t size() const;  // counts; for tests and tools

 private:
    static constexpr std::size_t ways = 4, locks = 64;
    struct entry {
        token_fingerprint of;
        token_claims claims;
        bool used = false;
    };
    std::size_t set_of(token_fingerprint f) const { return f.high & (sets_ - 1); }
    std::mutex& lock_of(std::size_t set) const { return (*mutexes_)[set % locks]; }

    std::array<unsigned char, 16> key_{};
    std::size_t sets_;
    std::vector<entry> entries_;
    std::unique_ptr<std::array<std::mutex, locks>> mutexes_ =
        std::make_unique<std::array<std::mutex, locks>>();
};

}  // namespace stoa
