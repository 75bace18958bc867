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

namespace {

constexpr std::size_t most_absent_remembered = 4'096;

}  // namespace

catalogue_core::catalogue_core()
    : all_(*this), by_name_(*this), by_id_(8, id_hash{this}, id_equal{this}) {}

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

void catalogue_core::load(std::span<const indexed_product* const> products) {
    fills_orders_later_ = true;
    for (const auto* product : products) upsert(*product);
    fills_orders_later_ = false;
    build_orders();
}

// Sorted once: much quicker than one by one.
void catalogue_core::build_orders() {
    std::vector<slot_number> live;
    live.reserve(size());
    for (slot_number slot = 0; slot < stored_.size(); ++slot)
        if (stored_[slot].category != nullptr) live.push_back(slot);
    std::ranges::sort(live, [&](auto a, auto b) {
        return prices_[a] != prices_[b] ? prices_[a] < prices_[b] : stored_[a].id < stored_[b].id;
    });
    for (const auto slot : live) {
        all_.order.append({prices_[slot]}, slot);
        stored_[slot].category->second.listed.order.append({prices_[slot]}, slot);
    }
    std::vector<name_order::entry> named;
    named.reserve(live.size());
    for (const auto slot : live) named.push_back({name_key_of(stored_[slot].name), slot});
    std::ranges::sort(named, [&](const auto& a, const auto& b) {
        if (a.key != b.key) return a.key < b.key;
        const auto &x = stored_[a.slot], &y = stored_[b.slot];
        return x.name != y.name ? x.name < y.name : x.id < y.id;
    });
    for (const auto& [key, slot] : named) by_name_.append(key, slot);
}

// Loops tell what they changed each in its own time: the latest change counts, not what came last.
// A change of stock tells of nothing else, so that an earlier one of the rest still counts.
void catalogue_core::upsert(const indexed_product& product) {
    auto slot = find(product.id);
    const auto known = absent_.find(product.id);
    auto stock_change = product.change;
    bool in_stock = product.in_stock;
    if (slot != no_slot) {
        const auto& before = stored_[slot];
        if (product.change < before.change) return;
        if (product.change < before.stock_change) {
            stock_change = before.stock_change;
            in_stock = is_in_stock(slot);
        }
    } else if (known != absent_.end()) {
        if (product.change < known->second.erased_by) return;
        if (product.change < known->second.stock_change) {
            stock_change = known->second.stock_change;
            in_stock = known->second.in_stock;
        }
    }
    if (!product.active) {
        if (slot != no_slot) erase(product.id);
        if (product.change > 0) remember(product.id).erased_by = product.change;
        return;
    }
    if (known != absent_.end()) absent_.erase(known);
    if (slot != no_slot && stored_[slot].created_seq != product.created_seq) {
        erase(product.id);
        slot = no_slot;
    }
    if (slot == no_slot) {
        slot = add_slot(product.id, product.created_seq);
    } else {
        unplace(slot);
    }
    stored_[slot].change = product.change;
    stored_[slot].stock_change = stock_change;
    stored_[slot].name = product.name;
    place(slot, product.category, product.price_minor, in_stock);
    set_words(slot, packed(words_of_product(product)));
}

catalogue_core::absent& catalogue_core::remember(std::string_view id) {
    if (absent_.size() >= most_absent_remembered) absent_.clear();
    return absent_[std::string(id)];
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
    if (at == categories_.end())
        at = categories_.try_emplace(std::string(category), static_cast<const slot_texts&>(*this))
                 .first;
    auto& entry = at->second;
    stored_[slot].category = &*at;
    prices_[slot] = price_minor;
    entry.members.put(slot, text_field::category, slots());
    if (!fills_orders_later_) {
        entry.listed.order.add(place_by_price_of(slot), slot);
        all_.order.add(place_by_price_of(slot), slot);
        by_name_.add(place_by_name_of(slot), slot);
    }
    if (!in_stock) return;
    in_stock_[slot / block_slots] |= std::uint64_t{1} << slot % block_slots;
    entry.listed.in_stock.add(price_minor);
    all_.in_stock.add(price_minor);
}

