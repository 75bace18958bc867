#include "services/product/catalogue_search.hpp"

#include "services/product/catalogue_text.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <limits>

namespace stoa::products {

std::int64_t word_weight(std::uint64_t products, std::uint64_t holders) {
    const auto ratio =
        static_cast<double>(products) / static_cast<double>(std::max<std::uint64_t>(holders, 1));
    return 16 + std::llround(16 * std::log2(std::max(ratio, 1.0)));
}

namespace {

// Level 0 is the best step a word can give: fields in order of rank, whole words before longer
// ones.
constexpr std::size_t level_count = static_cast<std::size_t>(best_word_step);
enum class match : std::size_t { whole = 0, loose = 1 };

std::int64_t step_of(std::size_t level) {
    return best_word_step - static_cast<std::int64_t>(level);
}

// A word of the query on its way through the blocks.
struct sought_word {
    struct source {
        postings_cursor cursor;
        match how;
    };
    std::vector<source> sources;  // one or two
    std::int64_t weight = 0;

    // Of the block read last: who matches, by level; each product in its best level only.
    std::array<std::uint64_t, level_count> levels{};
    std::uint64_t any = 0;

    std::uint32_t seek(std::uint32_t block) {
        auto nearest = no_block;
        for (auto& s : sources) nearest = std::min(nearest, s.cursor.seek(block));
        return nearest;
    }
    void read(std::uint32_t block) {
        levels = {};
        for (auto& s : sources) {
            const auto masks = s.cursor.masks(block);
            for (std::size_t f = 0; f < text_field_count; ++f)
                levels[2 * f + static_cast<std::size_t>(s.how)] = masks[f];
        }
        any = 0;
        for (auto& level : levels) {
            level &= ~any;
            any |= level;
        }
    }
    std::int64_t points(std::uint64_t bit) const {
        for (std::size_t level = 0; level < level_count; ++level)
            if ((levels[level] & bit) != 0) return weight * step_of(level);
        return 0;
    }
};

struct hit {
    std::int64_t points;
    slot_number slot;
};

// The best `wanted` hits that come in slot order. Among equal points the earlier slot is the
// better, so once enough are kept, only more points than the least of them are of interest.
class best_hits {
 public:
    explicit best_hits(std::size_t wanted) : wanted_(wanted) {}

    bool is_of_interest(std::int64_t points) const {
        return wanted_ > 0 && (kept_ < wanted_ || points > groups_.rbegin()->first);
    }
    void add(std::int64_t points, std::uint32_t block, std::uint64_t bits) {
        if (!is_of_interest(points)) return;
        auto& group = groups_[points];
        for (; bits != 0 && group.size() < wanted_; bits &= bits - 1) {
            group.push_back(block * block_slots + static_cast<slot_number>(std::countr_zero(bits)));
            ++kept_;
        }
        while (kept_ - groups_.rbegin()->second.size() >= wanted_) {
            kept_ -= groups_.rbegin()->second.size();
            groups_.erase(std::prev(groups_.end()));
        }
    }
    void append_to(std::vector<hit>& out) const {
        for (const auto& [points, slots] : groups_)
            for (const auto slot : slots) out.push_back({points, slot});
    }

 private:
    std::size_t wanted_;
    std::size_t kept_ = 0;
    std::map<std::int64_t, std::vector<slot_number>, std::greater<>> groups_;
};

class search_run {
 public:
    search_run(const catalogue_core& core, const catalogue_filter& filter, std::size_t wanted)
        : core_(core), filter_(filter), best_(wanted) {}

    // False if a word or the category occurs nowhere.
    bool open(const std::vector<std::string>& words) {
        if (filter_.category) {
            const auto* members = core_.category(*filter_.category);
            if (members == nullptr) return false;
            category_.emplace(*members);
        }
        for (std::size_t i = 0; i < words.size(); ++i)
            if (!add_word(words[i], i + 1 == words.size())) return false;
        return true;
    }

    void run() {
        for (std::uint32_t block = 0;; ++block) {
            block = next_block(block);
            if (block == no_block) return;
            const auto found = matches_in(block);
            if (found == 0) continue;
            total_ += static_cast<std::uint64_t>(std::popcount(found));
            collect(block, found);
        }
    }

    search_page page(std::size_t skip, std::size_t limit) {
        std::vector<hit> hits = std::move(late_);
        best_.append_to(hits);
        // Late slots are all among the hits, and there are many after an import: only a page is put
        // in order.
        const auto shown = skip < hits.size() ? skip + std::min(limit, hits.size() - skip) : 0;
        std::ranges::partial_sort(hits, hits.begin() + static_cast<std::ptrdiff_t>(shown),
                                  [&](const hit& a, const hit& b) {
                                      return a.points != b.points ? a.points > b.points
                                                                  : core_.is_before(a.slot, b.slot);
                                  });
        search_page out{.total = total_};
        for (auto i = skip; i < shown; ++i) out.ids.emplace_back(core_.id(hits[i].slot));
        return out;
    }

