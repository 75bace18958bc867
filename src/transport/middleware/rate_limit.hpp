// Token buckets by name (a principal, an address). Memory is bounded: a full table forgets the
// fullest buckets, which are the ones that limit nobody.
#pragma once

#include "base/time.hpp"

#include <array>
#include <mutex>
#include <string>
#include <unordered_map>

namespace stoa {

struct rate {
    double burst = 0;       // tokens at the start and at most
    double per_second = 0;  // refill
    bool limited() const { return burst > 0; }
};

// Thread rule: any thread; sharded locks.
class rate_limiter {
 public:
    // Takes one token. False: none left.
    bool take(const std::string& name, rate limit, instant now);
    std::size_t size() const;

 private:
    struct bucket {
        double tokens = 0;
        instant at;
    };
    struct shard {
        mutable std::mutex mutex;
        std::unordered_map<std::string, bucket> buckets;
    };
    static constexpr std::size_t most_per_shard = 16'384;
    static void forget_idle(shard& in, rate limit, instant now);
    std::array<shard, 64> shards_;
};

}  // namespace stoa
