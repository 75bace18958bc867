// The product service's index in memory: ranked search with an exact total, totals of filtered
// lists, and the pages of lists by price and by name, none by looking at every product. It is
// rebuilt from the store at start and follows product changes.
//
// Threads: one object is shared by all loops and locks by itself. Readers never wait for load() or
// compact(), only for a single product's change (0.15 ms at a million products).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::products {

struct indexed_product {
    std::string id;
    std::string sku;
    std::string name;
    std::string category;
    std::string description;
    std::int64_t price_minor = 0;
    bool in_stock = false;
    bool active = true;  // an inactive product is not in the index: it is neither found nor counted
    std::int64_t created_seq = 0;
    // Of several changes of a product that are told at once, the one with the greatest number
    // counts, whatever comes last. Equal numbers count as they come.
    std::uint64_t change = 0;
};

// Absent members do not filter. The category is compared exactly, bounds are inclusive.
struct catalogue_filter {
    std::optional<std::string> category = {};
    std::optional<std::int64_t> min_price_minor = {};
    std::optional<std::int64_t> max_price_minor = {};
    std::optional<bool> in_stock = {};
};

struct search_page {
    std::vector<std::string> ids;
    std::uint64_t total = 0;  // exact, of all pages
};

// What of a query is read; what stands behind is ignored.
constexpr std::size_t max_query_bytes = 256;
constexpr std::size_t max_query_words = 16;
// What of a product is read, over name, SKU, category and description in this order.
constexpr std::size_t max_product_words = 2'000;

// Ranking. A word of the query gives a product the best of these steps, times the word's weight;
// the sums decide, higher first, then created_seq, then id, lower first.
//   name 8, SKU 6, category 4, description 2; one less where only a longer word matches (the last
//   word of the query is also a prefix), or a word one typo away (tried where nothing else matches,
//   for words of four letters or more without digits).
constexpr std::int64_t best_word_step = 8;
// 16 for a word that all products hold, 16 more for every time it is half as frequent.
std::int64_t word_weight(std::uint64_t products, std::uint64_t holders);

// Equally priced or named products by their ids. Texts are compared by bytes, as the stores do.
enum class list_order : std::uint8_t { price_up, price_down, name };

// Where a product stands in a list; an order by price has no use for the name, and the other way
// round. It need not stand there any more.
struct list_place {
    std::int64_t price_minor = 0;
    std::string name;
    std::string id;
};

struct list_page {
    std::vector<std::string> ids;
    std::optional<list_place> last = {};  // of the last id
};

class catalogue_core;

class catalogue_index {
 public:
    catalogue_index();
    ~catalogue_index();
    catalogue_index(const catalogue_index&) = delete;
    catalogue_index& operator=(const catalogue_index&) = delete;

    // Replaces everything. Of several products with one id the last counts. About 20 us of CPU a
    // product, so it belongs on the blocking pool, as does compact().
    void load(std::span<const indexed_product> products);

    // Adds or replaces. Changing price, stock or category alone does not touch the words.
    void upsert(const indexed_product& product);
    // False if the id is not in the index.
    bool erase(std::string_view id);
    bool set_in_stock(std::string_view id, bool in_stock, std::uint64_t change = 0);

    // All words of the query must occur; without a word nothing is found. The caller bounds skip
    // and limit: the cost has a part in proportion to their sum.
    search_page search(std::string_view query, const catalogue_filter& filter, std::size_t skip,
                       std::size_t limit) const;

    // A page of those that pass, behind `after` and then behind `skip` of them. Where few pass it
    // looks at all there are, a part at a time: what changes meanwhile is seen or not.
    list_page list(const catalogue_filter& filter, list_order by,
                   const std::optional<list_place>& after, std::size_t skip,
                   std::size_t limit) const;

    // Active products that pass.
    std::uint64_t count(const catalogue_filter& filter) const;

    // Whether so many products were erased, or added out of the order of created_seq, that
    // searching has become dearer (never wrong). compact() rebuilds beside the readers; writers
    // wait meanwhile.
    bool needs_compaction() const;
    void compact();

    std::size_t size() const;
    // What the index holds on the heap, without what malloc adds (about a sixth).
    std::size_t heap_bytes() const;

 private:
    void replace_core(std::unique_ptr<catalogue_core> next);

    std::mutex writers_;              // before lock_
    mutable std::shared_mutex lock_;  // of core_
    std::unique_ptr<catalogue_core> core_;
};

}  // namespace stoa::products
