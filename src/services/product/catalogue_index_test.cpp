#include "services/product/catalogue_index.hpp"

#include "services/product/catalogue_core.hpp"
#include "services/product/catalogue_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace stoa::products {
namespace {

using ids = std::vector<std::string>;

indexed_product product(std::string id, std::string name, std::int64_t seq = 1) {
    return {.id = std::move(id),
            .sku = {},
            .name = std::move(name),
            .category = "Kitchen",
            .description = {},
            .price_minor = 1'000,
            .in_stock = true,
            .active = true,
            .created_seq = seq};
}

// The rules by looking at every product and every word: slow and plain.
class oracle {
 public:
    void upsert(const indexed_product& p) {
        if (p.active) {
            all_[p.id] = {p, words_of_product(p)};
        } else {
            all_.erase(p.id);
        }
    }
    bool erase(const std::string& id) { return all_.erase(id) > 0; }
    bool set_in_stock(const std::string& id, bool in_stock) {
        const auto at = all_.find(id);
        if (at == all_.end()) return false;
        at->second.product.in_stock = in_stock;
        return true;
    }
    std::vector<indexed_product> all() const {
        std::vector<indexed_product> out;
        for (const auto& [id, e] : all_) out.push_back(e.product);
        return out;
    }

    static bool passes(const indexed_product& p, const catalogue_filter& f) {
        return (!f.category || p.category == *f.category) &&
               (!f.min_price_minor || p.price_minor >= *f.min_price_minor) &&
               (!f.max_price_minor || p.price_minor <= *f.max_price_minor) &&
               (!f.in_stock || p.in_stock == *f.in_stock);
    }
    std::uint64_t count(const catalogue_filter& f) const {
        return static_cast<std::uint64_t>(std::ranges::count_if(
            all_, [&](const auto& e) { return passes(e.second.product, f); }));
    }

    static bool comes_before(list_order by, const list_place& a, const list_place& b) {
        if (by == list_order::name) return std::tie(a.name, a.id) < std::tie(b.name, b.id);
        return by == list_order::price_up
                   ? std::tie(a.price_minor, a.id) < std::tie(b.price_minor, b.id)
                   : std::tie(b.price_minor, b.id) < std::tie(a.price_minor, a.id);
    }
    ids list(const catalogue_filter& f, list_order by, const std::optional<list_place>& after,
             std::size_t skip, std::size_t limit) const {
        std::vector<list_place> found;
        for (const auto& [id, e] : all_) {
            const list_place place{e.product.price_minor, e.product.name, id};
            if (passes(e.product, f) && (!after || comes_before(by, *after, place)))
                found.push_back(place);
        }
        std::ranges::sort(found,
                          [&](const auto& a, const auto& b) { return comes_before(by, a, b); });
        ids out;
        for (auto i = skip; i < found.size() && out.size() < limit; ++i) out.push_back(found[i].id);
        return out;
    }

    search_page search(std::string_view query, const catalogue_filter& f, std::size_t skip,
                       std::size_t limit) const {
        auto words = words_of(query.substr(0, max_query_bytes));
        if (words.size() > max_query_words) words.resize(max_query_words);
        if (words.empty()) return {};
        std::map<std::string, std::int64_t> points;
        for (const auto& [id, e] : all_) points[id] = 0;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto steps = steps_of(words[i], i + 1 == words.size());
            const auto weight = word_weight(all_.size(), steps.size());
            std::erase_if(points, [&](const auto& p) { return !steps.contains(p.first); });
            for (auto& [id, sum] : points) sum += weight * steps.at(id);
        }
        std::vector<const entry*> found;
        for (const auto& [id, sum] : points)
            if (passes(all_.at(id).product, f)) found.push_back(&all_.at(id));
        std::ranges::sort(found, [&](const entry* a, const entry* b) {
            return std::tuple(-points[a->product.id], a->product.created_seq, a->product.id) <
                   std::tuple(-points[b->product.id], b->product.created_seq, b->product.id);
        });
        search_page out{.total = found.size()};
        for (auto i = skip; i < found.size() && out.ids.size() < limit; ++i)
            out.ids.push_back(found[i]->product.id);
        return out;
    }

 private:
    struct entry {
        indexed_product product;
        std::vector<field_word> words;
    };