void catalogue_core::unplace(slot_number slot) {
    auto* const category = std::exchange(stored_[slot].category, nullptr);
    auto& entry = category->second;
    const auto price = prices_[slot];
    entry.members.drop(slot, slots());
    entry.listed.order.remove(place_by_price_of(slot));
    all_.order.remove(place_by_price_of(slot));
    by_name_.remove(place_by_name_of(slot));
    if (is_in_stock(slot)) {
        in_stock_[slot / block_slots] &= ~(std::uint64_t{1} << slot % block_slots);
        entry.listed.in_stock.remove(price);
        all_.in_stock.remove(price);
    }
    if (entry.listed.order.size() == 0) categories_.erase(categories_.find(category->first));
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
    stored_[slot].name = {};
    return true;
}

bool catalogue_core::set_in_stock(std::string_view id, bool in_stock, std::uint64_t change) {
    const auto slot = find(id);
    if (slot == no_slot) {
        // Sold before whoever made it has told of it.
        if (change == 0) return false;
        auto& known = remember(id);
        if (change >= known.stock_change) {
            known.stock_change = change;
            known.in_stock = in_stock;
        }
        return false;
    }
    if (change < stored_[slot].stock_change) return true;
    stored_[slot].stock_change = change;
    if (is_in_stock(slot) == in_stock) return true;
    in_stock_[slot / block_slots] ^= std::uint64_t{1} << slot % block_slots;
    auto& of_category = stored_[slot].category->second.listed.in_stock;
    const auto price = prices_[slot];
    if (in_stock) {
        of_category.add(price);
        all_.in_stock.add(price);
    } else {
        of_category.remove(price);
        all_.in_stock.remove(price);
    }
    return true;
}

const postings* catalogue_core::category(std::string_view name) const {
    const auto at = categories_.find(name);
    return at == categories_.end() ? nullptr : &at->second.members;
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
    out->fills_orders_later_ = true;
    for (const auto from : order) {
        const auto& old = stored_[from];
        const auto slot = out->add_slot(old.id, old.created_seq);
        out->stored_[slot].name = old.name;
        out->stored_[slot].change = old.change;
        out->stored_[slot].stock_change = old.stock_change;
        out->place(slot, old.category->first, prices_[from], is_in_stock(from));
        std::vector<field_word> words;
        for (const auto word : old.words)
            words.push_back({words_.text(word >> 2), static_cast<text_field>(word & 3)});
        out->set_words(slot, out->packed(words));
    }
    out->fills_orders_later_ = false;
    out->build_orders();
    out->absent_ = absent_;
    return out;
}

std::size_t catalogue_core::heap_bytes() const {
    constexpr std::size_t node_bytes = 32;  // of the id set, with its share of the bucket array
    const auto of = [](const prices& each) {
        return each.order.heap_bytes() + each.in_stock.heap_bytes();
    };
    std::size_t bytes = words_.heap_bytes() + of(all_) + by_name_.heap_bytes() +
                        stored_.capacity() * sizeof(stored) + prices_.capacity() * 8 +
                        (in_stock_.capacity() + late_.capacity()) * 8 + by_id_.size() * node_bytes;
    for (const auto& s : stored_)
        bytes += s.words.capacity() * sizeof(packed_word) +
                 (s.id.capacity() > 15 ? s.id.capacity() + 1 : 0) +
                 (s.name.capacity() > 15 ? s.name.capacity() + 1 : 0);
    for (const auto& [name, entry] : categories_)
        bytes += sizeof(name) + sizeof(entry) + entry.members.heap_bytes() + of(entry.listed);
    return bytes;
}

}  // namespace stoa::products
