// Lists by price and by name out of the index in memory against the same lists by SQL, page by page
// along their cursors, while the catalogue changes.
#include "services/product/product_service.hpp"
#include "support/manual_clock.hpp"
#include "support/product_store.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stoa::products {
namespace {

constexpr currency_code eur{{'E', 'U', 'R'}};
constexpr topic_spec topics[] = {{.name = topic::changed, .partitions = 1},
                                 {.name = topic::deleted, .partitions = 1}};

// Two services on one store: to one the index is the store's equal, to the other it is not.
class product_lists : public ::testing::Test {
 protected:
    product_lists()
        : shop_(testing::open_product_store(directory_.path() + "/shop", topics, time_)) {
        const product_service::needs ports{shop_->database(), index_, board_, time_, random_};
        alone_.emplace(ports, product_settings{.shop_currency = eur});
        by_sql_.emplace(ports,
                        product_settings{.shop_currency = eur, .remembered_for = seconds(2)});
    }
    ~product_lists() override { shop_->close(); }

    template <class Call>
    auto run(Call call) {
        return loop_.run(call).value();
    }

    std::size_t below(std::size_t n) { return chance_() % n; }
    // Names of one another's beginnings, of any letters, with what cursors are cut at.
    std::string name() {
        static const std::vector<std::string> parts{"a", "A", "_", "\xC3\xA9", "vase", "b ", "1"};
        std::string out = "n";
        for (auto n = below(9); n > 0; --n) out += parts[below(parts.size())];
        return out;
    }
    std::string category() { return "c" + std::to_string(below(3)); }
    money price() { return {static_cast<std::int64_t>(below(12)) * 100, eur}; }

    void add() {
        time_.advance(std::chrono::milliseconds(below(3)));
        create_product_request wanted;
        wanted.name = name();
        wanted.category = category();
        wanted.price = price();
        wanted.stock = below(3) ? 5 : 0;
        ids_.push_back(run([&] { return alone_->create_product({}, wanted); }).id);
    }
    void change() {
        update_product_request wanted{.id = ids_[below(ids_.size())]};
        if (below(2)) wanted.name = name();
        if (below(2)) wanted.price = price();
        if (below(3) == 0) wanted.category = category();
        if (below(3) == 0) wanted.stock = below(2) ? 7 : 0;
        const auto done = loop_.run([&] { return alone_->update_product({}, wanted); });
        if (!done) EXPECT_EQ(done.error().code, "below_reserved");  // then nothing is changed
    }
    void erase() {
        const auto at = ids_.begin() + static_cast<std::ptrdiff_t>(below(ids_.size()));
        run([&] { return alone_->delete_product({}, {.id = *at}); });
        ids_.erase(at);
    }
    void sell_out() {
        const auto id = ids_[below(ids_.size())];
        const auto now = run([&] { return alone_->get_stock({}, {.id = id}); });
        if (now.stock == 0) return;
        reserve_request wanted{.id = id, .order_id = "o" + std::to_string(++orders_)};
        wanted.quantity = static_cast<std::int32_t>(now.stock);
        const auto held = run([&] { return alone_->reserve({}, wanted); });
        if (below(2))
            run([&] { return alone_->release_reserved({}, {.order_id = held.order_id}); });
    }

