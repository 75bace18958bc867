#include "services/analytics/hyperloglog.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace stoa::analytics {
namespace {

fingerprint member(std::uint64_t series, std::uint64_t i) {
    return fingerprint_of("user-" + std::to_string(series) + '-' + std::to_string(i));
}
std::string bytes_of(const hyperloglog& of) {
    byte_writer to;
    of.write(to);
    return to.take();
}
std::optional<hyperloglog> read(std::string_view bytes) {
    byte_reader from(bytes);
    auto out = hyperloglog::read(from);
    if (!from.good() || !from.at_end()) return {};
    return out;
}

TEST(hyperloglog_test, few_members_are_counted_exactly) {
    hyperloglog all;
    EXPECT_EQ(all.count(), 0);
    for (std::size_t i = 1; i <= hyperloglog::most_members; ++i) {
        all.insert(member(1, i));
        all.insert(member(1, i));
        ASSERT_EQ(all.count(), static_cast<std::int64_t>(i));
    }
}

// Every one of them within three standard errors, and as close on average as the error says.
TEST(hyperloglog_test, a_count_is_within_three_standard_errors) {
    double squares = 0;
    int counts = 0;
    for (const std::int64_t wanted : {600, 2'000, 10'000, 40'000, 100'000, 1'000'000}) {
        const int series = wanted > 100'000 ? 3 : 12;
        for (int s = 0; s < series; ++s) {
            hyperloglog all;
            for (std::int64_t i = 0; i < wanted; ++i)
                all.insert(member(static_cast<std::uint64_t>(s), static_cast<std::uint64_t>(i)));
            const auto wrong =
                static_cast<double>(all.count() - wanted) / static_cast<double>(wanted);
            EXPECT_LE(std::abs(wrong), 3 * hyperloglog::standard_error)
                << wanted << " of series " << s;
            squares += wrong * wrong;
            ++counts;
        }
    }
    EXPECT_LE(std::sqrt(squares / counts), 1.3 * hyperloglog::standard_error);
}

TEST(hyperloglog_test, a_sum_is_the_sketch_of_the_union) {
    std::mt19937 chance(11);
    for (int round = 0; round < 60; ++round) {
        hyperloglog left, right, both;
        const auto sizes = {300U, 512U, 700U, 5'000U};
        const auto size = *(sizes.begin() + round % 4);
        for (unsigned i = 0; i < size; ++i) {
            const auto one = member(2, chance() % (2 * size));
            both.insert(one);
            if (chance() % 3 != 0) left.insert(one);
            else right.insert(one);
        }
        const auto right_alone = bytes_of(right);
        hyperloglog other_way;
        other_way.add(right);
        other_way.add(left);
        left.add(right);
        EXPECT_EQ(bytes_of(left), bytes_of(both)) << round;
        EXPECT_EQ(bytes_of(other_way), bytes_of(both)) << round;
        EXPECT_EQ(bytes_of(right), right_alone);
        left.add(right);
        EXPECT_EQ(left.count(), both.count()) << "twice is once";
    }
}

TEST(hyperloglog_test, bytes_are_bounded_and_read_back_as_they_were) {
    hyperloglog all;
    for (std::uint64_t i = 0; i < 1'000'000; ++i) {
        all.insert(member(3, i));
        if (i % 100'000 != 0 && i != 511) continue;
        const auto bytes = bytes_of(all);
        EXPECT_LE(bytes.size(), hyperloglog::most_bytes + 8);
        const auto again = read(bytes);
        ASSERT_TRUE(again) << i;
        EXPECT_EQ(again->count(), all.count());
        EXPECT_EQ(bytes_of(*again), bytes);
    }
}

TEST(hyperloglog_test, bytes_that_are_no_sketch_are_refused) {
    hyperloglog few, many;
    for (std::uint64_t i = 0; i < 5; ++i) few.insert(member(4, i));
    for (std::uint64_t i = 0; i < 5'000; ++i) many.insert(member(4, i));
    for (const auto& good : {bytes_of(few), bytes_of(many)}) {
        ASSERT_TRUE(read(good));
        for (std::size_t size = 0; size < good.size(); size += 1 + size / 8)
            EXPECT_FALSE(read(good.substr(0, size))) << size;
        EXPECT_FALSE(read(good + "x"));
        auto other_form = good;
        other_form.front() = 7;
        EXPECT_FALSE(read(other_form));
    }
    auto impossible = bytes_of(many);
    impossible.back() = 52;  // 50 bits have no 52nd
    EXPECT_FALSE(read(impossible));
    impossible.back() = 51;
    EXPECT_TRUE(read(impossible));
    byte_writer twice, too_many;
    twice.number(0);
    twice.number(2);
    for (int i = 0; i < 2; ++i) twice.print(member(4, 1));
    EXPECT_FALSE(read(twice.take()));
    too_many.number(0);
    too_many.number(513);
    for (std::uint64_t i = 0; i < 513; ++i) too_many.print(member(4, i));
    EXPECT_FALSE(read(too_many.take()));
}

}  // namespace
}  // namespace stoa::analytics
