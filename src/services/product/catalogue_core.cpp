#include "services/product/catalogue_core.hpp"

#include "services/product/catalogue_text.hpp"

#include <algorithm>
#include <utility>

namespace stoa::products {

std::vector<field_word> words_of_product(const indexed_product& product) {
    std::vector<field_word> out;
    const auto add = [&](std::string_view text, text_field field) {
        word_reader reader(text);
        std::size_t count = 0;
        for (std::string word; out.size() < max_product_words && reader.next(word); ++count)
            out.push_back({word, field});
        return count;
    };
    add(product.name, text_field::name);
    if (add(product.sku, text_field::sku) > 1)
        out.push_back({joined_words(product.sku), text_field::sku});
    add(product.category, text_field::category);
    add(product.description, text_field::description);
    std::ranges::sort(out);
    const auto tail = std::ranges::unique(out, {}, &field_word::text);
    out.erase(tail.begin(), tail.end());
    return out;
}

catalogue_core::catalogue_core() : by_id_(8, id_hash{this}, id_equal{this}) {}

slot_number catalogue_core::find(std::string_view id) const {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? no_slot : *at;
}

bool catalogue_core::is_before(slot_number a, slot_number b) const {
    const auto& x = stored_[a];
    const auto& y = stored_[b];
    return x.created_seq != y.created_seq ? x.created_seq < y.created_seq : x.id < y.id;
}

slot_number catalogue_core::add_slot(const std::string& id, std::int64_t created_seq) {
    const auto slot = static_cast<slot_number>(stored_.size());
    stored_.push_back({.id = id, .created_seq = created_seq});
    prices_.push_back(0);
    if (slot / block_slots >= in_stock_.size()) {
        in_stock_.push_back(0);
        late_.push_back(0);
    }
    by_id_.insert(slot);
    if (last_in_order_ == no_slot || is_before(last_in_order_, slot)) {
        last_in_order_ = slot;
    } else {
        late_[slot / block_slots] |= std::uint64_t{1} << slot % block_slots;
        ++late_count_;
    }
    return slot;
}

void catalogue_core::upsert(const indexed_product& product) {
    auto slot = find(product.id);
    if (!product.active) {
        if (slot != no_slot) erase(product.id);
        return;
    }
    if (slot != no_slot && stored_[slot].created_seq != product.created_seq) {
        erase(product.id);
        slot = no_slot;
    }
    if (slot == no_slot) {
        slot = add_slot(product.id, product.created_seq);
    } else {
        unplace(slot);
    }
    place(slot, product.category, product.price_minor, product.in_stock);
    set_words(slot, packed(words_of_product(product)));
}

// All words first: what is put afterwards is what nodes are built from.
std::vector<catalogue_core::packed_word> catalogue_core::packed(
    const std::vector<field_word>& words) {
    std::vector<packed_word> out;
    out.reserve(words.size());
    for (const auto& [text, field] : words)
        out.push_back(words_.intern(text, slots()) << 2 | static_cast<std::uint32_t>(field));
    std::ranges::sort(out);
    return out;
}

void catalogue_core::set_words(slot_number slot, std::vector<packed_word> next) {
    auto& words = stored_[slot].words;
    if (words == next) return;
    for (const auto word : words) words_.drop(word >> 2, slot, slots());
    words = std::move(next);
    for (const auto word : words)
        words_.put(word >> 2, slot, static_cast<text_field>(word & 3), slots());
}

void catalogue_core::place(slot_number slot, std::string_view category, std::int64_t price_minor,
                           bool in_stock) {
    auto at = categories_.find(category);
    if (at == categories_.end()) at = categories_.try_emplace(std::string(category)).first;
    auto& entry = at->second;
    stored_[slot].category = &*at;
    prices_[slot] = price_minor;
    entry.members.put(slot, text_field::category, slots());
    entry.all.add(price_minor);
    all_.add(price_minor);
    if (!in_stock) return;
    in_stock_[slot / block_slots] |= std::uint64_t{1} << slot % block_slots;
    entry.in_stock.add(price_minor);
    all_in_stock_.add(price_minor);
}

void catalogue_core::unplace(slot_number slot) {
    auto* const category = std::exchange(stored_[slot].category, nullptr);
    auto& entry = category->second;
    const auto price = prices_[slot];
    entry.members.drop(slot, slots());
    entry.all.remove(price);
    all_.remove(price);
    if (is_in_stock(slot)) {
        in_stock_[slot / block_slots] &= ~(std::uint64_t{1} << slot % block_slots);
        entry.in_stock.remove(price);
        all_in_stock_.remove(price);
    }
    if (entry.all.size() == 0) categories_.erase(categories_.find(category->first));
}

bool catalogue_core::erase(std::string_view id) {
    const auto slot = find(id);
    if (slot == no_slot) return false;
    by_id_.erase(by_id_.find(id));
    unplace(slot);
    set_words(slot, {});
    if ((late_[slot / block_slots] >> slot % block_slots & 1) != 0) {
        late_[slot / block_slots] &= ~(std::uint64_t{1} << slot % block_slots);
        --late_count_;
    }
    // The last in order keeps its id: later products are compared with it.
    if (slot != last_in_order_) stored_[slot].id = {};
    return true;
}

bool catalogue_core::set_in_stock(std::string_view id, bool in_stock) {
    const auto slot = find(id);
    if (slot == no_slot) return false;
    if (is_in_stock(slot) == in_stock) return true;
    in_stock_[slot / block_slots] ^= std::uint64_t{1} << slot % block_slots;
    auto& entry = stored_[slot].category->second;
    const auto price = prices_[slot];
    if (in_stock) {
        entry.in_stock.add(price);
        all_in_stock_.add(price);
    } else {
        entry.in_stock.remove(price);
        all_in_stock_.remove(price);
    }
    return true;
}

const postings* catalogue_core::category(std::string_view name) const {
    const auto at = categories_.find(name);
    return at == categories_.end() ? nullptr : &at->second.members;
}

std::uint64_t catalogue_core::count(const catalogue_filter& filter) const {
    const price_counts* all = &all_;
    const price_counts* in_stock = &all_in_stock_;
    if (filter.category) {
        const auto at = categories_.find(*filter.category);
        if (at == categories_.end()) return 0;
        all = &at->second.all;
        in_stock = &at->second.in_stock;
    }
    const auto of = [&](const price_counts& prices) {
        return prices.count(filter.min_price_minor, filter.max_price_minor);
    };
    if (!filter.in_stock) return of(*all);
    return *filter.in_stock ? of(*in_stock) : of(*all) - of(*in_stock);
}

bool catalogue_core::needs_compaction() const {
    const auto live = size();
    return late_count_ > 1'024 + live / 64 || stored_.size() - live > 1'024 + live / 4 ||
           words_.unused() > 1'024 + words_.size() / 2;
}

std::unique_ptr<catalogue_core> catalogue_core::compacted() const {
    std::vector<slot_number> order;
    order.reserve(size());
    for (slot_number slot = 0; slot < stored_.size(); ++slot)
        if (stored_[slot].category != nullptr) order.push_back(slot);
    std::ranges::sort(order, [&](auto a, auto b) { return is_before(a, b); });

    auto out = std::make_unique<catalogue_core>();
    for (const auto from : order) {
        const auto& old = stored_[from];
        const auto slot = out->add_slot(old.id, old.created_seq);
        out->place(slot, old.category->first, prices_[from], is_in_stock(from));
        std::vector<field_word> words;
        for (const auto word : old.words)
            words.push_back({words_.text(word >> 2), static_cast<text_field>(word & 3)});
        out->set_words(slot, out->packed(words));
    }
    return out;
}

std::size_t catalogue_core::heap_bytes() const {
    constexpr std::size_t node_bytes = 32;  // of the id set, with its share of the bucket array
    std::size_t bytes = words_.heap_bytes() + all_.heap_bytes() + all_in_stock_.heap_bytes() +
                        stored_.capacity() * sizeof(stored) + prices_.capacity() * 8 +
                        (in_stock_.capacity() + late_.capacity()) * 8 + by_id_.size() * node_bytes;
    for (const auto& s : stored_)
        bytes += s.words.capacity() * sizeof(packed_word) +
                 (s.id.capacity() > 15 ? s.id.capacity() + 1 : 0);
    for (const auto& [name, entry] : categories_)
        bytes += sizeof(name) + sizeof(entry) + entry.members.heap_bytes() +
                 entry.all.heap_bytes() + entry.in_stock.heap_bytes();
    return bytes;
}

}  // namespace stoa::products