    template <class Matches>
    std::map<std::string, std::int64_t> steps_where(Matches matches) const {
        std::map<std::string, std::int64_t> out;
        for (const auto& [id, e] : all_)
            for (const auto& [text, field] : e.words)
                if (const std::int64_t less = matches(text); less >= 0)
                    out[id] =
                        std::max(out[id], best_word_step - 2 * static_cast<int>(field) - less);
        return out;
    }
    std::map<std::string, std::int64_t> steps_of(const std::string& word, bool is_last) const {
        auto out = steps_where([&](const std::string& text) {
            return text == word ? 0 : is_last && text.starts_with(word) ? 1 : -1;
        });
        if (!out.empty() || word.find_first_of("0123456789") != std::string::npos ||
            word.size() < 4)
            return out;
        return steps_where([&](const std::string& text) {
            return text.find_first_of("0123456789") == std::string::npos &&
                           distance(text, word) <= 1
                       ? 1
                       : -1;
        });
    }
    // Optimal string alignment by its textbook table; the test's words are ASCII.
    static std::size_t distance(const std::string& a, const std::string& b) {
        std::vector<std::vector<std::size_t>> d(a.size() + 1,
                                                std::vector<std::size_t>(b.size() + 1));
        for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
        for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
        for (std::size_t i = 1; i <= a.size(); ++i)
            for (std::size_t j = 1; j <= b.size(); ++j) {
                d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                                    d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        return d[a.size()][b.size()];
    }

    std::map<std::string, entry> all_;
};

// Few letters and short words, so that prefixes, typos and shared words are frequent.
class random_shop {
 public:
    explicit random_shop(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return random_() % n; }
    std::string word() {
        std::string out;
        for (auto n = 1 + below(6); n > 0; --n)
            out += static_cast<char>('a' + below(below(2) ? 3 : 8));
        if (below(12) == 0) out += std::to_string(below(30));
        return out;
    }
    std::string words(std::size_t most) {
        std::string out;
        for (auto n = below(most + 1); n > 0; --n) out += word() + (below(5) ? " " : "-");
        return out;
    }
    std::string id() { return "id" + std::to_string(below(400)); }
    indexed_product product() {
        return {.id = id(),
                .sku = below(3) ? "S" + std::to_string(below(500)) + "-" + word() : word(),
                .name = words(4),
                .category = "c" + std::to_string(below(5)),
                .description = words(8),
                .price_minor = static_cast<std::int64_t>(below(60)) - 5,
                .in_stock = below(3) > 0,
                .active = below(8) > 0,
                .created_seq = static_cast<std::int64_t>(below(300))};
    }
    catalogue_filter filter() {
        catalogue_filter out;
        if (below(3) == 0) out.category = "c" + std::to_string(below(6));
        if (below(3) == 0) out.min_price_minor = static_cast<std::int64_t>(below(60)) - 5;
        if (below(3) == 0) out.max_price_minor = static_cast<std::int64_t>(below(60)) - 5;
        if (below(3) == 0) out.in_stock = below(2) == 0;
        return out;
    }

