#include "base/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace stoa {
namespace {

using std::chrono::microseconds;

TEST(latency_histogram, says_nothing_of_nothing) {
    const latency_histogram none;
    EXPECT_EQ(none.count(), 0);
    EXPECT_EQ(none.quantile_us(0.99), 0);
    EXPECT_EQ(none.max_us(), 0);
    EXPECT_EQ(none.mean_us(), 0);
}

TEST(latency_histogram, quantiles_are_those_of_the_sorted_samples_within_a_64th) {
    std::mt19937_64 chance(7);
    for (const double spread : {1.0, 8.0, 20.0}) {
        std::lognormal_distribution<double> drawn(spread / 2, spread / 8);
        latency_histogram made;
        std::vector<std::int64_t> all;
        for (int i = 0; i < 20'000; ++i) {
            const auto us = static_cast<std::int64_t>(std::min(drawn(chance), 3.5e9));
            all.push_back(us);
            made.record(microseconds(us));
        }
        std::ranges::sort(all);
        for (const double share : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
            const auto exact = all[static_cast<std::size_t>(std::ceil(share * 20'000)) - 1];
            EXPECT_GE(made.quantile_us(share), exact) << spread << ' ' << share;
            EXPECT_LE(made.quantile_us(share), exact + exact / 64) << spread << ' ' << share;
        }
        EXPECT_EQ(made.max_us(), all.back());
    }
}

TEST(latency_histogram, every_edge_falls_into_its_bucket) {
    for (int power = 0; power < 31; ++power)
        for (const std::int64_t off : {-1, 0, 1}) {
            const auto us = (std::int64_t{1} << power) + off;
            latency_histogram one;
            one.record(microseconds(us));
            one.record(microseconds(3'600'000'000));
            EXPECT_GE(one.quantile_us(0.5), us);
            EXPECT_LE(one.quantile_us(0.5), us + us / 64);
        }
}

TEST(latency_histogram, what_is_out_of_range_counts_at_its_end) {
    latency_histogram one;
    one.record(microseconds(-5));
    EXPECT_EQ(one.quantile_us(1), 0);
    one.record(std::chrono::hours(100));
    EXPECT_EQ(one.max_us(), 3'600'000'000);
    EXPECT_EQ(one.quantile_us(1), 3'600'000'000);
}

TEST(latency_histogram, two_added_are_one_of_all) {
    latency_histogram a, b, both;
    for (int i = 1; i <= 100; ++i) {
        (i % 2 ? a : b).record(microseconds(i * i));
        both.record(microseconds(i * i));
    }
    a.add(b);
    EXPECT_EQ(a.count(), 100);
    EXPECT_EQ(a.mean_us(), both.mean_us());
    EXPECT_EQ(a.quantile_us(0.9), both.quantile_us(0.9));
}

}  // namespace
}  // namespace stoa
