#include "services/analytics/word_lists.hpp"

#include <gtest/gtest.h>

namespace stoa::analytics {
namespace {

TEST(word_lists_test, a_word_is_in_the_lists_that_name_it) {
    const word_lists::list views{{"VIEW", "view"}}, carts{{"ADD_TO_CART"}}, all;
    word_lists lists;
    const auto in_views = lists.add(views), in_carts = lists.add(carts), in_all = lists.add(all);
    // More words than are kept, again and again, so that each is forgotten and found out anew.
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 40; ++i) {
            for (const auto* word : {"VIEW", "view", "ADD_TO_CART"}) {
                lists.look_at(word);
                EXPECT_EQ(lists.has(in_views), std::string_view(word) != "ADD_TO_CART") << word;
                EXPECT_EQ(lists.has(in_carts), std::string_view(word) == "ADD_TO_CART") << word;
                EXPECT_TRUE(lists.has(in_all));
            }
            for (const auto& word : {"VIEW" + std::to_string(i), std::string()}) {
                lists.look_at(word);
                EXPECT_FALSE(lists.has(in_views)) << word;
                EXPECT_FALSE(lists.has(in_carts)) << word;
                EXPECT_TRUE(lists.has(in_all));
            }
        }
}

TEST(word_lists_test, without_lists_every_word_is_in_all) {
    word_lists lists;
    const auto in_all = lists.add(std::nullopt);
    lists.look_at("anything");
    EXPECT_TRUE(lists.has(in_all));
}

}  // namespace
}  // namespace stoa::analytics
