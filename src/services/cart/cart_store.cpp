#include "services/cart/cart_store.hpp"

#include "base/ids.hpp"
#include "base/planted.hpp"

namespace stoa::carts {
namespace {

condition compare(std::string_view name, condition::op is, attribute value) {
    return {std::string(name), is, std::move(value)};
}

item key_of_guard(std::string id) { return key_of("id", std::move(id)); }

std::string return_id(std::string_view product_id) { return "restored:" + std::string(product_id); }

// A guard that still is as it was read. Tombstones of before they had a version have none.
condition as_seen(const std::optional<item>& guard) {
    if (!guard) return absent("id");
    return guard->find("version") ? equals("version", guard->integer("version"))
                                  : absent("version");
}

}  // namespace

task<result<std::vector<line>>> cart_store::lines_of(std::string user_id) {
    std::vector<line> out;
    kv_query query{.table = &carts_table, .hash = std::move(user_id)};
    for (;;) {
        STOA_CO_TRY(auto page, co_await items_.query(query));
        for (const auto& each : page.items) {
            STOA_CO_TRY(auto one, from_item<line>(each));
            out.push_back(std::move(one));
        }
        if (!page.next) co_return out;
        query.after = std::move(page.next);
    }
}

task<result<std::optional<line>>> cart_store::get(std::string user_id, std::string product_id) {
    return items_.find<line>(carts_table, key_of_line(user_id, product_id));
}

void cart_store::insert(write_set& in, const line& fresh,
                        const std::optional<line>& standing) const {
    in.put(carts_table, to_item(fresh),
           {standing ? equals("expires_at", standing->expires_at) : absent("user_id")});
}

void cart_store::overwrite(write_set& in, const line& to) const {
    in.put(carts_table, to_item(to));
}

void cart_store::take(write_set& in, const line& from, std::int64_t n) const {
    // The line's age stands in the condition too: a line that was emptied and added anew is
    // another.
    in.update(carts_table, key_of_line(from.user_id, from.product_id),
              {add_to("quantity", -n), add_to("version", 1)},
              {compare("quantity", condition::op::greater, n),
               equals("added_at", rfc3339(from.added_at))});
}

void cart_store::erase(write_set& in, const line& whole) const {
    in.erase(carts_table, key_of_line(whole.user_id, whole.product_id),
             {equals("quantity", whole.quantity), equals("added_at", rfc3339(whole.added_at))});
}

void cart_store::forget(write_set& in, std::string_view user_id,
                        std::string_view product_id) const {
    in.erase(carts_table, key_of_line(user_id, product_id));
}

void cart_store::refuse_if_deleted(write_set& in, std::string_view product_id) const {
    if (planted(planted_bug::cart_adds_what_was_deleted)) product_id = "-";
    in.check(guards_table, key_of_guard(tombstone_id(product_id)), {absent("id")});
}

task<result<cart_store::fate>> cart_store::fate_of(std::string product_id) {
    fate out;
    STOA_CO_TRY(out.stone,
                co_await items_.get(guards_table, key_of_guard(tombstone_id(product_id))));
    STOA_CO_TRY(out.back, co_await items_.get(guards_table, key_of_guard(return_id(product_id))));
    co_return out;
}

void cart_store::bury(write_set& in, std::string_view product_id, std::int64_t version,
                      const fate& seen, timestamp look_again_at, timestamp until) const {
    item stone = key_of_guard(tombstone_id(product_id));
    stone.set("product_id", product_id);
    stone.set("version", version);
    stone.set("due_shard", static_cast<std::int64_t>(stable_hash(product_id) % due_shards));
    stone.set("due_at", rfc3339(look_again_at));
    stone.set("expires_at", until.unix_s());
    in.put(guards_table, std::move(stone), {as_seen(seen.stone)});
    in.check(guards_table, key_of_guard(return_id(product_id)), {as_seen(seen.back)});
}

void cart_store::lift(write_set& in, std::string_view product_id, std::int64_t version,
                      const fate& seen, timestamp until) const {
    item back = key_of_guard(return_id(product_id));
    back.set("version", version);
    back.set("expires_at", until.unix_s());
    in.put(guards_table, std::move(back), {as_seen(seen.back)});
    in.erase(guards_table, key_of_guard(tombstone_id(product_id)), {as_seen(seen.stone)});
}

task<result<bool>> cart_store::deleted(std::string product_id, timestamp now) {
    auto key = key_of_guard(tombstone_id(product_id));
    STOA_CO_TRY(const auto stone, co_await items_.get(guards_table, key));
    if (!stone) co_return false;
    const auto until = stone->integer("expires_at");
    if (until > now.unix_s()) co_return true;
    write_set in;
    in.erase(guards_table, std::move(key), {equals("expires_at", until)});
    STOA_CO_TRY_VOID(co_await items_.write(std::move(in)));
    co_return false;
}

task<result<int>> cart_store::empty_of(std::string product_id) {
    int emptied = 0;
    const auto stone = key_of_guard(tombstone_id(product_id));
    kv_query query{
        .table = &carts_table, .index = "by_product", .hash = std::move(product_id), .limit = 90};
    for (;;) {
        STOA_CO_TRY(auto page, co_await items_.query(query));
        write_set in;
        for (const auto& each : page.items)
            forget(in, each.text("user_id"), each.text("product_id"));
        const auto found = static_cast<int>(in.writes.size());
        if (found > 0) {
            // A product that came back meanwhile may stand in carts again.
            in.check(guards_table, stone, {exists("id")});
            STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
            if (!outcome.committed()) co_return emptied;
        }
        emptied += found;
        if (!page.next) co_return emptied;
        query.after = std::move(page.next);
    }
}

task<result<std::vector<std::string>>> cart_store::due(int shard, timestamp now, int limit) {
    STOA_CO_TRY(const auto page, co_await items_.query({.table = &guards_table,
                                                        .index = "by_due",
                                                        .hash = shard,
                                                        .range = kv_query::op::at_most,
                                                        .from = rfc3339(now),
                                                        .limit = limit}));
    std::vector<std::string> products;
    for (const auto& each : page.items) products.emplace_back(each.text("product_id"));
    co_return products;
}

task<result<void>> cart_store::rest(std::string product_id) {
    write_set in;
    in.update(guards_table, key_of_guard(tombstone_id(product_id)),
              {removed("due_shard"), removed("due_at")}, {exists("id")});
    STOA_CO_TRY_VOID(co_await items_.write(std::move(in)));
    co_return result<void>{};
}

void cart_store::remember_order(write_set& in, std::string_view order_id, const line_ages& lines,
                                timestamp until) const {
    item ages;
    for (const auto& [product_id, begun] : lines) ages.set(product_id, rfc3339(begun));
    item order = key_of_guard("ordered:" + std::string(order_id));
    order.set("lines", std::move(ages));
    order.set("expires_at", until.unix_s());
    in.put(guards_table, std::move(order), {absent("id")});
}

task<result<cart_store::line_ages>> cart_store::ordered_over(std::string order_id) {
    STOA_CO_TRY(const auto found,
                co_await items_.get(guards_table, key_of_guard("ordered:" + order_id)));
    line_ages out;
    const auto* lines = found ? found->find("lines") : nullptr;
    const auto* ages = lines ? std::get_if<item>(&lines->value) : nullptr;
    if (!ages) co_return out;
    for (const auto& each : *ages) {
        const auto begun = each.value.text() ? read_rfc3339(*each.value.text()) : std::nullopt;
        if (!begun) co_return fail(errc::internal, "stored_item_ill_formed", "ordered:" + order_id);
        out.emplace(each.name, *begun);
    }
    co_return out;
}

task<result<std::optional<std::string>>> cart_store::merged_into(std::string guest_id) {
    STOA_CO_TRY(const auto found,
                co_await items_.get(guards_table, key_of_guard("merged:" + guest_id)));
    if (!found) co_return std::optional<std::string>{};
    co_return std::optional<std::string>(found->text("user_id"));
}

void cart_store::remember_merge(write_set& in, std::string_view guest_id, std::string_view user_id,
                                timestamp until) const {
    item merged = key_of_guard("merged:" + std::string(guest_id));
    merged.set("user_id", user_id);
    merged.set("expires_at", until.unix_s());
    in.put(guards_table, std::move(merged));
}

}  // namespace stoa::carts
