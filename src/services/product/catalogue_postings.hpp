// The products that hold one word (or one prefix, or one category), with the field it stands in.
// Products are numbered by slot. Not synchronised: the index locks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace stoa::products {

using slot_number = std::uint32_t;
constexpr slot_number no_slot = 0xFFFFFFFF;
constexpr slot_number max_slots = 1U << 30;

// In order of rank: of several fields that hold a word, the first counts.
enum class text_field : std::uint8_t { name, sku, category, description };
constexpr std::size_t text_field_count = 4;

// Sixty-four neighbouring slots, a bit each, apart by field.
constexpr std::uint32_t block_slots = 64;
constexpr std::uint32_t no_block = 0xFFFFFFFF;
using field_masks = std::array<std::uint64_t, text_field_count>;

// Held as a sorted array while rare and as one bitmap a field while common (from a sixteenth of all
// slots on; back below a sixty-fourth). So a common word is read 64 products at a time, a rare one
// only where it occurs.
class postings {
 public:
    // `slots` is the number of slots in use, which decides the form. Keeps the better field of two.
    void put(slot_number slot, text_field field, std::size_t slots);
    void drop(slot_number slot, std::size_t slots);

    std::size_t size() const { return size_; }
    std::size_t heap_bytes() const;

    // The union, each slot with its best field.
    static postings union_of(std::span<const postings* const> parts, std::size_t slots);

 private:
    friend class postings_cursor;
    // slot << 2 | field, ascending: of one slot, the best field comes first.
    using entry = std::uint32_t;
    using bitmaps = std::array<std::vector<std::uint64_t>, text_field_count>;

    static entry entry_of(slot_number slot, text_field field) {
        return slot << 2 | static_cast<std::uint32_t>(field);
    }
    void put_bit(slot_number slot, std::size_t field);
    void merge(const postings& part);
    void make_dense();
    void make_sparse();

    std::vector<entry> sparse_;
    std::unique_ptr<bitmaps> dense_;
    std::size_t size_ = 0;
};

// Reads postings block by block, forwards only. The postings must not change meanwhile.
class postings_cursor {
 public:
    explicit postings_cursor(const postings& from);

    // The first block from `block` on that may hold something; no_block at the end.
    std::uint32_t seek(std::uint32_t block);

    // What `block` holds; blocks must be asked for in ascending order.
    field_masks masks(std::uint32_t block);

 private:
    const postings* from_;
    std::size_t at_ = 0;  // sparse: next entry
    std::size_t dense_blocks_ = 0;
};

}  // namespace stoa::products
