// Lists and totals of them.
#include "services/product/catalogue_core.hpp"

#include <algorithm>
#include <utility>

namespace stoa::products {
namespace {

// Sorting a product costs about as much as looking at two that stand in order.
constexpr std::size_t most_sorted = 16'384;

struct price_range {
    price_order::position from, to;
};
price_range range_of(const price_order& order, const catalogue_filter& filter) {
    price_range out{order.begin(), order.end()};
    if (filter.min_price_minor) out.from = order.before_key({*filter.min_price_minor});
    if (filter.max_price_minor) out.to = order.after_key({*filter.max_price_minor});
    out.from = std::min(out.from, out.to);
    return out;
}

}  // namespace

const catalogue_core::prices* catalogue_core::prices_of(const catalogue_filter& filter) const {
    if (!filter.category) return &all_;
    const auto at = categories_.find(*filter.category);
    return at == categories_.end() ? nullptr : &at->second.listed;
}

std::uint64_t catalogue_core::count(const catalogue_filter& filter) const {
    const auto* of = prices_of(filter);
    if (of == nullptr) return 0;
    const auto in_stock = [&] {
        return of->in_stock.count(filter.min_price_minor, filter.max_price_minor);
    };
    if (filter.in_stock && *filter.in_stock) return in_stock();
    const auto [from, to] = range_of(of->order, filter);
    return of->order.count(from, to) - (filter.in_stock ? in_stock() : 0);
}

bool catalogue_core::passes(const catalogue_filter& filter, slot_number slot) const {
    return (!filter.in_stock || is_in_stock(slot) == *filter.in_stock) &&
           (!filter.min_price_minor || prices_[slot] >= *filter.min_price_minor) &&
           (!filter.max_price_minor || prices_[slot] <= *filter.max_price_minor) &&
           (!filter.category || stored_[slot].category->first == *filter.category);
}

template <class Order>
bool catalogue_core::walk_along(const Order& order, typename Order::position from,
                                typename Order::position to, bool back,
                                const catalogue_filter& filter, list_walk& walk,
                                std::size_t most_looked_at) const {
    auto looked_at = no_slot, shown = no_slot;
    while (from < to && walk.page.ids.size() < walk.limit && most_looked_at > 0) {
        --most_looked_at;
        if (back) to = order.back(to, 1);
        looked_at = order.at(back ? to : from).slot;
        if (!back) from = order.forward(from, 1);
        if (!passes(filter, looked_at)) continue;
        if (walk.skip > 0) {
            --walk.skip;
            continue;
        }
        shown = looked_at;
        walk.page.ids.push_back(stored_[shown].id);
    }
    if (shown != no_slot) walk.page.last = list_place_of(shown);
    if (from >= to || walk.page.ids.size() >= walk.limit) return true;
    walk.after = list_place_of(looked_at);
    return false;
}

bool catalogue_core::list_by_price(const catalogue_filter& filter, bool falling, list_walk& walk,
                                   std::size_t most_looked_at) const {
    const auto* of = prices_of(filter);
    if (of == nullptr) return true;
    const auto& order = of->order;
    auto [from, to] = range_of(order, filter);
    if (walk.after) {
        const auto place = place_by_price(walk.after->price_minor, walk.after->id);
        if (falling) to = std::min(to, order.before(place));
        else from = std::max(from, order.after(place));
    }
    if (!filter.in_stock) {  // everything between passes
        if (falling) to = order.back(to, walk.skip);
        else from = order.forward(from, walk.skip);
        walk.skip = 0;
    }
    return walk_along(order, from, to, falling, {.in_stock = filter.in_stock}, walk,
                      most_looked_at);
}

// Those that pass are either found along the names, or, where they are few, by their category and
// price, and sorted: whichever looks at less.
bool catalogue_core::list_by_name(const catalogue_filter& filter, list_walk& walk,
                                  std::size_t most_looked_at) const {
    auto from = by_name_.begin();
    if (walk.after) from = by_name_.after(place_by_name(walk.after->name, walk.after->id));
    if (!filter.category && !filter.min_price_minor && !filter.max_price_minor) {
        if (!filter.in_stock) from = by_name_.forward(from, std::exchange(walk.skip, 0));
        return walk_along(by_name_, from, by_name_.end(), false, filter, walk, most_looked_at);
    }
    const auto* of = prices_of(filter);
    if (of == nullptr) return true;
    const auto [cheapest, dearest] = range_of(of->order, filter);
    const auto few = of->order.count(cheapest, dearest);
    const auto wanted = std::min(walk.skip, size()) + std::min(walk.limit, size());
    if (few <= most_sorted && 2 * few * few <= size() * wanted) {
        sort_few_by_name(filter, of->order, cheapest, dearest, walk);
        return true;
    }
    return walk_along(by_name_, from, by_name_.end(), false, filter, walk, most_looked_at);
}

void catalogue_core::sort_few_by_name(const catalogue_filter& filter, const price_order& order,
                                      price_order::position from, price_order::position to,
                                      list_walk& walk) const {
    const auto comes_before = [](std::string_view name, std::string_view id, const stored& than) {
        const int names = name.compare(than.name);
        return names != 0 ? names < 0 : id < than.id;
    };
    std::vector<slot_number> found;
    for (; from < to; from = order.forward(from, 1)) {
        const auto slot = order.at(from).slot;
        if (passes({.in_stock = filter.in_stock}, slot) &&
            (!walk.after || comes_before(walk.after->name, walk.after->id, stored_[slot])))
            found.push_back(slot);
    }
    const auto first = std::min(walk.skip, found.size());
    const auto shown = std::min(walk.limit - walk.page.ids.size(), found.size() - first);
    std::ranges::partial_sort(
        found, found.begin() + static_cast<std::ptrdiff_t>(first + shown),
        [&](auto a, auto b) { return comes_before(stored_[a].name, stored_[a].id, stored_[b]); });
    for (const auto slot : std::span(found).subspan(first, shown))
        walk.page.ids.push_back(stored_[slot].id);
    if (shown > 0) walk.page.last = list_place_of(found[first + shown - 1]);
}

bool catalogue_core::list(const catalogue_filter& filter, list_order by, list_walk& walk,
                          std::size_t most_looked_at) const {
    if (count(filter) == 0) return true;
    if (by == list_order::name) return list_by_name(filter, walk, most_looked_at);
    return list_by_price(filter, by == list_order::price_down, walk, most_looked_at);
}

}  // namespace stoa::products
