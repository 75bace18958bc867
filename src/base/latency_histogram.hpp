// How long things took: counts in buckets whose width grows with the time, so that a quantile is
// told within 1/64 of its value whatever its size, in 16 KB and without keeping the samples.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace stoa {

class latency_histogram {
 public:
    // Times below zero count as zero, beyond an hour as an hour.
    void record(std::chrono::nanoseconds took) {
        const auto micros = std::clamp<std::int64_t>(took.count() / 1'000, 0, longest_us);
        ++counts_[bucket_of(static_cast<std::uint64_t>(micros))];
        ++count_;
        sum_us_ += micros;
        max_us_ = std::max(max_us_, micros);
    }
    void add(const latency_histogram& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
        count_ += other.count_;
        sum_us_ += other.sum_us_;
        max_us_ = std::max(max_us_, other.max_us_);
    }

    std::int64_t count() const { return count_; }
    double mean_us() const {
        return count_ == 0 ? 0 : static_cast<double>(sum_us_) / static_cast<double>(count_);
    }
    std::int64_t max_us() const { return max_us_; }
    // The time that a share of all did not exceed, 0 < share <= 1: the upper edge of its bucket.
    // 0 where there is none.
    std::int64_t quantile_us(double share) const {
        const auto wanted =
            static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_)));
        std::int64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if (counts_[i] > 0 && (seen += counts_[i]) >= wanted)
                return std::min(upper_edge_us(i), max_us_);
        return max_us_;
    }

 private:
    static constexpr int steps_bits = 6;  // buckets a power of two: 64
    static constexpr std::int64_t longest_us = 3'600'000'000;

    // Below 64 a bucket a microsecond; then 64 for each doubling.
    static std::size_t bucket_of(std::uint64_t micros) {
        if (micros < 1U << steps_bits) return micros;
        const auto power = std::bit_width(micros) - 1 - steps_bits;
        return (static_cast<std::size_t>(power) << steps_bits) + (micros >> power);
    }
    static std::int64_t upper_edge_us(std::size_t bucket) {
        if (bucket < 2U << steps_bits) return static_cast<std::int64_t>(bucket);
        const auto power = (bucket >> steps_bits) - 1;
        const auto step = (bucket & ((1U << steps_bits) - 1)) + (1U << steps_bits);
        return static_cast<std::int64_t>(((step + 1) << power) - 1);
    }

    std::array<std::int64_t, (32 - steps_bits + 1) << steps_bits> counts_{};
    std::int64_t count_ = 0, sum_us_ = 0, max_us_ = 0;
};

}  // namespace stoa
