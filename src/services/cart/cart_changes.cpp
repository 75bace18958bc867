// Changes that customers make to their carts.
#include "base/json.hpp"
#include "base/planted.hpp"
#include "runtime/crash_point.hpp"
#include "services/cart/cart_service.hpp"

#include <algorithm>
#include <set>

namespace stoa::carts {
namespace {

// Two writes a line (the line, and a look at its product's tombstone): 90 in a transaction.
constexpr std::size_t chunk_lines = 45;

error unknown_product(std::string where) {
    return invalid_request({{std::move(where), "unknown_product", "there is no such product", {}}});
}
error no_longer_sold(std::string where) {
    return invalid_request(
        {{std::move(where), "product_unavailable", "this product is no longer sold", {}}});
}
error too_many_units() {
    return invalid_request({{"quantity",
                             "out_of_range",
                             "a line has at most " + std::to_string(largest_quantity) + " units",
                             {}}});
}
}  // namespace

line cart_service::line_of(const std::string& user_id, const products::product& of,
                           std::int64_t quantity, const std::optional<line>& standing) const {
    const bool goes_on = standing && live(*standing);
    return {.user_id = user_id,
            .product_id = of.id,
            .quantity = quantity,
            .added_at = goes_on ? standing->added_at : ports_.time.now(),
            .price_seen = of.price,
            .currency = of.currency,
            .version = standing ? standing->version + 1 : 1,
            .expires_at = expiry()};
}

// One line, added to or set. Conditional on what was seen, so that two requests at once both count.
task<result<void>> cart_service::put_in(request_context context, products::product product,
                                        std::int64_t n, how meant, bool under_key) {
    const auto& user_id = context.caller.user_id;
    for (;;) {
        STOA_CO_TRY(const auto standing, co_await store_.get(user_id, product.id));
        const bool goes_on = standing && live(*standing);
        const auto before = goes_on && meant == how::add ? standing->quantity : 0;
        if (before + n > largest_quantity) co_return fail(too_many_units());
        if (!goes_on) {
            STOA_CO_TRY(const auto others, co_await live_lines(user_id));
            if (others.size() >= most_lines)
                co_return fail(errc::invalid, "cart_full",
                               "a cart has at most " + std::to_string(most_lines) +
                                   " lines; remove some first");
        }
        write_set in;
        const auto fresh = line_of(user_id, product, before + n, standing);
        if (goes_on) {
            // The second may have been the same: the quantity tells two changes of it apart.
            in.put(carts_table, to_item(fresh),
                   {equals("version", standing->version),
                    equals("added_at", rfc3339(standing->added_at))});
        } else {
            store_.insert(in, fresh, standing);
        }
        store_.refuse_if_deleted(in, product.id);
        if (under_key) ports_.keys.begin(in, context, product.id);
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        crash_point("cart_line_changed");
        if (outcome.committed()) co_return result<void>{};
        if (outcome.failed == 2) co_return fail(request_in_progress());
        if (outcome.failed != 1) continue;  // another change of the line came first: look again
        STOA_CO_TRY(const bool gone, co_await store_.deleted(product.id, ports_.time.now()));
        if (gone) co_return fail(no_longer_sold("product_id"));
    }
}

task<result<cart>> cart_service::add_line(request_context context, new_line wanted) {
    const bool under_key =
        context.key_from_client && !planted(planted_bug::cart_line_without_its_key);
    bool added_before = false;
    if (under_key) {
        STOA_CO_TRY(const auto known, co_await ports_.keys.look_up(context));
        if (known && known->state == idempotency_state::done) co_return cart{};  // in context.reply
        // The key was written together with the line: only the answer is missing.
        added_before = known.has_value();
    }
    if (!added_before) {
        STOA_CO_TRY(const auto now, co_await quoted(context, {wanted.product_id}));
        const auto found = now.find(wanted.product_id);
        if (found == now.end()) co_return fail(unknown_product("product_id"));
        if (!found->second.is_active) co_return fail(no_longer_sold("product_id"));
        STOA_CO_TRY_VOID(
            co_await put_in(context, found->second, wanted.quantity, how::add, under_key));
    }
    auto shown = co_await show(context);
    if (!shown || !under_key) co_return shown;
    auto body = to_json(*shown);
    write_set in;
    ports_.keys.complete(in, idempotency_keys::scope_key(context), 200, body);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    *context.reply = {.status = 200, .body = std::move(body)};
    co_return shown;
}

task<result<cart>> cart_service::set_quantity(request_context context,
                                              set_quantity_request wanted) {
    if (wanted.quantity == 0) {
        STOA_CO_TRY_VOID(co_await remove_line(context, {wanted.product_id}));
        co_return co_await show(std::move(context));
    }
    STOA_CO_TRY(const auto now, co_await quoted(context, {wanted.product_id}));
    const auto found = now.find(wanted.product_id);
    if (found == now.end())
        co_return fail(errc::not_found, "product_not_found", "there is no such product");
    if (!found->second.is_active) co_return fail(no_longer_sold("product_id"));
    STOA_CO_TRY_VOID(co_await put_in(context, found->second, wanted.quantity, how::set, false));
    co_return co_await show(std::move(context));
}

task<result<emptied_answer>> cart_service::remove_line(request_context context,
                                                       remove_line_request wanted) {
    STOA_CO_TRY_VOID(co_await live_lines(context.caller.user_id));
    write_set in;
    store_.forget(in, context.caller.user_id, wanted.product_id);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    co_return emptied_answer{};
}

task<result<emptied_answer>> cart_service::clear_cart(request_context context, get_cart_request) {
    STOA_CO_TRY(const auto lines, co_await live_lines(context.caller.user_id));
    std::vector<std::string> unwanted;
    for (const auto& each : lines) unwanted.push_back(each.product_id);
    for (std::size_t at = 0; at < unwanted.size(); at += chunk_lines) {
        const auto some =
            std::span(unwanted).subspan(at, std::min(chunk_lines, unwanted.size() - at));
        STOA_CO_TRY_VOID(co_await replace_chunk(context.caller.user_id, {}, some));
    }
    co_return emptied_answer{};
}

task<result<void>> cart_service::replace_chunk(std::string user_id, std::span<const line> wanted,
                                               std::span<const std::string> unwanted) {
    std::set<std::size_t> gone;
    for (;;) {
        write_set in;
        std::vector<std::size_t> line_of_write;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (gone.contains(i)) {
                store_.forget(in, user_id, wanted[i].product_id);
                line_of_write.push_back(i);
                continue;
            }
            store_.overwrite(in, wanted[i]);
            store_.refuse_if_deleted(in, wanted[i].product_id);
            line_of_write.insert(line_of_write.end(), 2, i);
        }
        for (const auto& each : unwanted) store_.forget(in, user_id, each);
        if (in.writes.empty()) co_return result<void>{};
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        if (outcome.committed()) co_return result<void>{};
        // A product was deleted since it was quoted: as if that had come after this request.
        const auto which = line_of_write.at(static_cast<std::size_t>(outcome.failed));
        STOA_CO_TRY(const bool deleted,
                    co_await store_.deleted(wanted[which].product_id, ports_.time.now()));
        if (deleted) gone.insert(which);
    }
}

