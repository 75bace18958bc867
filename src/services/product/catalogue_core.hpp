// What the catalogue index holds, without its locks: products in slots, words, categories, prices
// and the orders of lists.
#pragma once

#include "services/product/catalogue_dictionary.hpp"
#include "services/product/catalogue_index.hpp"
#include "services/product/catalogue_order.hpp"
#include "services/product/catalogue_postings.hpp"
#include "services/product/catalogue_prices.hpp"

#include <algorithm>
#include <compare>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace stoa::products {

struct field_word {
    std::string text;
    text_field field;

    friend auto operator<=>(const field_word&, const field_word&) = default;
};

// The distinct words of a product, sorted, each with its best field. A code counts whole and in its
// parts.
std::vector<field_word> words_of_product(const indexed_product& product);

// Slots are given out in the order of (created_seq, id), which is the order of equally ranked
// results, so the first bits of a bitmap are the first results. A product that comes out of this
// order (created concurrently, or active again) gets the next slot too and is remembered as late:
// search places those one by one.
class catalogue_core final : private slot_texts {
 public:
    // A list on its way, in parts, so that no reader holds the lock for long.
    struct list_walk {
        std::size_t skip = 0, limit = 0;
        std::optional<list_place> after;  // where it goes on
        list_page page;
    };

    catalogue_core();
    catalogue_core(const catalogue_core&) = delete;
    catalogue_core& operator=(const catalogue_core&) = delete;

    // Into an empty core: active products with distinct ids in the order of (created_seq, id).
    void load(std::span<const indexed_product* const> products);
    void upsert(const indexed_product& product);
    bool erase(std::string_view id);
    bool set_in_stock(std::string_view id, bool in_stock, std::uint64_t change);
    std::uint64_t count(const catalogue_filter& filter) const;
    // Looks at about so many products at most; false: it goes on from `walk.after`.
    bool list(const catalogue_filter& filter, list_order by, list_walk& walk,
              std::size_t most_looked_at) const;

    std::size_t size() const { return by_id_.size(); }
    bool needs_compaction() const;
    std::unique_ptr<catalogue_core> compacted() const;
    std::size_t heap_bytes() const;

    // For search.
    const dictionary& words() const { return words_; }
    const postings* category(std::string_view name) const;
    std::uint64_t in_stock_bits(std::uint32_t block) const { return in_stock_[block]; }
    std::uint64_t late_bits(std::uint32_t block) const { return late_[block]; }
    std::span<const std::int64_t> prices_minor(std::uint32_t block) const {
        const std::size_t first = std::size_t{block} * block_slots;
        return std::span(prices_).subspan(
            first, std::min<std::size_t>(block_slots, prices_.size() - first));
    }
    std::size_t slots() const { return stored_.size(); }
    std::string_view id(slot_number slot) const override { return stored_[slot].id; }
    bool is_before(slot_number a, slot_number b) const;

 private:
    struct prices {
        explicit prices(const slot_texts& texts) : order(texts) {}
        price_order order;
        price_counts in_stock;
    };
    struct category_entry {
        explicit category_entry(const slot_texts& texts) : listed(texts) {}
        postings members;  // all as text_field::category
        prices listed;
    };
    using categories = std::map<std::string, category_entry, std::less<>>;
    using packed_word = std::uint32_t;  // term << 2 | field
    struct stored {
        std::string id, name;
        std::int64_t created_seq = 0;
        std::uint64_t change = 0;        // the last that told of it
        std::uint64_t stock_change = 0;  // the last that told of its stock
        categories::value_type* category = nullptr;
        std::vector<packed_word> words;
    };
    // Slots by id, without a second copy of it.
    struct id_hash {
        using is_transparent = void;
        const catalogue_core* core;
        std::size_t operator()(std::string_view id) const {
            return std::hash<std::string_view>{}(id);
        }
        std::size_t operator()(slot_number slot) const { return (*this)(core->stored_[slot].id); }
    };
    struct id_equal {
        using is_transparent = void;
        const catalogue_core* core;
        bool operator()(slot_number a, slot_number b) const { return a == b; }
        bool operator()(std::string_view id, slot_number b) const {
            return id == core->stored_[b].id;
        }
        bool operator()(slot_number a, std::string_view id) const {
            return id == core->stored_[a].id;
        }
    };

    std::string_view name(slot_number slot) const override { return stored_[slot].name; }
    slot_number find(std::string_view id) const;
    struct absent;
    absent& remember(std::string_view id);
    void build_orders();
    const prices* prices_of(const catalogue_filter& filter) const;
    order_place<price_key> place_by_price_of(slot_number slot) const {
        return place_by_price(prices_[slot], stored_[slot].id);
    }
    order_place<name_key> place_by_name_of(slot_number slot) const {
        return place_by_name(stored_[slot].name, stored_[slot].id);
    }
    list_place list_place_of(slot_number slot) const {
        return {prices_[slot], stored_[slot].name, stored_[slot].id};
    }
    bool passes(const catalogue_filter& filter, slot_number slot) const;
    // From one position to the other, or back.
    template <class Order>
    bool walk_along(const Order& order, typename Order::position from, typename Order::position to,
                    bool back, const catalogue_filter& filter, list_walk& walk,
                    std::size_t most_looked_at) const;
    bool list_by_price(const catalogue_filter& filter, bool falling, list_walk& walk,
                       std::size_t most_looked_at) const;
    bool list_by_name(const catalogue_filter& filter, list_walk& walk,
                      std::size_t most_looked_at) const;
    void sort_few_by_name(const catalogue_filter& filter, const price_order& order,
                          price_order::position from, price_order::position to,
                          list_walk& walk) const;
    slot_number add_slot(const std::string& id, std::int64_t created_seq);
    void set_words(slot_number slot, std::vector<packed_word> next);
    std::vector<packed_word> packed(const std::vector<field_word>& words);
    void place(slot_number slot, std::string_view category, std::int64_t price_minor,
               bool in_stock);
    void unplace(slot_number slot);
    bool is_in_stock(slot_number slot) const {
        return (in_stock_[slot / block_slots] >> slot % block_slots & 1) != 0;
    }

    std::vector<stored> stored_;
    std::vector<std::int64_t> prices_;
    std::vector<std::uint64_t> in_stock_;
    std::vector<std::uint64_t> late_;
    slot_number last_in_order_ = no_slot;
    std::size_t late_count_ = 0;
    dictionary words_;
    categories categories_;
    prices all_;
    name_order by_name_;
    bool fills_orders_later_ = false;  // while it is loaded
    // Of products that are not here, what was told lately: an earlier change may still be.
    struct absent {
        std::uint64_t erased_by = 0;
        std::uint64_t stock_change = 0;
        bool in_stock = false;
    };
    std::unordered_map<std::string, absent> absent_;
    std::unordered_set<slot_number, id_hash, id_equal> by_id_;
};

}  // namespace stoa::products
