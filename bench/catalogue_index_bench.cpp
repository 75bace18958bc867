// The catalogue index against its goals (CPU time): a ranked search with total <= 100 us at 4,000
// products, <= 1 ms for the commonest word at 1,000,000. Words follow a Zipf law over 20,000, as
// words do. The argument is the number of products; counters of the load: CPU seconds, and heap
// bytes for one product (as the index says, and by malloc).
#include "services/product/catalogue_index.hpp"

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <random>

namespace {

using namespace stoa::products;

constexpr std::size_t vocabulary = 20'000;

// The rank-th word: pronounceable, distinct, prefixes shared as in a language.
std::string word(std::size_t rank) {
    constexpr std::string_view consonants = "bcdfghklmnprstvw";
    constexpr std::string_view vowels = "aeiou";
    std::string out;
    for (std::size_t n = rank + 37; n > 0 || out.size() < 4; n /= 80) {
        out += consonants[n % 80 / 5];
        out += vowels[n % 5];
    }
    return out;
}

class words_by_zipf {
 public:
    explicit words_by_zipf(unsigned seed) : random_(seed) {
        double sum = 0;
        for (std::size_t rank = 0; rank < vocabulary; ++rank)
            sums_.push_back(sum += 1.0 / static_cast<double>(rank + 2));
    }
    std::string text(std::size_t words) {
        std::uniform_real_distribution<double> at(0, sums_.back());
        std::string out;
        for (; words > 0; --words)
            out += word(static_cast<std::size_t>(std::ranges::lower_bound(sums_, at(random_)) -
                                                 sums_.begin())) +
                   ' ';
        return out;
    }
    std::size_t below(std::size_t n) { return random_() % n; }

