#include "base/huge_page_pool.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

namespace stoa {
namespace {

constexpr std::size_t kib = 1'024, mib = kib * kib;

// What the heap gives first is used up.
std::vector<void*> use_up_the_heap(huge_page_pool& of) {
    std::vector<void*> out;
    for (std::size_t bytes = 0; bytes < huge_page_pool::heap_first_bytes; bytes += 64 * kib)
        out.push_back(of.allocate(64 * kib));
    return out;
}

void give_back(huge_page_pool& to, const std::vector<void*>& all) {
    for (void* each : all) to.deallocate(each, 64 * kib);
}

TEST(huge_page_pool_test, who_needs_little_takes_no_region) {
    huge_page_pool pool;
    for (int round = 0; round < 3; ++round) {
        const auto all = use_up_the_heap(pool);
        EXPECT_EQ(pool.regions(), 0U);
        give_back(pool, all);
    }
    const auto all = use_up_the_heap(pool);
    void* const one = pool.allocate(kib);
    EXPECT_EQ(pool.regions(), 1U);
    pool.deallocate(one, kib);
    give_back(pool, all);
}

TEST(huge_page_pool_test, a_block_that_is_given_back_is_the_next_of_its_size) {
    huge_page_pool pool;
    const auto heap = use_up_the_heap(pool);
    void* const first = pool.allocate(4 * kib);
    void* const other = pool.allocate(8 * kib);
    pool.deallocate(first, 4 * kib);
    EXPECT_NE(pool.allocate(8 * kib), first);
    EXPECT_EQ(pool.allocate(4 * kib), first);
    pool.deallocate(other, 8 * kib);
    EXPECT_EQ(pool.allocate(8 * kib), other);
    EXPECT_EQ(pool.regions(), 1U);
    give_back(pool, heap);
}

// 1 KiB, and then what only a new region has room for: the rest of the old one is given out later.
TEST(huge_page_pool_test, nothing_of_a_region_is_lost) {
    huge_page_pool pool;
    const auto heap = use_up_the_heap(pool);
    (void)pool.allocate(kib);
    (void)pool.allocate(mib);
    EXPECT_EQ(pool.regions(), 1U);
    (void)pool.allocate(mib);
    EXPECT_EQ(pool.regions(), 2U);
    for (std::size_t bytes = kib; bytes < mib; bytes *= 2) (void)pool.allocate(bytes);
    EXPECT_EQ(pool.regions(), 2U);
    give_back(pool, heap);
}

TEST(huge_page_pool_test, blocks_of_every_size_lie_apart_and_keep_what_is_written) {
    struct block {
        std::size_t bytes;
        char mark;
    };
    huge_page_pool pool;
    std::mt19937_64 chance(11);
    std::map<char*, block> all;
    const auto check_and_give_back = [&](std::map<char*, block>::iterator at) {
        const auto& [of, is] = *at;
        EXPECT_TRUE(of[0] == is.mark && std::memcmp(of, of + 1, is.bytes - 1) == 0);
        pool.deallocate(of, is.bytes);
        all.erase(at);
    };
    for (int i = 0; i < 5'000; ++i) {
        if (all.size() > 60)
            check_and_give_back(std::next(all.begin(), static_cast<long>(chance() % all.size())));
        auto bytes = std::size_t{32} << (chance() % 18);  // up to 4 MiB
        if (chance() % 8 == 0) bytes += chance() % bytes;
        auto* const got = static_cast<char*>(pool.allocate(bytes));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got) % alignof(std::max_align_t), 0U);
        const auto mark = static_cast<char>(chance());
        std::memset(got, mark, bytes);
        const auto [at, added] = all.emplace(got, block{bytes, mark});
        ASSERT_TRUE(added);
        if (at != all.begin()) ASSERT_LE(std::prev(at)->first + std::prev(at)->second.bytes, got);
        if (std::next(at) != all.end()) ASSERT_LE(got + bytes, std::next(at)->first);
    }
    while (!all.empty()) check_and_give_back(all.begin());
}

// Whether the process has the page.
bool is_mapped(const void* at) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto* const begin = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(at) / page * page);
    unsigned char in_memory = 0;
    return ::mincore(begin, 1, &in_memory) == 0;
}

TEST(huge_page_pool_test, the_system_has_large_blocks_back_at_once_and_regions_at_the_end) {
    auto pool = std::make_unique<huge_page_pool>();
    void* const large = pool->allocate(4 * mib);
    EXPECT_TRUE(is_mapped(large));
    pool->deallocate(large, 4 * mib);
    EXPECT_FALSE(is_mapped(large));
    const auto heap = use_up_the_heap(*pool);
    void* const small = pool->allocate(4 * kib);
    pool->deallocate(small, 4 * kib);
    EXPECT_TRUE(is_mapped(small));
    give_back(*pool, heap);
    pool.reset();
    EXPECT_FALSE(is_mapped(small));
}

TEST(huge_page_pool_test, without_huge_pages_it_is_the_same_memory) {
    ASSERT_EQ(::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
    {
        huge_page_pool pool;
        const auto heap = use_up_the_heap(pool);
        for (const auto bytes : {kib, mib, 3 * mib}) {
            auto* const got = static_cast<char*>(pool.allocate(bytes));
            std::memset(got, 7, bytes);
            EXPECT_EQ(got[0] + got[bytes - 1], 14);
            pool.deallocate(got, bytes);
        }
        EXPECT_EQ(pool.regions(), 1U);
        give_back(pool, heap);
    }
    ASSERT_EQ(::prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
}

TEST(huge_page_pool_test, sizes_and_alignments_that_it_has_no_place_for_are_the_heaps) {
    huge_page_pool pool;
    const auto heap = use_up_the_heap(pool);
    for (const auto& [bytes, alignment] : {std::pair<std::size_t, std::size_t>{0, 1},
                                           {1, 1},
                                           {kib - 1, 8},
                                           {3 * kib, 8},
                                           {mib - 1, 8},
                                           {4 * kib, 4 * kib},
                                           {3 * mib, 4 * mib}}) {
        void* const got = pool.allocate(bytes, alignment);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got) % alignment, 0U) << bytes;
        std::memset(got, 1, bytes);
        pool.deallocate(got, bytes, alignment);
    }
    EXPECT_EQ(pool.regions(), 0U);
    give_back(pool, heap);
}

#if __has_feature(address_sanitizer)
TEST(huge_page_pool_test, a_block_that_was_given_back_may_not_be_touched) {
    huge_page_pool pool;
    const auto heap = use_up_the_heap(pool);
    auto* const block = static_cast<char*>(pool.allocate(4 * kib));
    EXPECT_FALSE(__asan_address_is_poisoned(block + 4 * kib - 1));
    EXPECT_TRUE(__asan_address_is_poisoned(block + 4 * kib)) << "nobody has it yet";
    pool.deallocate(block, 4 * kib);
    EXPECT_TRUE(__asan_address_is_poisoned(block));
    EXPECT_EQ(pool.allocate(4 * kib), block);
    EXPECT_FALSE(__asan_address_is_poisoned(block));
    pool.deallocate(block, 4 * kib);
    give_back(pool, heap);
}
#endif

TEST(huge_page_pool_test, what_no_system_has_is_refused) {
    huge_page_pool pool;
    for (const auto bytes : {std::size_t{1} << 60, ~std::size_t{0}, ~std::size_t{0} - 2 * mib})
        EXPECT_THROW((void)pool.allocate(bytes), std::bad_alloc);
    void* const still = pool.allocate(4 * mib);
    pool.deallocate(still, 4 * mib);
}

}  // namespace
}  // namespace stoa
