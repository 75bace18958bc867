// What is shown beside a product, and an order's hold as operators see it.
#include "services/product/product_service.hpp"

#include <algorithm>

namespace stoa::products {
namespace {

// Of a product that sells all day these are its last days; more would cost more and say the same.
constexpr int orders_looked_at = 100;
constexpr std::int32_t related_by_default = 8;

}  // namespace

task<result<related_products>> product_service::get_related(request_context context,
                                                            related_products_request wanted) {
    STOA_CO_TRY(const auto of, co_await get_product(std::move(context), {.id = wanted.id}));
    struct found {
        std::vector<std::string> ids;
        std::int32_t together = 0;
    };
    auto read = [id = std::move(wanted.id), category = of.category,
                 limit =
                     wanted.limit.value_or(related_by_default)](transaction& t) -> result<found> {
        found out;
        out.ids = store::bought_together(t, id, orders_looked_at, limit);
        out.together = static_cast<std::int32_t>(out.ids.size());
        if (out.together == limit || category.empty()) return out;
        // One more than those that may be among them already, and the product itself.
        for (auto& each : store::list(
                 t, {.category = category, .in_stock = true, .limit = limit + out.together + 1})) {
            if (std::ssize(out.ids) == limit) break;
            if (each != id && std::ranges::find(out.ids, each) == out.ids.end())
                out.ids.push_back(std::move(each));
        }
        return out;
    };
    STOA_CO_TRY(auto beside, co_await ports_.db.read(std::move(read)));
    related_products out{.bought_together = beside.together};
    STOA_CO_TRY(const auto all, co_await find_all(std::move(beside.ids)));
    for (const auto& each : all)
        if (each) out.products.push_back(*each);
    co_return out;
}

task<result<hold_report>> product_service::get_hold(request_context, end_hold_request wanted) {
    auto read = [id = std::move(wanted.order_id)](transaction& t) -> result<hold_report> {
        const auto facts = store::hold_of(t, id);
        if (!facts) return fail(errc::not_found, "no_such_hold", "nothing was held under this id");
        return hold_report{.order_id = id,
                           .status = facts->status,
                           .created_at = facts->created_at,
                           .updated_at = facts->updated_at,
                           .due_at = facts->due_at,
                           .lines = store::lines_of(t, id),
                           .movements = store::movements_of_order(t, id)};
    };
    co_return co_await ports_.db.read(std::move(read));
}

}  // namespace stoa::products