    // All pages of a list are the same, and so are the ways from one to the next.
    void expect_equal_lists() {
        static constexpr const char* sorts[] = {"price", "-price", "name"};
        list_products_request wanted{.limit = static_cast<std::int32_t>(1 + below(25))};
        wanted.sort = sorts[below(3)];
        if (below(2)) wanted.skip = static_cast<std::int32_t>(below(30));
        if (below(3) == 0) wanted.category = category();
        if (below(3) == 0) wanted.min_price = price();
        if (below(3) == 0) wanted.max_price = price();
        if (below(3) == 0) wanted.in_stock = true;
        std::size_t pages = 0;
        do {
            const auto here = run([&] { return alone_->list_products({}, wanted); });
            const auto there = run([&] { return by_sql_->list_products({}, wanted); });
            ASSERT_EQ(ids_of(here), ids_of(there)) << *wanted.sort << ", page " << pages;
            ASSERT_EQ(here.next_cursor, there.next_cursor);
            ASSERT_EQ(here.total, there.total);
            wanted.cursor = here.next_cursor;
            ASSERT_LT(++pages, 1'000U);
        } while (wanted.cursor);
    }
    static std::vector<std::string> ids_of(const product_list& page) {
        std::vector<std::string> out;
        for (const auto& each : page.products) out.push_back(each.id);
        return out;
    }

    unsigned seed_ = std::random_device{}();
    std::mt19937 chance_{seed_};
    testing::temporary_directory directory_;
    testing::manual_clock time_;
    testing::seeded_random random_{7};
    testing::test_loop loop_;
    catalogue_index index_;
    change_board board_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<product_service> alone_, by_sql_;
    std::vector<std::string> ids_;
    int orders_ = 0;
};

TEST_F(product_lists, pages_out_of_memory_are_those_of_the_store_whatever_changed) {
    SCOPED_TRACE("seed " + std::to_string(seed_));
    for (int i = 0; i < 60; ++i) add();
    for (int step = 0; step < 400; ++step) {
        const auto what = below(10);
        if (what < 3 || ids_.size() < 20) add();
        else if (what < 6) change();
        else if (what < 8) sell_out();
        else erase();
        if (step % 4 == 0) ASSERT_NO_FATAL_FAILURE(expect_equal_lists()) << "step " << step;
        if (step % 100 == 50) index_.compact();
    }
}

TEST_F(product_lists, an_index_that_is_loaded_anew_gives_the_same_pages) {
    SCOPED_TRACE("seed " + std::to_string(seed_));
    for (int i = 0; i < 80; ++i) add();
    for (int i = 0; i < 40; ++i) change();
    for (int i = 0; i < 20; ++i) erase();
    index_.load(run([&] { return alone_->page_for_index(""); }));
    for (int i = 0; i < 60; ++i) ASSERT_NO_FATAL_FAILURE(expect_equal_lists()) << i;
    for (int i = 0; i < 20; ++i) change();  // and it takes changes from there
    for (int i = 0; i < 30; ++i) ASSERT_NO_FATAL_FAILURE(expect_equal_lists()) << i;
}

TEST_F(product_lists, a_cursor_goes_on_behind_a_product_that_is_gone_or_elsewhere) {
    std::vector<std::string> names{"a", "b", "c", "d"};
    for (const auto& each : names) {
        create_product_request wanted;
        wanted.name = each;
        wanted.price = money{100, eur};
        ids_.push_back(run([&] { return alone_->create_product({}, wanted); }).id);
    }
    list_products_request wanted{.limit = 2};
    wanted.sort = "name";
    wanted.cursor = run([&] { return alone_->list_products({}, wanted); }).next_cursor;
    ASSERT_TRUE(wanted.cursor);
    run([&] { return alone_->delete_product({}, {.id = ids_[1]}); });
    EXPECT_EQ(ids_of(run([&] { return alone_->list_products({}, wanted); })),
              (std::vector{ids_[2], ids_[3]}));
    update_product_request moved{.id = ids_[2]};
    moved.name = "0";
    run([&] { return alone_->update_product({}, moved); });
    EXPECT_EQ(ids_of(run([&] { return alone_->list_products({}, wanted); })),
              (std::vector{ids_[3]}));
}

TEST_F(product_lists, a_cursor_of_another_sort_is_refused) {
    add();
    for (const auto* cursor : {"garbage", "x_01890000-0000-7000-8000-000000000000", "_", ""}) {
        list_products_request wanted;
        wanted.sort = "price";
        wanted.cursor = cursor;
        const auto got = loop_.run([&] { return alone_->list_products({}, wanted); });
        ASSERT_FALSE(got) << cursor;
        EXPECT_EQ(got.error().errors.front().where, "cursor");
    }
}

}  // namespace
}  // namespace stoa::products