 private:
    std::mt19937 random_;
};

// A page, and the one behind its cursor; or behind a place where nothing stands any more.
void compare_lists(const catalogue_index& index, const oracle& truth, random_shop& shop) {
    const auto filter = shop.filter();
    const auto by = static_cast<list_order>(shop.below(3));
    const auto skip = shop.below(3) ? 0 : shop.below(60);
    const auto limit = shop.below(4) ? 7 : shop.below(500);
    std::optional<list_place> after;
    if (shop.below(3) == 0) {
        const auto any = shop.product();
        after = list_place{any.price_minor, any.name, any.id};
    }
    const auto page = index.list(filter, by, after, skip, limit);
    ASSERT_EQ(page.ids, truth.list(filter, by, after, skip, limit));
    ASSERT_EQ(page.last.has_value(), !page.ids.empty());
    if (!page.last) return;
    ASSERT_EQ(page.last->id, page.ids.back());
    ASSERT_EQ(index.list(filter, by, page.last, 0, limit).ids,
              truth.list(filter, by, page.last, 0, limit));
}

void compare(const catalogue_index& index, const oracle& truth, random_shop& shop) {
    ASSERT_NO_FATAL_FAILURE(compare_lists(index, truth, shop));
    const auto filter = shop.filter();
    ASSERT_EQ(index.count(filter), truth.count(filter));
    const auto query = shop.words(3) + shop.word();
    const auto skip = shop.below(3) ? 0 : shop.below(40);
    const auto limit = shop.below(4) ? 10 : shop.below(400);
    const auto got = index.search(query, filter, skip, limit);
    const auto expected = truth.search(query, filter, skip, limit);
    ASSERT_EQ(got.total, expected.total) << query;
    ASSERT_EQ(got.ids, expected.ids) << query;
}

TEST(catalogue_index, random_changes_leave_what_a_look_at_every_product_finds) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_shop shop(seed);
    catalogue_index index;
    oracle truth;
    for (int step = 0; step < 8'000; ++step) {
        const auto what = shop.below(100);
        if (what < 45) {
            const auto p = shop.product();
            index.upsert(p);
            truth.upsert(p);
        } else if (what < 52) {
            const auto id = shop.id();
            ASSERT_EQ(index.erase(id), truth.erase(id));
        } else if (what < 62) {
            const auto id = shop.id();
            const bool in_stock = shop.below(2) == 0;
            ASSERT_EQ(index.set_in_stock(id, in_stock), truth.set_in_stock(id, in_stock));
        } else if (what < 63 && shop.below(5) == 0) {
            index.compact();
        } else if (what < 64 && shop.below(5) == 0) {
            index.load(truth.all());
        } else {
            ASSERT_NO_FATAL_FAILURE(compare(index, truth, shop)) << "step " << step;
        }
        ASSERT_EQ(index.size(), truth.count({}));
    }
}

