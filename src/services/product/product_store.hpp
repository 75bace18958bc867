// Products in the sql port. Every function that takes a transaction runs inside a use case's one
// closure, on the engine's thread: it touches nothing but its arguments.
#pragma once

#include "ports/idempotent_answers.hpp"
#include "ports/sql.hpp"
#include "services/product/product.hpp"
#include "services/product/product_api.hpp"
#include "services/product/product_cache.hpp"

#include <set>

namespace stoa::products::store {

inline constexpr answers_table answers = STOA_ANSWERS_TABLE("product_answers");

std::optional<product> find(transaction& t, std::string_view id);
// In any order; without those that are not there.
std::vector<product> find_all(transaction& t, const std::set<std::string_view>& ids);
std::optional<product> find_by_sku(transaction& t, std::string_view sku);
// False: the sku is taken.
bool insert(transaction& t, const product& fresh);
// With `stock` on hand, which a movement must explain. A sku that is taken fails the transaction
// with `conflict`.
void insert_counted(transaction& t, const product& fresh);
// Everything but stock; the version moves on by one. False: not at `expected` version (0: any).
bool update(transaction& t, const product& to, std::int64_t expected_version);

enum class sort_order : std::uint8_t { newest, price_up, price_down, name };
struct listing {
    std::optional<std::string> category;
    std::optional<std::int64_t> min_price, max_price;
    bool in_stock = false;
    sort_order by = sort_order::newest;
    int skip = 0, limit = 10;
    // The last row of the page before, by the sort's own columns; instead of skip.
    struct place {
        std::string text;  // created_at or name
        std::int64_t price = 0;
        std::string id;
    };
    std::optional<place> after;
};
// Ids in the list's order: what they stand for is mostly remembered, and an index alone gives them.
std::vector<std::string> list(transaction& t, const listing& what);
std::vector<std::string> categories(transaction& t);
std::vector<product> page_by_id(transaction& t, std::string_view after_id,
                                int limit);  // deleted ones too

// Changes on_hand by `delta` with its movement. applied false: the reference was there before.
enum class moved : std::uint8_t { applied, repeated, below_reserved, no_product };
struct movement_request {
    std::string product_id;
    std::int64_t delta = 0;
    movement_reason reason{};
    std::string reference;
    timestamp at;
};
moved move_stock(transaction& t, const movement_request& what);
// The movement alone, of a product that was just inserted with what it brings.
void note_movement(transaction& t, const movement_request& what);
// Sets on_hand to what was counted, by a movement of the difference (delta is ignored).
moved recount_stock(transaction& t, movement_request what, std::int64_t counted);
struct shelf {
    std::int64_t on_hand = 0, reserved = 0;
};
std::optional<shelf> shelf_of(transaction& t, std::string_view product_id);
std::vector<stock_movement> movements(transaction& t, std::string_view product_id, int limit);

// Holds are idempotent by the order id: the stored outcome is read where there is one. `left` is
// what is left of each product that was taken from.
struct stock_left {
    std::string product_id;
    std::int64_t stock = 0;
};
struct hold_try {
    hold_request wanted;
    timestamp at;
    std::shared_ptr<change_board::change> changes{};
};
struct held {
    hold_outcome outcome;
    std::vector<stock_left> left;
};
// One outcome each, decided one after the other; rows are locked in one order for all.
std::vector<held> hold_all(transaction& t, std::span<const hold_try> tries);
enum class ended : std::uint8_t { done, repeated, tombstone, unknown };
// paid: reserved − n and a movement of − n for each line.
ended commit_hold(transaction& t, std::string_view order_id, timestamp now);
// cancelled: gives a hold back, returns what was committed, and leaves a tombstone where nothing
// stands.
ended release_hold(transaction& t, std::string_view order_id, timestamp now,
                   std::vector<stock_left>& left);
struct hold_facts {
    hold_status status{};
    timestamp created_at, updated_at, due_at;
};
std::optional<hold_facts> hold_of(transaction& t, std::string_view order_id);
std::vector<held_line> lines_of(transaction& t, std::string_view order_id);  // by product
std::vector<stock_movement> movements_of_order(transaction& t, std::string_view order_id);
// Of the latest `orders` that were paid with this product and not given back: the other products
// that can be sold now, by the number of these orders they stand in, then by id.
std::vector<std::string> bought_together(transaction& t, std::string_view product_id, int orders,
                                         int limit);
std::vector<std::string> held_past(transaction& t, timestamp now, int limit);

}  // namespace stoa::products::store
