// Products in the order in which a list shows them: by price, or by name, and by id among equals.
// Not synchronised.
#pragma once

#include "services/product/catalogue_postings.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace stoa::products {

// What products with equal keys are told apart by. Bytes are compared, as SQL's binary collation
// does.
class slot_texts {
 public:
    virtual std::string_view name(slot_number slot) const = 0;
    virtual std::string_view id(slot_number slot) const = 0;

 protected:
    ~slot_texts() = default;
};

// The price, and nothing else.
struct price_key {
    std::int64_t minor = 0;
    static constexpr bool has_name = false;
    friend auto operator<=>(const price_key&, const price_key&) = default;
};
// The first sixteen bytes of a name as numbers, which order as they do; names that share them are
// compared whole.
struct name_key {
    std::uint64_t first = 0, second = 0;
    static constexpr bool has_name = true;
    friend auto operator<=>(const name_key&, const name_key&) = default;
};
name_key name_key_of(std::string_view name);

// A place in an order, whether or not a product stands there. The key decides, then the name (of no
// meaning in an order by price), then the id.
template <class Key>
struct order_place {
    Key key{};
    std::string_view name;
    std::string_view id;
};
inline order_place<price_key> place_by_price(std::int64_t price_minor, std::string_view id) {
    return {.key = {price_minor}, .name = {}, .id = id};
}
inline order_place<name_key> place_by_name(std::string_view name, std::string_view id) {
    return {.key = name_key_of(name), .name = name, .id = id};
}

// The keys with their slots, in blocks of at most 512: most comparisons end at a key, beside the
// others in memory. With n products, adding and removing touch one block, and counting sums up
// n / 350 sizes.
template <class Key>
class slot_order {
 public:
    using place = order_place<Key>;
    explicit slot_order(const slot_texts& texts) : texts_(&texts) {}

    // The place of a product that is not there; or of one that is, to remove it.
    void add(const place& where, slot_number slot);
    void remove(const place& where);
    // It must not stand before any that is there.
    void append(const Key& key, slot_number slot);

    std::size_t size() const { return size_; }
    std::size_t heap_bytes() const;

    // Between two products, or at either end.
    struct position {
        std::size_t block = 0, at = 0;  // of the product behind it; at the end: a block that is not
        friend auto operator<=>(const position&, const position&) = default;
    };
    position begin() const { return {}; }
    position end() const { return {blocks_.size(), 0}; }
    position before(const place& where) const { return find(where, false); }
    position after(const place& where) const { return find(where, true); }
    position before_key(const Key& key) const;
    position after_key(const Key& key) const;

    std::size_t count(position from, position to) const { return rank(to) - rank(from); }
    // `steps` on, or back: at most as far as an end.
    position forward(position from, std::size_t steps) const;
    position back(position from, std::size_t steps) const;

    // The product behind a position that is not the end, with its key.
    struct entry {
        Key key;
        slot_number slot;
    };
    entry at(position p) const {
        return {blocks_[p.block].keys[p.at], blocks_[p.block].slots[p.at]};
    }

 private:
    struct block {
        std::vector<Key> keys;  // never empty
        std::vector<slot_number> slots;
    };
    bool stands_before(slot_number slot, const place& where, bool behind_equal) const;
    position find(const place& where, bool behind_equal) const;
    std::size_t rank(position p) const;
    void split(std::size_t b);

    const slot_texts* texts_;
    std::vector<block> blocks_;
    std::vector<Key> firsts_;           // the first key of each block
    std::vector<std::uint32_t> sizes_;  // of each block
    std::size_t size_ = 0;
};

using price_order = slot_order<price_key>;
using name_order = slot_order<name_key>;
extern template class slot_order<price_key>;
extern template class slot_order<name_key>;

}  // namespace stoa::products