TEST(catalogue_index, bulk_load_then_changes_leave_what_a_look_at_every_product_finds) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_shop shop(seed);
    for (int round = 0; round < 10; ++round) {
        // More products than a bucket holds words and an array postings, so that all forms occur.
        std::vector<indexed_product> all;
        for (int i = 0; i < 1'500; ++i) {
            all.push_back(shop.product());
            all.back().id = "p" + std::to_string(shop.below(2'000));
        }
        catalogue_index index;
        index.load(all);
        std::map<std::string, indexed_product> last;
        for (const auto& p : all) last[p.id] = p;
        oracle truth;
        for (const auto& [id, p] : last) truth.upsert(p);
        for (int step = 0; step < 40; ++step) {
            auto p = shop.product();
            p.id = "p" + std::to_string(shop.below(2'000));
            index.upsert(p);
            truth.upsert(p);
            ASSERT_NO_FATAL_FAILURE(compare(index, truth, shop)) << "round " << round;
        }
        for (int step = 0; step < 1'800; ++step) {  // down again: bitmaps become arrays
            const auto id = "p" + std::to_string(step);
            ASSERT_EQ(index.erase(id), truth.erase(id));
        }
        for (int step = 0; step < 10; ++step) ASSERT_NO_FATAL_FAILURE(compare(index, truth, shop));
    }
}

TEST(catalogue_index, without_a_word_nothing_is_found) {
    catalogue_index index;
    index.upsert(product("a", "Kettle"));
    for (const auto query : {"", "   ", "?!, --", "\xFF\xFE", "\xE2\x80\x94"})
        EXPECT_EQ(index.search(query, {}, 0, 10).total, 0U) << query;
}

TEST(catalogue_index, unknown_words_find_nothing) {
    catalogue_index index;
    EXPECT_EQ(index.search("kettle", {}, 0, 10).total, 0U);
    index.upsert(product("a", "Kettle"));
    EXPECT_EQ(index.search("teapot", {}, 0, 10).total, 0U);
    EXPECT_EQ(index.search("kettle teapot", {}, 0, 10).total, 0U);
}

TEST(catalogue_index, case_and_accents_do_not_matter) {
    catalogue_index index;
    index.upsert(product("a",
                         "Cr\xC3\xA8me Br\xC3\xBBl\xC3\xA9"
                         "e Stra\xC3\x9F"
                         "e \xC5\x81\xC3\xB3"
                         "d\xC5\xBA"));
    for (const auto query :
         {"creme", "CR\xC3\x88ME brulee", "strasse", "lodz", "\xC5\x82odz", "Cre\xCC\x80me"})
        EXPECT_EQ(index.search(query, {}, 0, 10).total, 1U) << query;
}

TEST(catalogue_index, other_scripts_are_words_too) {
    catalogue_index index;
    index.upsert(
        product("a", "\xD0\xA7\xD0\xB0\xD0\xB9\xD0\xBD\xD0\xB8\xD0\xBA \xE8\x8C\xB6\xE5\xA3\xB6"));
    EXPECT_EQ(index.search("\xD1\x87\xD0\xB0\xD0\xB9", {}, 0, 10).total,
              1U);  // a small letter, a prefix
    EXPECT_EQ(index.search("\xE8\x8C\xB6", {}, 0, 10).total, 1U);
    EXPECT_EQ(index.search("\xD1\x87\xD0\xB0\xD0\xB8\xD0\xBD\xD0\xB8\xD0\xBA", {}, 0, 10).total,
              1U);  // a typo
}

TEST(catalogue_index, broken_utf8_parts_words_and_breaks_nothing) {
    catalogue_index index;
    index.upsert(product("a", "red\xFFkettle\xC3"));
    EXPECT_EQ(index.search("kettle", {}, 0, 10).total, 1U);
    EXPECT_EQ(index.search("red\xF0\x9Fkettle", {}, 0, 10).total, 1U);
}

TEST(catalogue_index, codes_are_found_whole_in_parts_and_without_dashes) {
    catalogue_index index;
    auto p = product("a", "Mug");
    p.sku = "MUG-0042-B";
    index.upsert(p);
    for (const auto query : {"mug-0042-b", "0042", "mug0042b", "MUG0042"})
        EXPECT_EQ(index.search(query, {}, 0, 10).total, 1U) << query;
}

TEST(catalogue_index, codes_and_sizes_allow_no_typo) {
    catalogue_index index;
    index.upsert(product("a", "Bolt abcd12"));
    EXPECT_EQ(index.search("abcd13", {}, 0, 10).total, 0U);
    EXPECT_EQ(index.search("abcd1x", {}, 0, 10).total, 0U);
}

TEST(catalogue_index, one_typo_is_forgiven_where_nothing_else_matches) {
    catalogue_index index;
    index.upsert(product("a", "Lantern"));
    for (const auto query : {"lanern", "lanntern", "lamtern", "latnern", "antern", "lanternx"})
        EXPECT_EQ(index.search(query, {}, 0, 10).ids, ids{"a"}) << query;
    for (const auto query : {"lnaterm", "lanrn", "la tern"})
        EXPECT_EQ(index.search(query, {}, 0, 10).total, 0U) << query;
    index.upsert(product("b", "Lamtern"));  // now the word exists
    EXPECT_EQ(index.search("lamtern", {}, 0, 10).ids, ids{"b"});
}

TEST(catalogue_index, short_words_allow_no_typo) {
    catalogue_index index;
    index.upsert(product("a", "Cup"));
    EXPECT_EQ(index.search("cap", {}, 0, 10).total, 0U);
    EXPECT_EQ(index.search("cupp", {}, 0, 10).total, 1U);
}

TEST(catalogue_index, only_the_last_word_is_a_prefix) {
    catalogue_index index;
    index.upsert(product("a", "Steel kettle"));
    EXPECT_EQ(index.search("steel k", {}, 0, 10).total, 1U);
    EXPECT_EQ(index.search("ket steel", {}, 0, 10).total, 0U);
}

TEST(catalogue_index, name_beats_code_beats_category_beats_description_and_whole_beats_longer) {
    catalogue_index index;
    auto described = product("description", "x", 1);
    described.description = "oak";
    auto grouped = product("category", "x", 2);
    grouped.category = "Oak";
    auto coded = product("sku", "x", 3);
    coded.sku = "OAK";
    for (const auto& p :
         {described, grouped, coded, product("longer", "oakwood", 4), product("name", "oak", 5)})
        index.upsert(p);
    EXPECT_EQ(index.search("oak", {}, 0, 10).ids,
              (ids{"name", "longer", "sku", "category", "description"}));
}

TEST(catalogue_index, rarer_words_weigh_more) {
    catalogue_index index;
    // Both hold both words, one in the name and one in the description.
    auto rare_name = product("rare", "teak", 9);
    rare_name.description = "chair";
    auto common_name = product("common", "chair", 1);
    common_name.description = "teak";
    index.upsert(rare_name);
    index.upsert(common_name);
    for (int i = 0; i < 20; ++i) index.upsert(product("c" + std::to_string(i), "chair", 100 + i));
    EXPECT_EQ(index.search("chair teak", {}, 0, 10).ids, (ids{"rare", "common"}));
}

TEST(catalogue_index, equal_products_come_by_age_then_id_whatever_the_order_of_arrival) {
    catalogue_index index;
    index.upsert(product("c", "vase", 2));
    index.upsert(product("b", "vase", 2));
    index.upsert(product("z", "vase", 1));
    EXPECT_EQ(index.search("vase", {}, 0, 10).ids, (ids{"z", "b", "c"}));
    index.compact();
    EXPECT_EQ(index.search("vase", {}, 0, 10).ids, (ids{"z", "b", "c"}));
}

TEST(catalogue_index, pages_join_to_the_whole_and_total_stays) {
    catalogue_index index;
    ids all;
    for (int i = 0; i < 250; ++i) {
        index.upsert(product("p" + std::to_string(1'000 + i), i % 3 ? "vase" : "vases", i));
    }
    all = index.search("vase", {}, 0, 1'000).ids;
    EXPECT_EQ(all.size(), 250U);
    ids joined;
    for (std::size_t skip = 0; skip < 250; skip += 7) {
        const auto page = index.search("vase", {}, skip, 7);
        EXPECT_EQ(page.total, 250U);
        joined.insert(joined.end(), page.ids.begin(), page.ids.end());
    }
    EXPECT_EQ(joined, all);
    EXPECT_EQ(index.search("vase", {}, 250, 7).ids, ids{});
    EXPECT_EQ(index.search("vase", {}, 0, 0).total, 250U);
    EXPECT_EQ(index.search("vase", {}, ~std::size_t{0}, ~std::size_t{0}).total, 250U);
}

TEST(catalogue_index, lists_compare_names_by_bytes_and_whole) {
    catalogue_index index;
    const ids in_order{"",          " ",         "A",
                       "B",         "a",         "abcdefgh",
                       "abcdefghA", "abcdefgha", std::string("abcdefgha\0", 10),
                       "abcdefghb", "\xC3\x84",  "\xFF"};
    for (std::size_t i = in_order.size(); i-- > 0;)
        index.upsert(product("p" + std::to_string(100 + i), in_order[i]));
    const auto page = index.list({}, list_order::name, {}, 0, 100);
    ASSERT_EQ(page.ids.size(), in_order.size());
    for (std::size_t i = 0; i < in_order.size(); ++i)
        EXPECT_EQ(page.ids[i], "p" + std::to_string(100 + i));
}

TEST(catalogue_index, lists_take_any_bounds_places_and_sizes) {
    catalogue_index index;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    for (const auto by : {list_order::price_up, list_order::price_down, list_order::name}) {
        EXPECT_EQ(index.list({}, by, {}, 0, 10).ids, ids{});
        EXPECT_FALSE(index.list({}, by, list_place{5, "x", "y"}, 0, 10).last);
    }
    for (const auto price : {least, std::int64_t{0}, most}) {
        auto p = product("p" + std::to_string(price), "vase");
        p.price_minor = price;
        index.upsert(p);
    }
    EXPECT_EQ(
        index.list({.min_price_minor = 5, .max_price_minor = 4}, list_order::price_up, {}, 0, 10)
            .ids,
        ids{});
    EXPECT_EQ(index.list({.category = "none"}, list_order::name, {}, 0, 10).ids, ids{});
    for (const auto by : {list_order::price_up, list_order::price_down, list_order::name}) {
        EXPECT_EQ(index.list({}, by, {}, ~std::size_t{0}, ~std::size_t{0}).ids, ids{});
        EXPECT_EQ(index.list({}, by, {}, 0, ~std::size_t{0}).ids.size(), 3U);
        EXPECT_EQ(index.list({}, by, {}, 0, 0).ids, ids{});
    }
    EXPECT_EQ(index.list({}, list_order::price_up, list_place{most, "", "~"}, 0, 10).ids, ids{});
    EXPECT_EQ(index.list({}, list_order::price_down, list_place{least, "", ""}, 0, 10).ids, ids{});
}

TEST(catalogue_index, a_list_that_few_pass_is_found_in_parts) {
    // More products than are looked at under one lock, of which the last few pass.
    catalogue_index index;
    std::vector<indexed_product> all;
    for (int i = 0; i < 40'000; ++i) {
        auto p = product("p" + std::to_string(100'000 + i), "n" + std::to_string(100'000 + i), i);
        p.price_minor = i;
        p.in_stock = i >= 39'990;
        all.push_back(std::move(p));
    }
    index.load(all);
    const catalogue_filter stocked{.in_stock = true};
    EXPECT_EQ(index.list(stocked, list_order::price_up, {}, 4, 3).ids,
              (ids{"p139994", "p139995", "p139996"}));
    EXPECT_EQ(index.list(stocked, list_order::name, {}, 8, 3).ids, (ids{"p139998", "p139999"}));
    const catalogue_filter sold{.in_stock = false};
    EXPECT_EQ(index.list(sold, list_order::price_down, {}, 39'988, 3).ids,
              (ids{"p100001", "p100000"}));
    EXPECT_EQ(index.list({.min_price_minor = 39'999}, list_order::name, {}, 0, 3).ids,
              ids{"p139999"});
}

TEST(catalogue_index, inactive_products_are_neither_found_nor_counted) {
    catalogue_index index;
    auto p = product("a", "vase");
    index.upsert(p);
    p.active = false;
    index.upsert(p);
    EXPECT_EQ(index.search("vase", {}, 0, 10).total, 0U);
    EXPECT_EQ(index.count({}), 0U);
    EXPECT_FALSE(index.set_in_stock("a", true));
    p.active = true;
    index.upsert(p);
    EXPECT_EQ(index.search("vase", {}, 0, 10).total, 1U);
}

TEST(catalogue_index, only_the_first_sixteen_words_and_256_bytes_of_a_query_count) {
    catalogue_index index;
    std::string name;
    for (int i = 0; i < 16; ++i) name += "w" + std::to_string(i) + " ";
    index.upsert(product("a", name));
    EXPECT_EQ(index.search(name + "absent", {}, 0, 10).total, 1U);
    EXPECT_EQ(index.search("w1" + std::string(254, ' ') + "absent", {}, 0, 10).total, 1U);
    EXPECT_EQ(index.search(std::string(1'000'000, 'w'), {}, 0, 10).total, 0U);
}

TEST(catalogue_index, words_too_long_are_cut_the_same_way_everywhere) {
    catalogue_index index;
    index.upsert(product("a", std::string(300, 'x')));
    EXPECT_EQ(index.search(std::string(60, 'x'), {}, 0, 10).total, 1U);
}

TEST(catalogue_index, descriptions_are_read_up_to_a_bound) {
    catalogue_index index;
    auto p = product("a", "vase");
    for (std::size_t i = 0; i < max_product_words; ++i) p.description += "filler ";
    p.description += "beyond";
    index.upsert(p);
    EXPECT_EQ(index.search("filler", {}, 0, 10).total, 1U);
    EXPECT_EQ(index.search("beyond", {}, 0, 10).total, 0U);
}

TEST(catalogue_index, count_takes_any_bounds) {
    catalogue_index index;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    for (const auto price : {least, std::int64_t{0}, most}) {
        auto p = product("p" + std::to_string(price), "vase");
        p.price_minor = price;
        index.upsert(p);
    }
    EXPECT_EQ(index.count({.min_price_minor = least, .max_price_minor = most}), 3U);
    EXPECT_EQ(index.count({.min_price_minor = most}), 1U);
    EXPECT_EQ(index.count({.max_price_minor = least}), 1U);
    EXPECT_EQ(index.count({.min_price_minor = 5, .max_price_minor = 4}), 0U);
    EXPECT_EQ(index.count({.category = "Kitchen", .in_stock = false}), 0U);
    EXPECT_EQ(index.count({.category = "kitchen"}), 0U);  // exactly
}

TEST(catalogue_index, price_counts_hold_over_many_distinct_prices) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_shop shop(seed);
    price_counts counts;
    std::multiset<std::int64_t> truth;
    for (int step = 0; step < 20'000; ++step) {
        const auto price = static_cast<std::int64_t>(shop.below(6'000));
        const auto at = truth.find(price);
        if (shop.below(3) == 0 && at != truth.end()) {
            counts.remove(price);
            truth.erase(at);
        } else {
            counts.add(price);
            truth.insert(price);
        }
        if (step % 50 != 0) continue;
        const auto min = static_cast<std::int64_t>(shop.below(6'000));
        const auto max = min + static_cast<std::int64_t>(shop.below(3'000));
        ASSERT_EQ(counts.count(min, max), static_cast<std::uint64_t>(std::distance(
                                              truth.lower_bound(min), truth.upper_bound(max))));
    }
}

TEST(catalogue_index, compaction_is_asked_for_after_much_erasing_and_changes_no_result) {
    catalogue_index index;
    for (int i = 0; i < 4'000; ++i)
        index.upsert(product("p" + std::to_string(i), "vase n" + std::to_string(i), i));
    EXPECT_FALSE(index.needs_compaction());
    for (int i = 0; i < 3'000; ++i) index.erase("p" + std::to_string(i));
    EXPECT_TRUE(index.needs_compaction());
    const auto before = index.search("vase", {}, 5, 20);
    const auto bytes = index.heap_bytes();
    index.compact();
    EXPECT_FALSE(index.needs_compaction());
    EXPECT_LT(index.heap_bytes(), bytes);
    const auto after = index.search("vase", {}, 5, 20);
    EXPECT_EQ(after.ids, before.ids);
    EXPECT_EQ(after.total, before.total);
}

TEST(catalogue_index, readers_see_whole_changes_while_writers_change_and_compact) {
    catalogue_index index;
    for (int i = 0; i < 500; ++i) index.upsert(product("p" + std::to_string(i), "vase", i));
    std::atomic<bool> done = false;
    std::atomic<int> torn = 0;
    std::vector<std::jthread> readers;
    for (int r = 0; r < 2; ++r)
        readers.emplace_back([&] {
            while (!done) {
                // Each change below swaps one name for the other, and the prefix takes both.
                const auto page = index.search("vas", {}, 0, 5);
                if (page.total != 500 || page.ids.size() != 5) ++torn;
                if (index.count({}) != 500) ++torn;
                if (index.list({}, list_order::name, {}, 490, 20).ids.size() != 10) ++torn;
            }
        });
    for (int i = 0; i < 3'000; ++i) {
        index.upsert(product("p" + std::to_string(i % 500), i % 2 ? "vase" : "vasa", i % 500));
        if (i % 500 == 0) index.compact();
    }
    done = true;
    readers.clear();
    EXPECT_EQ(torn, 0);
}

TEST(catalogue_text, typos_are_told_by_characters) {
    EXPECT_TRUE(is_one_typo_apart("abcd", "abcd"));
    EXPECT_TRUE(is_one_typo_apart("abcd", "abdc"));
    EXPECT_TRUE(is_one_typo_apart("abcd", "bcd"));
    EXPECT_TRUE(is_one_typo_apart("abcd", "abcde"));
    EXPECT_FALSE(is_one_typo_apart("abcd", "badc"));
    EXPECT_FALSE(is_one_typo_apart("abcd", "ab"));
    EXPECT_FALSE(is_one_typo_apart("abcd", "cbad"));
    EXPECT_TRUE(
        is_one_typo_apart("\xD0\xB0\xD0\xB1\xD0\xB2\xD0\xB3", "\xD0\xB0\xD0\xB1\xD0\xB2\xD0\xB4"));
}

TEST(catalogue_text, words_are_folded_and_parted) {
    EXPECT_EQ(words_of("Women's T-Shirt, 100% Baumwolle (XL)"),
              (ids{"womens", "t", "shirt", "100", "baumwolle", "xl"}));
    EXPECT_EQ(words_of("\xC3\x86sir \xC5\x92uvre \xC3\x9Eing na\xC3\xAFve \xC3\x97 2\xE2\x82\xAC"),
              (ids{"aesir", "oeuvre", "thing", "naive", "2"}));
    EXPECT_EQ(joined_words("AB-12/c"), "ab12c");
}

}  // namespace
}  // namespace stoa::products
