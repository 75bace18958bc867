#include "services/product/catalogue_order.hpp"

#include <algorithm>
#include <numeric>

namespace stoa::products {
namespace {

constexpr std::size_t most_in_block = 512;
// Of a block that is filled in order: room for what comes between later.
constexpr std::size_t filled_in_block = 384;

std::ptrdiff_t offset(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }
std::size_t number(std::ptrdiff_t i) { return static_cast<std::size_t>(i); }

}  // namespace

name_key name_key_of(std::string_view name) {
    const auto eight = [&](std::size_t from) {
        std::uint64_t out = 0;
        for (auto i = from; i < from + sizeof out; ++i)
            out = out << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0);
        return out;
    };
    return {eight(0), eight(8)};
}

// Of a product whose key is the place's.
template <class Key>
bool slot_order<Key>::stands_before(slot_number slot, const place& where, bool behind_equal) const {
    if constexpr (Key::has_name)
        if (const int names = texts_->name(slot).compare(where.name); names != 0) return names < 0;
    const int ids = texts_->id(slot).compare(where.id);
    return ids < 0 || (ids == 0 && behind_equal);
}

template <class Key>
auto slot_order<Key>::find(const place& where, bool behind_equal) const -> position {
    if (blocks_.empty()) return end();
    // The last block whose first product stands before it; of equal first keys the products decide.
    std::size_t low = 0, high = blocks_.size();
    while (high - low > 1) {
        const auto middle = low + (high - low) / 2;
        const auto key = firsts_[middle];
        const bool before = key != where.key
                                ? key < where.key
                                : stands_before(blocks_[middle].slots.front(), where, behind_equal);
        (before ? low : high) = middle;
    }
    const auto& [keys, slots] = blocks_[low];
    auto first = number(std::ranges::lower_bound(keys, where.key) - keys.begin());
    auto last = number(std::ranges::upper_bound(keys, where.key) - keys.begin());
    while (first < last) {
        const auto middle = first + (last - first) / 2;
        if (stands_before(slots[middle], where, behind_equal)) first = middle + 1;
        else last = middle;
    }
    return first < keys.size() ? position{low, first} : position{low + 1, 0};
}

template <class Key>
auto slot_order<Key>::before_key(const Key& key) const -> position {
    const auto b = number(std::ranges::lower_bound(firsts_, key) - firsts_.begin());
    if (b == 0) return begin();
    const auto& keys = blocks_[b - 1].keys;
    const auto at = number(std::ranges::lower_bound(keys, key) - keys.begin());
    return at < keys.size() ? position{b - 1, at} : position{b, 0};
}

template <class Key>
auto slot_order<Key>::after_key(const Key& key) const -> position {
    const auto b = number(std::ranges::upper_bound(firsts_, key) - firsts_.begin());
    if (b == 0) return begin();
    const auto& keys = blocks_[b - 1].keys;
    const auto at = number(std::ranges::upper_bound(keys, key) - keys.begin());
    return at < keys.size() ? position{b - 1, at} : position{b, 0};
}

template <class Key>
void slot_order<Key>::add(const place& where, slot_number slot) {
    if (blocks_.empty()) return append(where.key, slot);
    auto [b, at] = before(where);
    // At a block's beginning it can as well end the block before it.
    if (at == 0 && b > 0) at = blocks_[--b].keys.size();
    auto& [keys, slots] = blocks_[b];
    keys.insert(keys.begin() + offset(at), where.key);
    slots.insert(slots.begin() + offset(at), slot);
    firsts_[b] = keys.front();
    ++sizes_[b];
    ++size_;
    if (keys.size() > most_in_block) split(b);
}

template <class Key>
void slot_order<Key>::split(std::size_t b) {
    block upper;
    auto& lower = blocks_[b];
    // Products that come in order fill the last block: the half that stays would stay half empty.
    const bool last = b + 1 == blocks_.size();
    const auto cut = last ? filled_in_block : lower.keys.size() / 2;
    upper.keys.reserve(most_in_block + 1);
    upper.slots.reserve(most_in_block + 1);
    upper.keys.assign(lower.keys.begin() + offset(cut), lower.keys.end());
    upper.slots.assign(lower.slots.begin() + offset(cut), lower.slots.end());
    lower.keys.resize(cut);
    lower.slots.resize(cut);
    sizes_[b] = static_cast<std::uint32_t>(cut);
    sizes_.insert(sizes_.begin() + offset(b + 1), static_cast<std::uint32_t>(upper.keys.size()));
    firsts_.insert(firsts_.begin() + offset(b + 1), upper.keys.front());
    blocks_.insert(blocks_.begin() + offset(b + 1), std::move(upper));
}

template <class Key>
void slot_order<Key>::append(const Key& key, slot_number slot) {
    ++size_;
    if (blocks_.empty() || blocks_.back().keys.size() >= filled_in_block) {
        blocks_.push_back({.keys = {key}, .slots = {slot}});
        firsts_.push_back(key);
        sizes_.push_back(1);
        return;
    }
    blocks_.back().keys.push_back(key);
    blocks_.back().slots.push_back(slot);
    ++sizes_.back();
}

template <class Key>
void slot_order<Key>::remove(const place& where) {
    const auto [b, at] = before(where);
    auto& [keys, slots] = blocks_[b];
    keys.erase(keys.begin() + offset(at));
    slots.erase(slots.begin() + offset(at));
    --sizes_[b];
    --size_;
    if (!keys.empty()) {
        firsts_[b] = keys.front();
        return;
    }
    blocks_.erase(blocks_.begin() + offset(b));
    firsts_.erase(firsts_.begin() + offset(b));
    sizes_.erase(sizes_.begin() + offset(b));
}

template <class Key>
std::size_t slot_order<Key>::rank(position p) const {
    return std::accumulate(sizes_.begin(), sizes_.begin() + offset(p.block), std::size_t{0}) + p.at;
}

template <class Key>
auto slot_order<Key>::forward(position from, std::size_t steps) const -> position {
    while (from.block < blocks_.size()) {
        const auto left = sizes_[from.block] - from.at;
        if (steps < left) return {from.block, from.at + steps};
        steps -= left;
        from = {from.block + 1, 0};
    }
    return end();
}

template <class Key>
auto slot_order<Key>::back(position from, std::size_t steps) const -> position {
    while (steps > from.at) {
        if (from.block == 0) return begin();
        steps -= from.at;
        --from.block;
        from.at = sizes_[from.block];
    }
    return {from.block, from.at - steps};
}

template <class Key>
std::size_t slot_order<Key>::heap_bytes() const {
    std::size_t bytes = firsts_.capacity() * sizeof(Key) + sizes_.capacity() * 4 +
                        blocks_.capacity() * sizeof(block);
    for (const auto& b : blocks_) bytes += b.keys.capacity() * sizeof(Key) + b.slots.capacity() * 4;
    return bytes;
}

template class slot_order<price_key>;
template class slot_order<name_key>;

}  // namespace stoa::products