 private:
    std::mt19937 random_;
    std::vector<double> sums_;
};

indexed_product product(words_by_zipf& words, std::size_t number) {
    auto digits = std::to_string(number);
    digits.insert(0, 7 - std::min<std::size_t>(7, digits.size()), '0');
    return {.id = "01890000-0000-7000-8000-00000" + digits,
            .sku = "SKU-" + digits,
            .name = words.text(4),
            .category = "category " + std::to_string(words.below(40)),
            .description = words.text(16),
            .price_minor = static_cast<std::int64_t>(
                std::exp(4 + static_cast<double>(words.below(10'000)) / 1'200)),
            .in_stock = words.below(10) != 0,
            .active = true,
            .created_seq = static_cast<std::int64_t>(number)};
}

struct loaded {
    catalogue_index index;
    double load_s = 0;
    double malloc_bytes = 0;
};

double allocated_bytes() {
    const auto info = mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

// Built once a size, since the million takes seconds. Updates leave it as it was.
loaded& shop_of(std::size_t size) {
    static std::map<std::size_t, std::unique_ptr<loaded>> shops;
    auto& shop = shops[size];
    if (shop) return *shop;
    shop = std::make_unique<loaded>();
    words_by_zipf words(7);
    std::vector<indexed_product> all;
    for (std::size_t i = 0; i < size; ++i) all.push_back(product(words, i));
    malloc_trim(0);
    const auto before = allocated_bytes();
    const auto start = std::clock();
    shop->index.load(all);
    shop->load_s = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    shop->malloc_bytes = allocated_bytes() - before;
    return *shop;
}

void load(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    auto& shop = shop_of(size);
    for (auto _ : state) benchmark::DoNotOptimize(shop.index.size());
    const auto products = static_cast<double>(size);
    state.counters["load_s"] = shop.load_s;
    state.counters["bytes_each"] = static_cast<double>(shop.index.heap_bytes()) / products;
    state.counters["malloc_each"] = shop.malloc_bytes / products;
}

void search(benchmark::State& state, const std::string& query, const catalogue_filter& filter) {
    auto& index = shop_of(static_cast<std::size_t>(state.range(0))).index;
    std::uint64_t total = 0;
    for (auto _ : state) {
        const auto page = index.search(query, filter, 0, 20);
        benchmark::DoNotOptimize(page.ids.data());
        total = page.total;
    }
    state.counters["total"] = static_cast<double>(total);
}

void count(benchmark::State& state, const catalogue_filter& filter) {
    auto& index = shop_of(static_cast<std::size_t>(state.range(0))).index;
    std::uint64_t total = 0;
    for (auto _ : state) benchmark::DoNotOptimize(total = index.count(filter));
    state.counters["total"] = static_cast<double>(total);
}

void list(benchmark::State& state, list_order by, const catalogue_filter& filter,
          std::size_t skip) {
    auto& index = shop_of(static_cast<std::size_t>(state.range(0))).index;
    std::size_t shown = 0;
    for (auto _ : state) {
        const auto page = index.list(filter, by, {}, skip, 10);
        benchmark::DoNotOptimize(page.ids.data());
        shown = page.ids.size();
    }
    state.counters["shown"] = static_cast<double>(shown);
}

void add_and_erase(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    auto& index = shop_of(size).index;
    words_by_zipf words(11);
    auto number = size;
    for (auto _ : state) {
        state.PauseTiming();
        const auto added = product(words, number++);
        state.ResumeTiming();
        index.upsert(added);
        index.erase(added.id);
    }
}

void change_words_in_the_middle(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    auto& index = shop_of(size).index;
    words_by_zipf words(13);
    for (auto _ : state) {
        state.PauseTiming();
        const auto changed = product(words, words.below(size));
        state.ResumeTiming();
        index.upsert(changed);
    }
}

void set_in_stock(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    auto& index = shop_of(size).index;
    words_by_zipf words(17);
    const auto id = product(words, size / 2).id;
    bool in_stock = false;
    for (auto _ : state) index.set_in_stock(id, in_stock = !in_stock);
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(4'000)->Arg(1'000'000); }

}  // namespace

BENCHMARK(load)->Apply(sizes)->Iterations(1);
BENCHMARK_CAPTURE(search, commonest_word, word(0), {})->Apply(sizes);
BENCHMARK_CAPTURE(search, commonest_word_in_stock, word(0), {.in_stock = true})->Apply(sizes);
BENCHMARK_CAPTURE(search, commonest_word_in_category, word(0), {.category = "category 3"})
    ->Apply(sizes);
BENCHMARK_CAPTURE(search, commonest_word_by_price, word(0),
                  {.min_price_minor = 1'000, .max_price_minor = 50'000})
    ->Apply(sizes);
BENCHMARK_CAPTURE(search, word_of_rank_100, word(100), {})->Apply(sizes);
BENCHMARK_CAPTURE(search, rare_word, word(15'000), {})->Apply(sizes);
BENCHMARK_CAPTURE(search, two_commonest_words, word(0) + " " + word(1), {})->Apply(sizes);
BENCHMARK_CAPTURE(search, four_commonest_words,
                  word(0) + " " + word(1) + " " + word(2) + " " + word(3), {})
    ->Apply(sizes);
BENCHMARK_CAPTURE(search, common_and_rare_word, word(0) + " " + word(3'000), {})->Apply(sizes);
BENCHMARK_CAPTURE(search, one_letter, "s", {})->Apply(sizes);
BENCHMARK_CAPTURE(search, three_letters, "sku", {})->Apply(sizes);
BENCHMARK_CAPTURE(search, half_a_code, "sku-0001", {})->Apply(sizes);
BENCHMARK_CAPTURE(search, whole_code, "sku-0001234", {})->Apply(sizes);
BENCHMARK_CAPTURE(search, typo, word(9'000).substr(0, 3) + "x" + word(9'000).substr(3), {})
    ->Apply(sizes);
BENCHMARK_CAPTURE(count, all_filters,
                  {.category = "category 3",
                   .min_price_minor = 1'000,
                   .max_price_minor = 50'000,
                   .in_stock = false})
    ->Apply(sizes);
BENCHMARK_CAPTURE(count, price, {.min_price_minor = 1'000, .max_price_minor = 50'000})
    ->Apply(sizes);
BENCHMARK_CAPTURE(list, by_price, list_order::price_up, {}, 0)->Apply(sizes);
BENCHMARK_CAPTURE(list, by_price_far_down, list_order::price_down, {}, 10'000)->Apply(sizes);
BENCHMARK_CAPTURE(list, by_price_sold_out_far_down, list_order::price_up, {.in_stock = false},
                  10'000)
    ->Apply(sizes);
BENCHMARK_CAPTURE(list, by_name_in_category, list_order::name, {.category = "category 3"}, 0)
    ->Apply(sizes);
// Nothing costs as much: every name is looked at.
BENCHMARK_CAPTURE(list, by_name_few_pass, list_order::name, {.min_price_minor = 220'000}, 0)
    ->Apply(sizes);
BENCHMARK(set_in_stock)->Apply(sizes);
BENCHMARK(change_words_in_the_middle)->Apply(sizes)->Iterations(2'000);
BENCHMARK(add_and_erase)->Apply(sizes)->Iterations(2'000);

BENCHMARK_MAIN();
