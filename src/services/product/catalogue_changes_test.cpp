// Changes of one product that reach the index in another order than that in which they were made.
#include "services/product/catalogue_index.hpp"

#include <gtest/gtest.h>

namespace stoa::products {
namespace {

// What index.upsert() is told of one product: by which change, at what price, whether in stock.
indexed_product told(std::uint64_t change, std::int64_t price, bool in_stock, bool active = true) {
    return {.id = "a",
            .sku = {},
            .name = "vase",
            .category = "Kitchen",
            .description = {},
            .price_minor = price,
            .in_stock = in_stock,
            .active = active,
            .created_seq = 1,
            .change = change};
}

TEST(catalogue_changes, of_changes_that_are_told_out_of_order_the_latest_counts) {
    catalogue_index index;
    index.upsert(told(2, 200, true));
    index.upsert(told(1, 100, false));
    EXPECT_EQ(index.count({.min_price_minor = 200, .in_stock = true}), 1U);
    index.set_in_stock("a", false, 4);
    index.set_in_stock("a", true, 3);
    EXPECT_EQ(index.count({.in_stock = true}), 0U);
    index.compact();
    index.set_in_stock("a", true, 3);
    EXPECT_EQ(index.count({.in_stock = true}), 0U);
}

TEST(catalogue_changes, a_later_change_of_stock_hides_no_earlier_one_of_the_rest) {
    catalogue_index index;
    index.upsert(told(1, 100, true));
    index.set_in_stock("a", false, 3);
    index.upsert(told(2, 200, true));  // before the units were sold
    EXPECT_EQ(index.count({.min_price_minor = 200, .in_stock = false}), 1U);
    index.set_in_stock("a", true, 2);
    EXPECT_EQ(index.count({.in_stock = true}), 0U);
    index.upsert(told(4, 300, true));
    EXPECT_EQ(index.count({.min_price_minor = 300, .in_stock = true}), 1U);
}

TEST(catalogue_changes, what_is_sold_before_its_maker_tells_of_it_is_not_in_stock) {
    catalogue_index index;
    EXPECT_FALSE(index.set_in_stock("a", true, 4));
    EXPECT_FALSE(index.set_in_stock("a", false, 5));
    EXPECT_FALSE(index.set_in_stock("a", true, 4));
    index.compact();
    index.upsert(told(0, 100, true));
    EXPECT_EQ(index.count({.in_stock = false}), 1U);
    index.set_in_stock("a", true, 6);
    EXPECT_EQ(index.count({.in_stock = true}), 1U);
}

TEST(catalogue_changes, what_is_deleted_stays_so_until_a_later_change) {
    catalogue_index index;
    index.upsert(told(5, 100, true));
    index.upsert(told(7, 100, true, false));
    index.upsert(told(6, 200, true));
    EXPECT_EQ(index.size(), 0U);
    index.compact();
    index.upsert(told(6, 200, true));
    EXPECT_EQ(index.size(), 0U);
    index.upsert(told(8, 300, true));  // sold again
    EXPECT_EQ(index.count({.min_price_minor = 300, .in_stock = true}), 1U);
    // Deleted before it was there at all.
    index.erase("a");
    index.upsert(told(10, 100, true, false));
    index.upsert(told(9, 100, true));
    EXPECT_EQ(index.size(), 0U);
}

}  // namespace
}  // namespace stoa::products
