#include "services/product/catalogue_postings.hpp"

#include <algorithm>
#include <bit>

namespace stoa::products {

namespace {

constexpr std::size_t least_dense_size = 256;
// A union of more is built as bitmaps: sorting would cost more than clearing them.
constexpr std::size_t most_sorted_entries = 2'048;

bool is_common(std::size_t size, std::size_t slots) {
    return size >= least_dense_size && size >= slots / 16;
}
bool is_rare(std::size_t size, std::size_t slots) {
    return size < least_dense_size / 4 || size < slots / 64;
}

std::uint64_t bit_of(slot_number slot) { return std::uint64_t{1} << (slot % block_slots); }

}  // namespace

void postings::put(slot_number slot, text_field field, std::size_t slots) {
    if (dense_) {
        put_bit(slot, static_cast<std::size_t>(field));
        return;
    }
    const auto added = entry_of(slot, field);
    if (sparse_.empty() || sparse_.back() >> 2 < slot) {
        sparse_.push_back(added);  // the usual case: products arrive in slot order
    } else {
        const auto at = std::ranges::lower_bound(sparse_, entry_of(slot, text_field::name));
        if (at != sparse_.end() && *at >> 2 == slot) {
            *at = std::min(*at, added);
            return;
        }
        sparse_.insert(at, added);
    }
    ++size_;
    if (is_common(size_, slots)) make_dense();
}

void postings::drop(slot_number slot, std::size_t slots) {
    if (dense_) {
        for (auto& words : *dense_) {
            const auto block = slot / block_slots;
            if (block >= words.size() || (words[block] & bit_of(slot)) == 0) continue;
            words[block] &= ~bit_of(slot);
            --size_;
        }
        if (is_rare(size_, slots)) make_sparse();
        return;
    }
    const auto at = std::ranges::lower_bound(sparse_, entry_of(slot, text_field::name));
    if (at == sparse_.end() || *at >> 2 != slot) return;
    sparse_.erase(at);
    --size_;
}

void postings::put_bit(slot_number slot, std::size_t field) {
    const auto block = slot / block_slots;
    const auto bit = bit_of(slot);
    for (std::size_t f = 0; f < text_field_count; ++f) {
        auto& words = (*dense_)[f];
        if (block >= words.size() || (words[block] & bit) == 0) continue;
        if (f <= field) return;
        words[block] &= ~bit;
        --size_;
    }
    auto& words = (*dense_)[field];
    if (block >= words.size()) words.resize(block + 1);
    words[block] |= bit;
    ++size_;
}

void postings::make_dense() {
    dense_ = std::make_unique<bitmaps>();
    size_ = 0;
    for (const auto e : sparse_) put_bit(e >> 2, e & 3);
    sparse_ = {};
}

void postings::make_sparse() {
    sparse_.clear();
    sparse_.reserve(size_);
    for (std::size_t f = 0; f < text_field_count; ++f) {
        const auto& words = (*dense_)[f];
        for (std::size_t block = 0; block < words.size(); ++block)
            for (auto bits = words[block]; bits != 0; bits &= bits - 1)
                sparse_.push_back(entry_of(
                    static_cast<slot_number>(block * block_slots +
                                             static_cast<std::size_t>(std::countr_zero(bits))),
                    static_cast<text_field>(f)));
    }
    std::ranges::sort(sparse_);
    dense_.reset();
}

std::size_t postings::heap_bytes() const {
    std::size_t bytes = sparse_.capacity() * sizeof(entry);
    if (dense_) {
        bytes += sizeof(bitmaps);
        for (const auto& words : *dense_) bytes += words.capacity() * sizeof(std::uint64_t);
    }
    return bytes;
}

// Into this, which is dense: fields need not be exclusive yet.
void postings::merge(const postings& part) {
    if (!part.dense_) {
        for (const auto e : part.sparse_) {
            auto& words = (*dense_)[e & 3];
            const auto block = (e >> 2) / block_slots;
            if (block >= words.size()) words.resize(block + 1);
            words[block] |= bit_of(e >> 2);
        }
        return;
    }
    for (std::size_t f = 0; f < text_field_count; ++f) {
        const auto& from = (*part.dense_)[f];
        auto& to = (*dense_)[f];
        if (to.size() < from.size()) to.resize(from.size());
        for (std::size_t i = 0; i < from.size(); ++i) to[i] |= from[i];
    }
}

postings postings::union_of(std::span<const postings* const> parts, std::size_t slots) {
    std::size_t most = 0;
    bool all_sparse = true;
    for (const auto* part : parts) {
        most += part->size_;
        all_sparse = all_sparse && !part->dense_;
    }
    postings out;
    if (all_sparse && most <= most_sorted_entries) {
        out.sparse_.reserve(most);
        for (const auto* part : parts)
            out.sparse_.insert(out.sparse_.end(), part->sparse_.begin(), part->sparse_.end());
        std::ranges::sort(out.sparse_);
        const auto same_slot = [](entry a, entry b) { return a >> 2 == b >> 2; };
        const auto tail = std::ranges::unique(out.sparse_, same_slot);
        out.sparse_.erase(tail.begin(), tail.end());
        out.size_ = out.sparse_.size();
        if (is_common(out.size_, slots)) out.make_dense();
        return out;
    }
    out.dense_ = std::make_unique<bitmaps>();
    for (const auto* part : parts) out.merge(*part);
    std::size_t blocks = 0;
    for (const auto& words : *out.dense_) blocks = std::max(blocks, words.size());
    for (std::size_t block = 0; block < blocks; ++block) {
        std::uint64_t better = 0;
        for (auto& words : *out.dense_) {
            if (block >= words.size()) continue;
            words[block] &= ~better;
            better |= words[block];
        }
        out.size_ += static_cast<std::size_t>(std::popcount(better));
    }
    return out;
}

postings_cursor::postings_cursor(const postings& from) : from_(&from) {
    if (!from.dense_) return;
    for (const auto& words : *from.dense_) dense_blocks_ = std::max(dense_blocks_, words.size());
}

std::uint32_t postings_cursor::seek(std::uint32_t block) {
    if (from_->dense_) return block < dense_blocks_ ? block : no_block;
    const auto& all = from_->sparse_;
    const postings::entry first = block * block_slots << 2;
    // Gallop: the next entry is mostly near.
    std::size_t step = 1;
    std::size_t high = at_;
    while (high < all.size() && all[high] < first) {
        at_ = high + 1;
        high += step;
        step *= 2;
    }
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(high, all.size()));
    at_ = static_cast<std::size_t>(
        std::lower_bound(all.begin() + static_cast<std::ptrdiff_t>(at_), end, first) - all.begin());
    return at_ < all.size() ? (all[at_] >> 2) / block_slots : no_block;
}

field_masks postings_cursor::masks(std::uint32_t block) {
    field_masks out{};
    if (from_->dense_) {
        for (std::size_t f = 0; f < text_field_count; ++f) {
            const auto& words = (*from_->dense_)[f];
            if (block < words.size()) out[f] = words[block];
        }
        return out;
    }
    if (seek(block) != block) return out;
    const auto& all = from_->sparse_;
    for (; at_ < all.size() && (all[at_] >> 2) / block_slots == block; ++at_)
        out[all[at_] & 3] |= bit_of(all[at_] >> 2);
    return out;
}

}  // namespace stoa::products
