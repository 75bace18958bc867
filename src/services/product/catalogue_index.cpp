#include "services/product/catalogue_index.hpp"

#include "services/product/catalogue_core.hpp"
#include "services/product/catalogue_search.hpp"

#include <algorithm>
#include <unordered_map>

namespace stoa::products {
namespace {

// While one reader looks: about 0.2 ms, in which a writer waits.
constexpr std::size_t looked_at_under_lock = 16'384;

}  // namespace

catalogue_index::catalogue_index() : core_(std::make_unique<catalogue_core>()) {}
catalogue_index::~catalogue_index() = default;

// The old contents are freed after the lock: that takes long.
void catalogue_index::replace_core(std::unique_ptr<catalogue_core> next) {
    const std::unique_lock held(lock_);
    core_.swap(next);
}

void catalogue_index::load(std::span<const indexed_product> products) {
    std::unordered_map<std::string_view, const indexed_product*> last;
    last.reserve(products.size());
    for (const auto& product : products) last[product.id] = &product;
    std::vector<const indexed_product*> order;
    order.reserve(last.size());
    for (const auto& product : products)
        if (product.active && last[product.id] == &product) order.push_back(&product);
    std::ranges::sort(order, [](const auto* a, const auto* b) {
        return a->created_seq != b->created_seq ? a->created_seq < b->created_seq : a->id < b->id;
    });

    const std::scoped_lock writer(writers_);
    auto next = std::make_unique<catalogue_core>();
    next->load(order);
    replace_core(std::move(next));
}

void catalogue_index::upsert(const indexed_product& product) {
    const std::scoped_lock writer(writers_);
    const std::unique_lock held(lock_);
    core_->upsert(product);
}

bool catalogue_index::erase(std::string_view id) {
    const std::scoped_lock writer(writers_);
    const std::unique_lock held(lock_);
    return core_->erase(id);
}

bool catalogue_index::set_in_stock(std::string_view id, bool in_stock, std::uint64_t change) {
    const std::scoped_lock writer(writers_);
    const std::unique_lock held(lock_);
    return core_->set_in_stock(id, in_stock, change);
}

search_page catalogue_index::search(std::string_view query, const catalogue_filter& filter,
                                    std::size_t skip, std::size_t limit) const {
    const std::shared_lock held(lock_);
    return search_catalogue(*core_, query, filter, skip, limit);
}

list_page catalogue_index::list(const catalogue_filter& filter, list_order by,
                                const std::optional<list_place>& after, std::size_t skip,
                                std::size_t limit) const {
    catalogue_core::list_walk walk{.skip = skip, .limit = limit, .after = after, .page = {}};
    for (bool done = false; !done;) {
        const std::shared_lock held(lock_);
        done = core_->list(filter, by, walk, looked_at_under_lock);
    }
    return std::move(walk.page);
}

std::uint64_t catalogue_index::count(const catalogue_filter& filter) const {
    const std::shared_lock held(lock_);
    return core_->count(filter);
}

bool catalogue_index::needs_compaction() const {
    const std::shared_lock held(lock_);
    return core_->needs_compaction();
}

void catalogue_index::compact() {
    const std::scoped_lock writer(writers_);
    replace_core(core_->compacted());  // only writers change core_, and they wait
}

std::size_t catalogue_index::size() const {
    const std::shared_lock held(lock_);
    return core_->size();
}

std::size_t catalogue_index::heap_bytes() const {
    const std::shared_lock held(lock_);
    return core_->heap_bytes();
}

}  // namespace stoa::products
