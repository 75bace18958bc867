// The words of the catalogue, each with its postings: found exactly, by prefix, and one typo away.
// Not synchronised: the index locks.
#pragma once

#include "services/product/catalogue_postings.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::products {

using term_number = std::uint32_t;

// Terms by a hash that several may share. Open addressing; nothing is ever taken out.
class term_table {
 public:
    term_table() : cells_(least_cells) {}

    void add(std::uint32_t hash, term_number term);
    // Calls use(term) for each term that was added under the hash, until it answers true.
    template <class Use>
    void each(std::uint32_t hash, Use use) const {
        const auto mask = cells_.size() - 1;
        for (std::size_t i = hash & mask; cells_[i] != 0; i = (i + 1) & mask)
            if (cells_[i] >> 32 == hash && use(static_cast<term_number>(cells_[i] - 1))) return;
    }
    std::size_t heap_bytes() const { return cells_.capacity() * sizeof(std::uint64_t); }

 private:
    static constexpr std::size_t least_cells = 256;  // a power of two, as every later size

    void place(std::uint64_t cell);

    std::vector<std::uint64_t> cells_;  // hash << 32 | term + 1, 0 for free
    std::size_t used_ = 0;
};

// A hash table for whole words, and a trie whose leaves are sorted buckets of at most 64 words; a
// bucket that grows beyond becomes a node. Every node keeps the postings of all words below it, so
// a prefix is either a node, ready to read, or a part of one bucket: what a prefix costs does not
// depend on how many words begin with it. Words that no product holds any longer stay until the
// index is compacted.
class dictionary {
 public:
    dictionary();

    std::optional<term_number> find(std::string_view word) const;
    // Finds or adds. Call it for all words of a product before put(): adding may build nodes from
    // what was put.
    term_number intern(std::string_view word, std::size_t slots);

    void put(term_number term, slot_number slot, text_field field, std::size_t slots);
    // A product leaves with all its words or not at all: nodes do not know through which word it
    // came.
    void drop(term_number term, slot_number slot, std::size_t slots);

    const postings& of(term_number term) const { return terms_[term].holders; }
    const std::string& text(term_number term) const { return terms_[term].text; }

    // Postings whose union is what the prefix matches, empty ones left out: at most one node or one
    // bucket.
    void with_prefix(std::string_view prefix, std::vector<const postings*>& out) const;

    // The same for the words one typo apart from `word`, through the keys both share.
    void near(std::string_view word, std::vector<const postings*>& out) const;

    std::size_t size() const { return terms_.size(); }
    std::size_t unused() const { return unused_; }
    std::size_t heap_bytes() const;

 private:
    struct term {
        std::string text;
        postings holders;
    };
    struct node;
    struct branch {
        char byte;
        std::unique_ptr<node> child;
    };
    struct node {
        bool is_bucket = true;
        std::optional<term_number> own;   // the word that ends here
        std::vector<term_number> bucket;  // sorted by text
        std::vector<branch> branches;     // sorted by byte
        postings below;                   // of own and all branches; not kept for the root
    };

    static node* child_of(const node& parent, char byte);
    std::size_t place_in(const node& bucket, std::string_view word) const;
    void burst(node& full, std::size_t depth, std::size_t slots);
    void add_typo_keys(term_number added);
    std::size_t heap_bytes(const node& at) const;

    std::deque<term> terms_;  // never moved: readers of one query hold pointers to postings
    std::size_t unused_ = 0;
    std::unique_ptr<node> root_;
    term_table whole_;  // by the hash of the word
    term_table typos_;  // by the hash of each typo key
};

}  // namespace stoa::products
