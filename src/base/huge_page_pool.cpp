#include "base/huge_page_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

#ifdef __has_include
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

namespace stoa {
namespace {

constexpr std::size_t page = huge_page_pool::region_bytes;

std::size_t whole_pages(std::size_t bytes) {
    // With a page more, which map() asks for, it is still a number.
    if (bytes > std::numeric_limits<std::size_t>::max() - 2 * page) throw std::bad_alloc();
    return (bytes + page - 1) / page * page;
}

// Zeros, beginning where a huge page begins: only what lies so can become one.
std::byte* map(std::size_t bytes) {
    const auto more = bytes + page;
    void* const got =
        ::mmap(nullptr, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<std::byte*>(got);
    const auto before = (page - reinterpret_cast<std::uintptr_t>(got) % page) % page;
    if (before > 0) ::munmap(begin, before);
    ::munmap(begin + before + bytes, page - before);
    // Where it is refused the pages stay small, which is slower and nothing else.
    (void)::madvise(begin + before, bytes, MADV_HUGEPAGE);
    return begin + before;
}

}  // namespace

huge_page_pool::~huge_page_pool() {
    for (auto* each : regions_) {
        ASAN_UNPOISON_MEMORY_REGION(each, region_bytes);
        ::munmap(each, region_bytes);
    }
}

// What nobody has may not be touched: AddressSanitizer sees to it, as it does for the heap's.
void huge_page_pool::keep(std::byte* block, std::size_t bytes) {
    auto& free = free_[class_of(bytes)];
    free = new (block) free_block{free};
    ASAN_POISON_MEMORY_REGION(block, bytes);
}

void* huge_page_pool::take_kept(std::size_t bytes) {
    auto& free = free_[class_of(bytes)];
    if (!free) return nullptr;
    ASAN_UNPOISON_MEMORY_REGION(free, bytes);
    return std::exchange(free, free->next);
}

void* huge_page_pool::do_allocate(std::size_t bytes, std::size_t alignment) {
    if (bytes > largest_block && alignment <= page) return map(whole_pages(bytes));
    if (!is_pooled(bytes, alignment))
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    if (void* const kept = take_kept(bytes)) return kept;
    if (on_heap_ + bytes <= heap_first_bytes) {
        void* const got = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        on_heap_ += bytes;
        return got;
    }
    if (rest_bytes_ < bytes) begin_region();
    rest_bytes_ -= bytes;
    ASAN_UNPOISON_MEMORY_REGION(rest_, bytes);
    return std::exchange(rest_, rest_ + bytes);
}

void huge_page_pool::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
    if (bytes > largest_block && alignment <= page) {
        ::munmap(block, whole_pages(bytes));
        return;
    }
    const bool pooled = is_pooled(bytes, alignment);
    if (pooled && is_of_region(static_cast<std::byte*>(block))) {
        keep(static_cast<std::byte*>(block), bytes);
        return;
    }
    if (pooled) on_heap_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
}

// What is left of the region before becomes free blocks, a power of two each.
void huge_page_pool::begin_region() {
    regions_.reserve(regions_.size() + 1);
    auto* const made = map(region_bytes);
    for (std::size_t bytes = smallest_block; rest_bytes_ > 0; bytes *= 2) {
        if ((rest_bytes_ & bytes) == 0) continue;
        ASAN_UNPOISON_MEMORY_REGION(rest_, bytes);
        keep(rest_, bytes);
        rest_ += bytes;
        rest_bytes_ -= bytes;
    }
    regions_.insert(std::ranges::upper_bound(regions_, made), made);
    rest_ = made;
    rest_bytes_ = region_bytes;
    ASAN_POISON_MEMORY_REGION(rest_, rest_bytes_);
}

bool huge_page_pool::is_of_region(const std::byte* block) const {
    const auto after = std::ranges::upper_bound(regions_, block, std::less<>{});
    return after != regions_.begin() && block - *std::prev(after) < std::ptrdiff_t{region_bytes};
}

}  // namespace stoa