 private:
    bool add_word(const std::string& word, bool is_last) {
        sought_word out;
        std::uint64_t holders = 0;
        if (const auto term = core_.words().find(word);
            term && core_.words().of(*term).size() > 0) {
            const auto& whole = core_.words().of(*term);
            out.sources.push_back({postings_cursor(whole), match::whole});
            holders = whole.size();
        }
        std::vector<const postings*> loose;
        if (is_last) core_.words().with_prefix(word, loose);
        if (out.sources.empty() && loose.empty() && is_forgiving(word))
            core_.words().near(word, loose);
        if (out.sources.empty() && loose.empty()) return false;
        if (loose.size() > 1) {
            unions_.push_back(postings::union_of(loose, core_.slots()));
            loose = {&unions_.back()};
        }
        // A prefix matches the whole word too: of the same size, there is nothing but the whole
        // word.
        if (!loose.empty() && loose.front()->size() > holders) {
            out.sources.push_back({postings_cursor(*loose.front()), match::loose});
            holders = loose.front()->size();
        }
        out.weight = word_weight(core_.size(), holders);
        most_points_ += out.weight * best_word_step;
        words_.push_back(std::move(out));
        return true;
    }

    std::uint32_t next_block(std::uint32_t block) {
        auto furthest = block;
        if (category_) furthest = category_->seek(furthest);
        for (auto& word : words_) {
            if (furthest == no_block) return no_block;
            furthest = std::max(furthest, word.seek(furthest));
        }
        return furthest;
    }

    std::uint64_t matches_in(std::uint32_t block) {
        auto found = ~std::uint64_t{0};
        if (category_)
            found = category_->masks(block)[static_cast<std::size_t>(text_field::category)];
        if (filter_.in_stock)
            found &= *filter_.in_stock ? core_.in_stock_bits(block) : ~core_.in_stock_bits(block);
        for (auto& word : words_) {
            if (found == 0) return 0;
            word.read(block);
            found &= word.any;
        }
        if (!filter_.min_price_minor && !filter_.max_price_minor) return found;
        return found & in_price_range(block);
    }

    // All of the block without a branch: as good as free beside one misprediction a product.
    std::uint64_t in_price_range(std::uint32_t block) const {
        constexpr auto least = std::numeric_limits<std::int64_t>::min();
        constexpr auto most = std::numeric_limits<std::int64_t>::max();
        const auto min = filter_.min_price_minor.value_or(least);
        const auto max = filter_.max_price_minor.value_or(most);
        std::uint64_t out = 0;
        std::size_t bit = 0;
        for (const auto price : core_.prices_minor(block))
            out |= static_cast<std::uint64_t>(static_cast<int>(price >= min) &
                                              static_cast<int>(price <= max))
                   << bit++;
        return out;
    }

    void collect(std::uint32_t block, std::uint64_t found) {
        const auto late = found & core_.late_bits(block);
        for (auto bits = late; bits != 0; bits &= bits - 1) {
            const auto bit = bits & -bits;
            std::int64_t points = 0;
            for (const auto& word : words_) points += word.points(bit);
            late_.push_back(
                {points, block * block_slots + static_cast<slot_number>(std::countr_zero(bit))});
        }
        found &= ~late;
        if (!best_.is_of_interest(most_points_)) return;
        // The most a product of this block can get from each word on: most blocks end here.
        most_from_.assign(words_.size() + 1, 0);
        for (auto i = words_.size(); i-- > 0;) {
            std::size_t level = 0;
            while (level < level_count && (words_[i].levels[level] & found) == 0) ++level;
            most_from_[i] =
                most_from_[i + 1] + (level < level_count ? words_[i].weight * step_of(level) : 0);
        }
        descend(block, 0, found, 0);
    }

    // Parts `found` by the level each word gives; as deep as the query has words (16).
    void descend(std::uint32_t block, std::size_t word, std::uint64_t found, std::int64_t points) {
        if (found == 0 || !best_.is_of_interest(points + most_from_[word])) return;
        if (word == words_.size()) {
            best_.add(points, block, found);
            return;
        }
        for (std::size_t level = 0; level < level_count; ++level)
            descend(block, word + 1, found & words_[word].levels[level],
                    points + words_[word].weight * step_of(level));
    }

    const catalogue_core& core_;
    const catalogue_filter& filter_;
    std::deque<postings> unions_;  // cursors point into it
    std::vector<sought_word> words_;
    std::optional<postings_cursor> category_;
    std::int64_t most_points_ = 0;  // of any product
    std::vector<std::int64_t> most_from_;
    std::vector<hit> late_;
    best_hits best_;
    std::uint64_t total_ = 0;
};

std::vector<std::string> words_of_query(std::string_view query) {
    std::vector<std::string> out;
    word_reader reader(query.substr(0, max_query_bytes));
    for (std::string word; out.size() < max_query_words && reader.next(word);) out.push_back(word);
    return out;
}

}  // namespace

search_page search_catalogue(const catalogue_core& core, std::string_view query,
                             const catalogue_filter& filter, std::size_t skip, std::size_t limit) {
    const auto words = words_of_query(query);
    if (words.empty()) return {};
    const auto most = core.size();
    const auto wanted = limit == 0 || skip >= most ? 0 : skip + std::min(limit, most - skip);
    search_run run(core, filter, wanted);
    if (!run.open(words)) return {};
    run.run();
    return run.page(skip, limit);
}

}  // namespace stoa::products
