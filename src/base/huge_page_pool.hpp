// Memory for large tables that come and go in the same few sizes, as those of windows do. They lie
// in huge pages (2 MiB) where the system gives any: places that are touched at random cost a walk
// through the page tables with small ones. What is given back is kept for the next table of its
// size, so the system does not clear pages anew for every window.
//
// Blocks of 1 KiB to 1 MiB whose size is a power of two come from regions of one huge page each;
// regions are kept until the end of the pool, which is then as large as its tables once were.
// Larger blocks are mapped one by one and unmapped when given back. All others are the heap's, and
// so is the first megabyte: who needs little takes no huge page.
//
// Thread rule: one thread at a time.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <memory_resource>
#include <vector>

namespace stoa {

class huge_page_pool final : public std::pmr::memory_resource {
 public:
    static constexpr std::size_t region_bytes = std::size_t{2} << 20;
    static constexpr std::size_t smallest_block = std::size_t{1} << 10;
    static constexpr std::size_t largest_block = std::size_t{1} << 20;
    static constexpr std::size_t heap_first_bytes = std::size_t{1} << 20;

    huge_page_pool() = default;
    ~huge_page_pool() override;
    huge_page_pool(const huge_page_pool&) = delete;
    huge_page_pool& operator=(const huge_page_pool&) = delete;

    std::size_t regions() const { return regions_.size(); }

 private:
    struct free_block {
        free_block* next;
    };
    static constexpr auto classes = static_cast<std::size_t>(std::countr_zero(largest_block) -
                                                             std::countr_zero(smallest_block) + 1);
    static bool is_pooled(std::size_t bytes, std::size_t alignment) {
        return bytes >= smallest_block && bytes <= largest_block && std::has_single_bit(bytes) &&
               alignment <= smallest_block;
    }
    static std::size_t class_of(std::size_t bytes) {
        return static_cast<std::size_t>(std::countr_zero(bytes) - std::countr_zero(smallest_block));
    }

    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
    void keep(std::byte* block, std::size_t bytes);
    void* take_kept(std::size_t bytes);  // null: there is none
    void begin_region();
    bool is_of_region(const std::byte* block) const;

    std::vector<std::byte*> regions_;           // in the order of their addresses
    std::array<free_block*, classes> free_{};   // by size
    std::byte* rest_ = nullptr;                 // of the region that is being given out
    std::size_t rest_bytes_ = 0, on_heap_ = 0;  // of blocks that regions could hold
};

}  // namespace stoa
