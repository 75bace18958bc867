#include "transport/middleware/rate_limit.hpp"

#include <algorithm>
#include <chrono>

namespace stoa {
namespace {

double refilled(double tokens, instant since, instant now, rate limit) {
    const double passed_s = std::chrono::duration<double>(now - since).count();
    return std::min(limit.burst, tokens + passed_s * limit.per_second);
}

}  // namespace

bool rate_limiter::take(const std::string& name, rate limit, instant now) {
    if (!limit.limited()) return true;
    auto& in = shards_[std::hash<std::string>()(name) % shards_.size()];
    const std::scoped_lock lock(in.mutex);
    if (in.buckets.size() >= most_per_shard && !in.buckets.contains(name))
        forget_idle(in, limit, now);
    auto [found, fresh] = in.buckets.try_emplace(name, bucket{limit.burst, now});
    auto& one = found->second;
    one.tokens = refilled(one.tokens, one.at, now, limit);
    one.at = now;
    if (one.tokens < 1) return false;
    one.tokens -= 1;
    return true;
}

// Drops buckets that are full again; where none is, half of them: an attacker's names, mostly.
void rate_limiter::forget_idle(shard& in, rate limit, instant now) {
    std::erase_if(in.buckets, [&](const auto& each) {
        return refilled(each.second.tokens, each.second.at, now, limit) >= limit.burst;
    });
    if (in.buckets.size() < most_per_shard) return;
    bool keep = false;
    std::erase_if(in.buckets, [&](const auto&) { return keep = !keep; });
}

std::size_t rate_limiter::size() const {
    std::size_t sum = 0;
    for (const auto& each : shards_) {
        const std::scoped_lock lock(each.mutex);
        sum += each.buckets.size();
    }
    return sum;
}

}  // namespace stoa
