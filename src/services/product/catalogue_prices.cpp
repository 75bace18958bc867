#include "services/product/catalogue_prices.hpp"

#include <algorithm>
#include <numeric>

namespace stoa::products {

namespace {

constexpr std::size_t most_in_block = 1'024;

std::ptrdiff_t offset(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }

}  // namespace

// The last block that begins at or below the price; the first for prices below all.
std::size_t price_counts::block_of(std::int64_t price_minor) const {
    const auto after = std::ranges::upper_bound(firsts_, price_minor) - firsts_.begin();
    return after == 0 ? 0 : static_cast<std::size_t>(after - 1);
}

void price_counts::add(std::int64_t price_minor) {
    ++size_;
    if (blocks_.empty()) {
        blocks_.push_back({.prices = {price_minor}, .counts = {1}});
        firsts_.push_back(price_minor);
        sums_.push_back(1);
        return;
    }
    const auto b = block_of(price_minor);
    auto& [prices, counts] = blocks_[b];
    const auto at = std::ranges::lower_bound(prices, price_minor) - prices.begin();
    ++sums_[b];
    if (at < std::ssize(prices) && prices[static_cast<std::size_t>(at)] == price_minor) {
        ++counts[static_cast<std::size_t>(at)];
        return;
    }
    prices.insert(prices.begin() + at, price_minor);
    counts.insert(counts.begin() + at, 1);
    firsts_[b] = prices.front();
    if (prices.size() > most_in_block) split(b);
}

void price_counts::split(std::size_t at) {
    block upper;
    auto& lower = blocks_[at];
    const auto half = offset(lower.prices.size() / 2);
    upper.prices.assign(lower.prices.begin() + half, lower.prices.end());
    upper.counts.assign(lower.counts.begin() + half, lower.counts.end());
    lower.prices.resize(static_cast<std::size_t>(half));
    lower.counts.resize(static_cast<std::size_t>(half));
    const auto moved = std::accumulate(upper.counts.begin(), upper.counts.end(), std::uint64_t{0});
    sums_[at] -= moved;
    sums_.insert(sums_.begin() + offset(at + 1), moved);
    firsts_.insert(firsts_.begin() + offset(at + 1), upper.prices.front());
    blocks_.insert(blocks_.begin() + offset(at + 1), std::move(upper));
}

void price_counts::remove(std::int64_t price_minor) {
    const auto b = block_of(price_minor);
    auto& [prices, counts] = blocks_[b];
    const auto at = std::ranges::lower_bound(prices, price_minor) - prices.begin();
    --size_;
    --sums_[b];
    if (--counts[static_cast<std::size_t>(at)] > 0) return;
    prices.erase(prices.begin() + at);
    counts.erase(counts.begin() + at);
    if (!prices.empty()) {
        firsts_[b] = prices.front();
        return;
    }
    blocks_.erase(blocks_.begin() + offset(b));
    firsts_.erase(firsts_.begin() + offset(b));
    sums_.erase(sums_.begin() + offset(b));
}

std::uint64_t price_counts::below(std::int64_t price_minor, bool inclusive) const {
    if (blocks_.empty()) return 0;
    const auto b = block_of(price_minor);
    const auto& [prices, counts] = blocks_[b];
    const auto end = inclusive ? std::ranges::upper_bound(prices, price_minor) - prices.begin()
                               : std::ranges::lower_bound(prices, price_minor) - prices.begin();
    return std::accumulate(sums_.begin(), sums_.begin() + offset(b), std::uint64_t{0}) +
           std::accumulate(counts.begin(), counts.begin() + end, std::uint64_t{0});
}

std::uint64_t price_counts::count(std::optional<std::int64_t> min_minor,
                                  std::optional<std::int64_t> max_minor) const {
    if (min_minor && max_minor && *min_minor > *max_minor) return 0;
    const auto up_to_max = max_minor ? below(*max_minor, true) : size_;
    return up_to_max - (min_minor ? below(*min_minor, false) : 0);
}

std::size_t price_counts::heap_bytes() const {
    std::size_t bytes =
        firsts_.capacity() * 8 + sums_.capacity() * 8 + blocks_.capacity() * sizeof(block);
    for (const auto& b : blocks_) bytes += b.prices.capacity() * 8 + b.counts.capacity() * 4;
    return bytes;
}

}  // namespace stoa::products
