// Money, time and ids: exact, total over their range, and never a wrong value for a wrong text.
#include "base/ids.hpp"
#include "base/money.hpp"
#include "base/time.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stoa {
namespace {

currency_code code(std::string_view text) { return *read_currency(text); }

TEST(money, every_amount_reads_back_in_every_currency_size) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 chance(seed);
    for (const auto* name : {"USD", "JPY", "KWD", "UYW"}) {
        for (const std::int64_t edge : {INT64_MIN, INT64_MIN + 1, std::int64_t{-1}, std::int64_t{0},
                                        std::int64_t{1}, INT64_MAX})
            EXPECT_EQ(read_minor(money_text({edge, code(name)}), code(name)), edge) << name;
        for (int i = 0; i < 10'000; ++i) {
            const auto minor = static_cast<std::int64_t>(chance()) >> (chance() % 63);
            ASSERT_EQ(read_minor(money_text({minor, code(name)}), code(name)), minor)
                << name << ' ' << minor;
        }
    }
}

TEST(money, is_written_with_the_digits_of_its_currency) {
    EXPECT_EQ(money_text({1210, code("EUR")}), "12.10");
    EXPECT_EQ(money_text({-5, code("EUR")}), "-0.05");
    EXPECT_EQ(money_text({1210, code("JPY")}), "1210");
    EXPECT_EQ(money_text({1, code("KWD")}), "0.001");
}

TEST(money, more_digits_than_the_currency_has_are_refused_unless_they_are_zeros) {
    EXPECT_EQ(read_minor("1.100", code("EUR")), 110);
    EXPECT_EQ(read_minor("1.101", code("EUR")), std::nullopt);
    EXPECT_EQ(read_minor("1.5", code("JPY")), std::nullopt);
    EXPECT_EQ(read_minor("1.0", code("JPY")), 1);
}

TEST(money, junk_is_no_amount) {
    for (const auto* text : {"", "-", ".", "1.", ".5", "--1", "-+1", "+1", "1e2", "1,5", " 1", "1 ",
                             "0x1", "1.-5", "1.2.3", "NaN", "92233720368547758.08",
                             "-92233720368547758.09", "99999999999999999999999"})
        EXPECT_EQ(read_minor(text, code("USD")), std::nullopt) << text;
}

TEST(money, only_codes_of_current_tender_are_currencies) {
    for (const auto* text : {"", "usd", "US", "USDX", "XTS", "DEM", "U$D"})
        EXPECT_FALSE(read_currency(text)) << text;
    EXPECT_EQ(code("GBP").text(), "GBP");
}

TEST(money, sums_and_products_tell_of_overflow) {
    EXPECT_EQ(checked_add(INT64_MAX, 1), std::nullopt);
    EXPECT_EQ(checked_add(INT64_MAX, -1), INT64_MAX - 1);
    EXPECT_EQ(checked_multiply(INT64_MIN, -1), std::nullopt);
    EXPECT_EQ(checked_multiply(3, -4), -12);
}

TEST(time, every_time_reads_back_and_text_order_is_time_order) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 chance(seed);
    constexpr std::int64_t first = -62'167'219'200'000'000, last = 253'402'300'799'999'999;
    std::uniform_int_distribution<std::int64_t> any(first, last);
    timestamp before{first};
    for (int i = 0; i < 20'000; ++i) {
        const timestamp t{i == 0 ? first : i == 1 ? last : any(chance)};
        ASSERT_EQ(read_rfc3339(rfc3339(t)), t) << rfc3339(t);
        ASSERT_EQ(rfc3339(t) < rfc3339(before), t < before);
        before = t;
    }
    EXPECT_EQ(rfc3339({0}), "1970-01-01T00:00:00.000000Z");
}

TEST(time, offsets_and_fractions_are_understood) {
    const auto at = read_rfc3339("2026-11-21T12:00:00Z");
    for (const auto* same : {"2026-11-21t12:00:00z", "2026-11-21 12:00:00Z",
                             "2026-11-21T14:30:00+02:30", "2026-11-21T07:00:00-05:00",
                             "2026-11-21T12:00:00.000000999Z", "2026-11-21T12:00:00.0+00:00"})
        EXPECT_EQ(read_rfc3339(same), at) << same;
    EXPECT_EQ(read_rfc3339("2026-11-21T12:00:00.5Z")->micros - at->micros, 500'000);
}

TEST(time, what_is_no_time_is_refused) {
    for (const auto* text :
         {"", "2026", "2026-11-21", "2026-11-21T12:00Z", "2026-11-21T12:00:00",
          "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
          "2026-11-21T12:60:00Z", "2026-11-21T12:00:60Z", "2026-11-21T12:00:00.Z",
          "2026-11-21T12:00:00.1234567890Z", "2026-11-21T12:00:00Zx", "2026-11-21T12:00:00+24:00",
          "2026-11-21T12:00:00+01", "+2026-11-21T12:00:00Z", "2026-1-21T12:00:00Z",
          "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"})
        EXPECT_FALSE(read_rfc3339(text)) << text;
    EXPECT_TRUE(read_rfc3339("2024-02-29T00:00:00Z"));
    const auto whole = rfc3339({1'790'000'000'123'456});
    for (std::size_t n = 0; n < whole.size(); ++n)
        EXPECT_FALSE(read_rfc3339(whole.substr(0, n))) << n;
}

TEST(ids, are_version_7_and_sort_by_their_time) {
    const auto id = uuid_v7({1'790'000'000'000'000}, ~0ULL, ~0ULL);
    EXPECT_TRUE(is_uuid(id));
    EXPECT_EQ(id[14], '7');
    EXPECT_EQ(id[19], 'b') << "variant 10 and two random bits";
    EXPECT_EQ(uuid_v7({0}, 0, 0), "00000000-0000-7000-8000-000000000000");
    EXPECT_LT(uuid_v7({1'000}, ~0ULL, ~0ULL), uuid_v7({2'000}, 0, 0));
}

TEST(ids, nothing_else_is_a_uuid) {
    const std::string good = "0190a0b0-1234-7abc-8def-0123456789AB";
    EXPECT_TRUE(is_uuid(good));
    EXPECT_FALSE(is_uuid(""));
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto bad = good;
        bad[i] = 'g';
        EXPECT_FALSE(is_uuid(bad)) << i;
        EXPECT_FALSE(is_uuid(good.substr(0, i))) << i;
    }
    EXPECT_FALSE(is_uuid(good + "0"));
}

TEST(ids, the_stable_hash_stays_what_it_was_and_spreads_short_keys) {
    EXPECT_EQ(stable_hash("order-1"), stable_hash("order-1"));
    std::array<int, 16> shards{};
    for (int i = 0; i < 16'000; ++i) ++shards[stable_hash(std::to_string(i)) % shards.size()];
    for (const int n : shards) {
        EXPECT_GT(n, 800);
        EXPECT_LT(n, 1'200);
    }
}

}  // namespace
}  // namespace stoa
