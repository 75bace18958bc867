// An order in blocks against a plain sorted vector.
#include "services/product/catalogue_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace stoa::products {
namespace {

class named_slots final : public slot_texts {
 public:
    std::string_view name(slot_number slot) const override { return names[slot]; }
    std::string_view id(slot_number slot) const override { return ids[slot]; }

    std::vector<std::string> names, ids;
    std::vector<std::int64_t> prices;
};

template <class Key>
class orders : public ::testing::Test {
 protected:
    using place = order_place<Key>;
    place place_of(slot_number slot) const {
        if constexpr (Key::has_name) return place_by_name(texts.names[slot], texts.ids[slot]);
        else return place_by_price(texts.prices[slot], texts.ids[slot]);
    }
    static bool is_before(const place& a, const place& b) {
        return std::tie(a.key, a.name, a.id) < std::tie(b.key, b.name, b.id);
    }
    // Few prices and names with much in common, so that ties are frequent.
    slot_number make() {
        const auto slot = static_cast<slot_number>(texts.ids.size());
        texts.ids.push_back(std::to_string(random() % 1'000'000) + '-' + std::to_string(slot));
        texts.names.push_back(std::string(random() % 20, 'n') + std::to_string(random() % 40));
        texts.prices.push_back(static_cast<std::int64_t>(random() % 50) - 10);
        return slot;
    }
    void expect_the_same(const slot_order<Key>& order) {
        ASSERT_EQ(order.size(), truth.size());
        ASSERT_EQ(order.count(order.begin(), order.end()), truth.size());
        auto at = order.begin();
        for (const auto slot : truth) {
            ASSERT_LT(at, order.end());
            ASSERT_EQ(order.at(at).slot, slot);
            at = order.forward(at, 1);
        }
        ASSERT_EQ(at, order.end());
        for (auto i = truth.size(); i-- > 0;) {
            at = order.back(at, 1);
            ASSERT_EQ(order.at(at).slot, truth[i]);
        }
        ASSERT_EQ(at, order.begin());
    }
    void expect_the_same_places(const slot_order<Key>& order) {
        const auto any = static_cast<slot_number>(random() % texts.ids.size());
        const auto place = place_of(any);
        const auto rank = [&](auto position) { return order.count(order.begin(), position); };
        const auto below = [&](auto is_below) {
            return static_cast<std::size_t>(std::ranges::count_if(truth, is_below));
        };
        ASSERT_EQ(rank(order.before(place)),
                  below([&](auto s) { return is_before(place_of(s), place); }));
        ASSERT_EQ(rank(order.after(place)),
                  below([&](auto s) { return !is_before(place, place_of(s)); }));
        ASSERT_EQ(rank(order.before_key(place.key)),
                  below([&](auto s) { return place_of(s).key < place.key; }));
        ASSERT_EQ(rank(order.after_key(place.key)),
                  below([&](auto s) { return place_of(s).key <= place.key; }));
        const auto steps = random() % (truth.size() + 5);
        const auto from = order.before(place);
        ASSERT_EQ(rank(order.forward(from, steps)), std::min(rank(from) + steps, truth.size()));
        ASSERT_EQ(rank(order.back(from, steps)), rank(from) - std::min(rank(from), steps));
    }
    std::vector<slot_number>::iterator place_in_truth(slot_number slot) {
        return std::ranges::lower_bound(truth, place_of(slot), is_before,
                                        [&](auto s) { return place_of(s); });
    }

    unsigned seed = std::random_device{}();
    std::mt19937 random{seed};
    named_slots texts;
    std::vector<slot_number> truth;  // in order
};

using keys = ::testing::Types<price_key, name_key>;
TYPED_TEST_SUITE(orders, keys, );

TYPED_TEST(orders, random_changes_leave_what_sorting_all_of_them_gives) {
    SCOPED_TRACE("seed " + std::to_string(this->seed));
    slot_order<TypeParam> order(this->texts);
    ASSERT_NO_FATAL_FAILURE(this->expect_the_same(order));
    // It grows to many blocks, changes at that size, and shrinks to none.
    for (int step = 0; step < 24'000; ++step) {
        const std::size_t adds = step < 8'000 ? 90 : step < 14'000 ? 50 : 5;
        if (this->random() % 100 < adds || this->truth.empty()) {
            const auto slot = this->make();
            this->truth.insert(this->place_in_truth(slot), slot);
            order.add(this->place_of(slot), slot);
        } else {
            const auto at = this->truth.begin() +
                            static_cast<std::ptrdiff_t>(this->random() % this->truth.size());
            order.remove(this->place_of(*at));
            this->truth.erase(at);
        }
        if (step % 100 == 0) ASSERT_NO_FATAL_FAILURE(this->expect_the_same_places(order)) << step;
        if (step % 1'000 == 0) ASSERT_NO_FATAL_FAILURE(this->expect_the_same(order)) << step;
    }
    for (const auto slot : this->truth) order.remove(this->place_of(slot));
    this->truth.clear();
    ASSERT_NO_FATAL_FAILURE(this->expect_the_same(order));
}

TYPED_TEST(orders, what_is_appended_in_order_is_as_if_it_had_been_added) {
    SCOPED_TRACE("seed " + std::to_string(this->seed));
    for (int i = 0; i < 3'000; ++i) this->truth.push_back(this->make());
    std::ranges::sort(this->truth, TestFixture::is_before,
                      [&](auto s) { return this->place_of(s); });
    slot_order<TypeParam> order(this->texts);
    for (const auto slot : this->truth) order.append(this->place_of(slot).key, slot);
    ASSERT_NO_FATAL_FAILURE(this->expect_the_same(order));
    for (int i = 0; i < 2'000; ++i) {
        const auto slot = this->make();
        this->truth.insert(this->place_in_truth(slot), slot);
        order.add(this->place_of(slot), slot);
        if (i % 50 == 0) ASSERT_NO_FATAL_FAILURE(this->expect_the_same_places(order));
    }
    ASSERT_NO_FATAL_FAILURE(this->expect_the_same(order));
}

}  // namespace
}  // namespace stoa::products
