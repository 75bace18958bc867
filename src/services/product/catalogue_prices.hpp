// How many products cost at least or at most so much, without looking at them. Not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace stoa::products {

// The distinct prices in order with how often each occurs, in blocks of at most 1,024, beside the
// blocks' sums. With n distinct prices, adding, removing and counting touch one block and n / 700
// sums.
class price_counts {
 public:
    void add(std::int64_t price_minor);
    // The price must have been added.
    void remove(std::int64_t price_minor);

    std::uint64_t size() const { return size_; }
    // Both bounds inclusive, absent for none.
    std::uint64_t count(std::optional<std::int64_t> min_minor,
                        std::optional<std::int64_t> max_minor) const;

    std::size_t heap_bytes() const;

 private:
    struct block {
        std::vector<std::int64_t> prices;  // never empty
        std::vector<std::uint32_t> counts;
    };
    std::size_t block_of(std::int64_t price_minor) const;
    void split(std::size_t at);
    std::uint64_t below(std::int64_t price_minor, bool inclusive) const;

    std::vector<block> blocks_;
    std::vector<std::int64_t> firsts_;  // of each block
    std::vector<std::uint64_t> sums_;   // of each block's counts
    std::uint64_t size_ = 0;
};

}  // namespace stoa::products