task<result<cart>> cart_service::replace_cart(request_context context,
                                              replace_cart_request wanted) {
    const auto& user_id = context.caller.user_id;
    STOA_CO_TRY(const auto mine, co_await live_lines(user_id));
    std::map<std::string, std::int64_t, std::less<>> units;
    for (const auto& each : wanted.items) units[each.product_id] += each.quantity;
    std::vector<std::string> ids;
    for (const auto& [id, n] : units) ids.push_back(id);
    STOA_CO_TRY(const auto now, co_await quoted(context, ids));

    problems wrong;
    for (std::size_t i = 0; i < wanted.items.size(); ++i) {
        const auto at = "items[" + std::to_string(i) + "]";
        const auto& id = wanted.items[i].product_id;
        const auto found = now.find(id);
        if (found == now.end())
            wrong.push_back(
                {at + ".product_id", "unknown_product", "there is no such product", {}});
        else if (!found->second.is_active)
            wrong.push_back(
                {at + ".product_id", "product_unavailable", "this product is no longer sold", {}});
        else if (units.find(id)->second > largest_quantity)
            wrong.push_back({at + ".quantity",
                             "out_of_range",
                             "a line has at most " + std::to_string(largest_quantity) +
                                 " units, twins together",
                             {}});
    }
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));

    const auto begun = ports_.time.now();
    std::map<std::string_view, const line*> standing;
    for (const auto& each : mine) standing.emplace(each.product_id, &each);
    std::vector<line> lines;
    for (const auto& [id, n] : units) {
        const auto found = standing.extract(id);
        lines.push_back(line_of(user_id, now.find(id)->second, n,
                                found ? std::optional(*found.mapped()) : std::nullopt));
        // Said anew, so begun anew: an order that was placed over the old line does not take from
        // this one. In the order of the request.
        lines.back().added_at =
            begun + microseconds(std::ranges::find(wanted.items, id, &new_line::product_id) -
                                 wanted.items.begin());
    }
    std::vector<std::string> unwanted;
    for (const auto& [id, each] : standing) unwanted.emplace_back(id);
    // Chunks in product order, each the same when it is sent again: a request that dies half-way is
    // finished by its repeat.
    for (std::size_t at = 0; at < unwanted.size(); at += chunk_lines) {
        const auto some =
            std::span(unwanted).subspan(at, std::min(chunk_lines, unwanted.size() - at));
        STOA_CO_TRY_VOID(co_await replace_chunk(user_id, {}, some));
    }
    for (std::size_t at = 0; at < lines.size(); at += chunk_lines) {
        const auto some = std::span(lines).subspan(at, std::min(chunk_lines, lines.size() - at));
        STOA_CO_TRY_VOID(co_await replace_chunk(user_id, some, {}));
    }
    co_return co_await show(std::move(context));
}

}  // namespace stoa::carts
