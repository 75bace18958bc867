#include "services/product/catalogue_dictionary.hpp"

#include "base/ids.hpp"
#include "services/product/catalogue_text.hpp"

#include <algorithm>
#include <utility>

namespace stoa::products {

namespace {

constexpr std::size_t most_in_bucket = 64;
// A word of four letters with one lost: what is shorter is never one typo away from a forgiving
// word.
constexpr std::size_t least_forgiving_bytes = 3;

std::uint32_t hash_of(std::string_view key) {
    return static_cast<std::uint32_t>(stable_hash(key) >> 32);
}

}  // namespace

void term_table::add(std::uint32_t hash, term_number term) {
    if ((used_ + 1) * 4 > cells_.size() * 3) {
        const auto old = std::exchange(cells_, std::vector<std::uint64_t>(cells_.size() * 2));
        for (const auto cell : old)
            if (cell != 0) place(cell);
    }
    place(std::uint64_t{hash} << 32 | (term + 1U));
    ++used_;
}

void term_table::place(std::uint64_t cell) {
    const auto mask = cells_.size() - 1;
    std::size_t i = (cell >> 32) & mask;
    while (cells_[i] != 0) i = (i + 1) & mask;
    cells_[i] = cell;
}

dictionary::dictionary() : root_(std::make_unique<node>()) { root_->is_bucket = false; }

dictionary::node* dictionary::child_of(const node& parent, char byte) {
    const auto at = std::ranges::lower_bound(parent.branches, byte, {}, &branch::byte);
    return at != parent.branches.end() && at->byte == byte ? at->child.get() : nullptr;
}

std::size_t dictionary::place_in(const node& bucket, std::string_view word) const {
    const auto text_of = [&](term_number t) -> std::string_view { return terms_[t].text; };
    return static_cast<std::size_t>(std::ranges::lower_bound(bucket.bucket, word, {}, text_of) -
                                    bucket.bucket.begin());
}

std::optional<term_number> dictionary::find(std::string_view word) const {
    std::optional<term_number> out;
    whole_.each(hash_of(word), [&](term_number candidate) {
        if (terms_[candidate].text == word) out = candidate;
        return out.has_value();
    });
    return out;
}

term_number dictionary::intern(std::string_view word, std::size_t slots) {
    if (const auto known = find(word)) return *known;
    const auto added = static_cast<term_number>(terms_.size());
    terms_.push_back({.text = std::string(word)});
    ++unused_;
    whole_.add(hash_of(word), added);
    add_typo_keys(added);

    node* at = root_.get();
    std::size_t depth = 0;
    while (!at->is_bucket) {
        if (depth == word.size()) {
            at->own = added;
            return added;
        }
        const char byte = word[depth++];
        node* child = child_of(*at, byte);
        if (child == nullptr) {
            auto made = std::make_unique<node>();
            child = made.get();
            at->branches.insert(std::ranges::lower_bound(at->branches, byte, {}, &branch::byte),
                                branch{byte, std::move(made)});
        }
        at = child;
    }
    at->bucket.insert(at->bucket.begin() + static_cast<std::ptrdiff_t>(place_in(*at, word)), added);
    if (at->bucket.size() > most_in_bucket) burst(*at, depth, slots);
    return added;
}

// The recursion is as deep as a word is long (48).
void dictionary::burst(node& full, std::size_t depth, std::size_t slots) {
    std::vector<const postings*> parts;
    for (const auto t : full.bucket) parts.push_back(&terms_[t].holders);
    full.below = postings::union_of(parts, slots);
    full.is_bucket = false;
    const auto words = std::exchange(full.bucket, {});
    for (const auto t : words) {
        const auto& text = terms_[t].text;
        if (text.size() == depth) {
            full.own = t;
            continue;
        }
        if (full.branches.empty() || full.branches.back().byte != text[depth])
            full.branches.push_back({text[depth], std::make_unique<node>()});
        full.branches.back().child->bucket.push_back(t);
    }
    // Words sort by unsigned bytes, branches by char: set them right for letters beyond ASCII.
    std::ranges::sort(full.branches, {}, &branch::byte);
    for (auto& b : full.branches)
        if (b.child->bucket.size() > most_in_bucket) burst(*b.child, depth + 1, slots);
}

void dictionary::put(term_number term, slot_number slot, text_field field, std::size_t slots) {
    auto& holders = terms_[term].holders;
    if (holders.size() == 0) --unused_;
    holders.put(slot, field, slots);
    const auto& word = terms_[term].text;
    const node* at = root_.get();
    for (std::size_t depth = 0; depth < word.size(); ++depth) {
        node* child = child_of(*at, word[depth]);
        if (child == nullptr || child->is_bucket) return;
        child->below.put(slot, field, slots);
        at = child;
    }
}

void dictionary::drop(term_number term, slot_number slot, std::size_t slots) {
    auto& holders = terms_[term].holders;
    const bool was_used = holders.size() > 0;
    holders.drop(slot, slots);
    if (was_used && holders.size() == 0) ++unused_;
    const auto& word = terms_[term].text;
    const node* at = root_.get();
    for (std::size_t depth = 0; depth < word.size(); ++depth) {
        node* child = child_of(*at, word[depth]);
        if (child == nullptr || child->is_bucket) return;
        child->below.drop(slot, slots);
        at = child;
    }
}

void dictionary::with_prefix(std::string_view prefix, std::vector<const postings*>& out) const {
    const auto add = [&](const postings& found) {
        if (found.size() > 0) out.push_back(&found);
    };
    const node* at = root_.get();
    std::size_t depth = 0;
    while (!at->is_bucket) {
        if (depth == prefix.size()) {
            add(at->below);
            return;
        }
        at = child_of(*at, prefix[depth++]);
        if (at == nullptr) return;
    }
    for (auto place = place_in(*at, prefix); place < at->bucket.size(); ++place) {
        const auto& found = terms_[at->bucket[place]];
        if (!found.text.starts_with(prefix)) return;
        add(found.holders);
    }
}

void dictionary::near(std::string_view word, std::vector<const postings*>& out) const {
    std::vector<term_number> seen;
    for (const auto& key : typo_keys(word)) {
        typos_.each(hash_of(key), [&](term_number candidate) {
            if (std::ranges::find(seen, candidate) != seen.end()) return false;
            seen.push_back(candidate);
            const auto& found = terms_[candidate];
            if (found.holders.size() > 0 && is_one_typo_apart(found.text, word))
                out.push_back(&found.holders);
            return false;
        });
    }
}

void dictionary::add_typo_keys(term_number added) {
    if (terms_[added].text.size() < least_forgiving_bytes) return;
    for (const auto& key : typo_keys(terms_[added].text)) typos_.add(hash_of(key), added);
}

std::size_t dictionary::heap_bytes() const {
    std::size_t bytes = whole_.heap_bytes() + typos_.heap_bytes() + heap_bytes(*root_);
    for (const auto& t : terms_) bytes += sizeof(term) + t.holders.heap_bytes();
    return bytes;
}

std::size_t dictionary::heap_bytes(const node& at) const {
    std::size_t bytes = sizeof(node) + at.bucket.capacity() * sizeof(term_number) +
                        at.branches.capacity() * sizeof(branch) + at.below.heap_bytes();
    for (const auto& b : at.branches) bytes += heap_bytes(*b.child);
    return bytes;
}

}  // namespace stoa::products
