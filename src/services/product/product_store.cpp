#include "services/product/product_store.hpp"

#include "base/json.hpp"
#include "base/planted.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace stoa::products::store {

BOOST_DESCRIBE_STRUCT(shelf, (), (on_hand, reserved))

namespace {

#define PRODUCT_COLUMNS                                                                           \
    "SELECT id, sku, name, description, category, price, currency, on_hand - reserved AS stock, " \
    "image_url, "                                                                                 \
    "is_active, created_at, updated_at, version FROM products "

// The row of an order's hold.
struct hold_row {
    std::string order_id;
    hold_status status{};
    hold_outcome outcome;
};
BOOST_DESCRIBE_STRUCT(hold_row, (), (order_id, status, outcome))

struct held_line {
    std::string product_id;
    std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(held_line, (), (product_id, quantity))

auto ask_hold(transaction& t, std::string_view order_id) {
    return t.ask_first<hold_row>("SELECT order_id, status, outcome FROM holds WHERE order_id = ?1",
                                 order_id);
}
std::optional<hold_row> find_hold(transaction& t, std::string_view order_id) {
    return ask_hold(t, order_id).get();
}

// In product order, so that two transactions that lock rows cannot wait for each other.
std::vector<held_line> lines_of(transaction& t, std::string_view order_id) {
    return t.query<held_line>(
        "SELECT product_id, quantity FROM hold_lines WHERE order_id = ?1 ORDER BY product_id",
        order_id);
}

void set_hold_status(transaction& t, std::string_view order_id, hold_status to, timestamp now) {
    t.send("UPDATE holds SET status = ?2, updated_at = ?3 WHERE order_id = ?1", order_id, to, now);
}

void insert_hold(transaction& t, const hold_request& wanted, const hold_outcome& outcome,
                 timestamp now) {
    t.send(
        "INSERT INTO holds (order_id, status, outcome, due_at, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        wanted.order_id, outcome.status, to_json(outcome), wanted.deadline, now);
}

// Why this product cannot be had; nothing where it can. DISTINCT, since an engine may lock what a
// plain SELECT of a transaction finds (ADR 0010): the rows of later products are locked by now, and
// this one's would be out of order.
std::optional<refused_line> refusal_of(transaction& t, const std::string& product_id,
                                       std::int64_t wanted, const money& quoted) {
    const auto now = t.first<product>(
        "SELECT DISTINCT id, sku, name, description, category, price, currency, "
        "on_hand - reserved AS stock, image_url, is_active, created_at, updated_at, version "
        "FROM products WHERE id = ?1",
        product_id);
    if (!now || !now->is_active)
        return refused_line{product_id, refusal::product_unavailable, 0, {}, {}};
    if (now->price.minor != quoted.minor || now->currency != quoted.currency)
        return refused_line{product_id, refusal::price_changed, now->stock, now->price,
                            now->currency};
    if (now->stock < wanted)
        return refused_line{product_id, refusal::out_of_stock, now->stock, now->price,
                            now->currency};
    return {};
}

}  // namespace

std::optional<product> find(transaction& t, std::string_view id) {
    return t.first<product>(PRODUCT_COLUMNS "WHERE id = ?1", id);
}

std::optional<product> find_by_sku(transaction& t, std::string_view sku) {
    return t.first<product>(PRODUCT_COLUMNS "WHERE sku = ?1", sku);
}

bool insert(transaction& t, const product& fresh) {
    return t.execute(
               "INSERT INTO products (id, sku, name, description, category, price, currency, "
               "image_url, "
               "is_active, created_at, updated_at, version) "
               "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (sku) DO "
               "NOTHING",
               fresh.id, fresh.sku, fresh.name, fresh.description, fresh.category, fresh.price,
               fresh.currency, fresh.image_url, fresh.is_active, fresh.created_at, fresh.updated_at,
               fresh.version) == 1;
}

bool update(transaction& t, const product& to, std::int64_t expected_version) {
    return t.execute(
               "UPDATE products SET sku = ?2, name = ?3, description = ?4, category = ?5, price = "
               "?6, "
               "currency = ?7, image_url = ?8, is_active = ?9, updated_at = ?10, version = version "
               "+ 1 "
               "WHERE id = ?1 AND (?11 = 0 OR version = ?11)",
               to.id, to.sku, to.name, to.description, to.category, to.price, to.currency,
               to.image_url, to.is_active, to.updated_at, expected_version) == 1;
}

// --- lists
// -----------------------------------------------------------------------------------------------

namespace {

// One literal a sort and category choice: each uses its own index, and none is built at run time.
// The place to go on from is always compared, so that the index is entered there and not at its
// start. Filters that no index leads with are tested on the rows it gives, in its order.
#define LIST_FILTERS                                                   \
    "AND (?2 IS NULL OR price >= ?2) AND (?3 IS NULL OR price <= ?3) " \
    "AND (?4 = 0 OR on_hand > reserved) "
#define LIST_BY(where, place, order)                                                          \
    "SELECT id FROM products WHERE is_active = 1 " where LIST_FILTERS place "ORDER BY " order \
    " LIMIT ?5 OFFSET ?6"

#define AFTER_NEWEST "AND (created_at, id) < (?7, ?9) AND ?8 IS NOT NULL "
#define AFTER_PRICE_UP "AND (price, id) > (?8, ?9) AND ?7 IS NOT NULL "
#define AFTER_PRICE_DOWN "AND (price, id) < (?8, ?9) AND ?7 IS NOT NULL "
#define AFTER_NAME "AND (name, id) > (?7, ?9) AND ?8 IS NOT NULL "
#define IN_ALL "AND ?1 IS NULL "
#define IN_CATEGORY "AND category = ?1 "

const char* statement_of(sort_order by, bool in_category) {
    switch (by) {
        case sort_order::newest:
            return in_category ? LIST_BY(IN_CATEGORY, AFTER_NEWEST, "created_at DESC, id DESC")
                               : LIST_BY(IN_ALL, AFTER_NEWEST, "created_at DESC, id DESC");
        case sort_order::price_up:
            return in_category ? LIST_BY(IN_CATEGORY, AFTER_PRICE_UP, "price, id")
                               : LIST_BY(IN_ALL, AFTER_PRICE_UP, "price, id");
        case sort_order::price_down:
            return in_category ? LIST_BY(IN_CATEGORY, AFTER_PRICE_DOWN, "price DESC, id DESC")
                               : LIST_BY(IN_ALL, AFTER_PRICE_DOWN, "price DESC, id DESC");
        case sort_order::name:
            return in_category ? LIST_BY(IN_CATEGORY, AFTER_NAME, "name, id")
                               : LIST_BY(IN_ALL, AFTER_NAME, "name, id");
    }
    return nullptr;
}

}  // namespace

namespace {

// Before the first row of a sort: nothing stands above 0x7f in times and ids.
listing::place beginning_of(sort_order by) {
    const bool falling = by == sort_order::newest || by == sort_order::price_down;
    return {.text = falling ? "\x7f" : "",
            .price = falling ? std::numeric_limits<std::int64_t>::max() : -1,
            .id = falling ? "\x7f" : ""};
}

}  // namespace

std::vector<std::string> list(transaction& t, const listing& what) {
    const auto place = what.after.value_or(beginning_of(what.by));
    return t.texts(statement_of(what.by, what.category.has_value()), what.category, what.min_price,
                   what.max_price, what.in_stock, what.limit, what.after ? 0 : what.skip,
                   place.text, place.price, place.id);
}

std::vector<product> page_by_id(transaction& t, std::string_view after_id, int limit) {
    return t.query<product>(PRODUCT_COLUMNS "WHERE id > ?1 ORDER BY id LIMIT ?2", after_id, limit);
}

std::vector<std::string> categories(transaction& t) {
    return t.texts(
        "SELECT DISTINCT category FROM products WHERE is_active = 1 AND category <> '' ORDER BY 1");
}

// --- stock
// -----------------------------------------------------------------------------------------------

moved move_stock(transaction& t, const movement_request& what) {
    if (!t.number("SELECT 1 FROM products WHERE id = ?1", what.product_id))
        return moved::no_product;
    const auto fresh = t.execute(
        "INSERT INTO stock_movements (product_id, delta, reason, reference, created_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (product_id, reason, reference) DO NOTHING",
        what.product_id, what.delta, what.reason, what.reference, what.at);
    if (fresh == 0) return moved::repeated;
    const auto changed = t.execute(
        "UPDATE products SET on_hand = on_hand + ?2, updated_at = ?3 "
        "WHERE id = ?1 AND on_hand + ?2 >= reserved",
        what.product_id, what.delta, what.at);
    return changed == 1 ? moved::applied : moved::below_reserved;
}

std::optional<shelf> shelf_of(transaction& t, std::string_view product_id) {
    return t.first<shelf>("SELECT on_hand, reserved FROM products WHERE id = ?1", product_id);
}

moved recount_stock(transaction& t, movement_request what, std::int64_t counted) {
    const auto now = shelf_of(t, what.product_id);
    if (!now) return moved::no_product;
    if (counted < now->reserved) return moved::below_reserved;
    what.delta = counted - now->on_hand;
    return move_stock(t, what);
}

std::vector<stock_movement> movements(transaction& t, std::string_view product_id, int limit) {
    return t.query<stock_movement>(
        "SELECT product_id, delta, reason, reference, created_at FROM stock_movements "
        "WHERE product_id = ?1 ORDER BY created_at DESC LIMIT ?2",
        product_id, limit);
}

// --- holds
// -----------------------------------------------------------------------------------------------

hold_outcome hold(transaction& t, const hold_request& wanted, timestamp now,
                  std::vector<stock_left>& left) {
    auto known = ask_hold(t, wanted.order_id);
    // Demand is summed per product: twin lines must not pass one by one.
    std::map<std::string, std::pair<std::int64_t, money>> demand;
    for (const auto& line : wanted.lines) {
        auto& [quantity, price] = demand[line.product_id];
        quantity = planted(planted_bug::hold_counts_twin_lines_once) ? line.quantity
                                                                     : quantity + line.quantity;
        price = {line.price.minor, line.currency};
    }
    // In product order, as every transaction locks them. Nothing is taken where the order has its
    // hold: that question need not be answered first.
    std::vector<transaction::asked<std::int64_t>> taken_units;
    for (const auto& [product_id, needed] : demand) {
        const auto& [quantity, price] = needed;
        // One conditional update a product: no check that another could act between.
        taken_units.push_back(t.ask_number(
            "UPDATE products SET reserved = reserved + ?2 WHERE id = ?1 AND on_hand - reserved >= "
            "?2 "
            "AND is_active = 1 AND price = ?3 AND currency = ?4 "
            "AND NOT EXISTS (SELECT 1 FROM holds WHERE order_id = ?5) "
            "RETURNING on_hand - reserved",
            product_id, quantity, price.minor, price.currency, wanted.order_id));
    }
    if (auto before = known.get()) {
        // A tombstone or a hold that was given back: too late for this order.
        if (before->status != hold_status::held && before->status != hold_status::committed)
            before->outcome.status = hold_status::refused;
        return before->outcome;
    }
    hold_outcome outcome{.status = hold_status::held};
    for (std::size_t i = 0; const auto& [product_id, needed] : demand) {
        const auto& [quantity, price] = needed;
        const auto stock = taken_units[i++].get();
        if (stock) {
            left.push_back({product_id, *stock});
            continue;
        }
        if (auto why = refusal_of(t, product_id, quantity, price))
            outcome.refused.push_back(*std::move(why));
        outcome.status = hold_status::refused;
    }
    if (outcome.status == hold_status::refused) {
        // All lines or none: give back what the loop took.
        for (const auto& taken : left)
            if (!planted(planted_bug::hold_keeps_what_it_took_before_it_was_refused))
                t.send("UPDATE products SET reserved = reserved - ?2 WHERE id = ?1",
                       taken.product_id, demand[taken.product_id].first);
        left.clear();
        insert_hold(t, wanted, outcome, now);
        return outcome;
    }
    insert_hold(t, wanted, outcome, now);
    for (const auto& [product_id, needed] : demand)
        t.send("INSERT INTO hold_lines (order_id, product_id, quantity) VALUES (?1, ?2, ?3)",
               wanted.order_id, product_id, needed.first);
    return outcome;
}

ended commit_hold(transaction& t, std::string_view order_id, timestamp now) {
    const auto before = find_hold(t, order_id);
    if (!before) return ended::unknown;
    if (before->status == hold_status::committed || before->status == hold_status::returned)
        return ended::repeated;
    if (before->status != hold_status::held) return ended::unknown;
    for (const auto& line : lines_of(t, order_id)) {
        if (!planted(planted_bug::commit_writes_no_movement))
            t.send(
                "INSERT INTO stock_movements (product_id, delta, reason, reference, created_at) "
                "VALUES (?1, ?2, ?3, ?4, ?5)",
                line.product_id, -line.quantity, movement_reason::sold, order_id, now);
        t.send("UPDATE products SET on_hand = on_hand - ?2, reserved = reserved - ?2 WHERE id = ?1",
               line.product_id, line.quantity);
    }
    set_hold_status(t, order_id, hold_status::committed, now);
    return ended::done;
}

ended release_hold(transaction& t, std::string_view order_id, timestamp now,
                   std::vector<stock_left>& left) {
    const auto before = find_hold(t, order_id);
    if (!before) {
        // The hold may still be on its way: it must find this and be refused.
        insert_hold(t, {.order_id = std::string(order_id), .deadline = now},
                    {.status = hold_status::released}, now);
        return ended::tombstone;
    }
    if (before->status == hold_status::held) {
        for (const auto& line : lines_of(t, order_id))
            if (const auto stock =
                    t.number("UPDATE products SET reserved = reserved - ?2 WHERE id = ?1 "
                             "RETURNING on_hand - reserved",
                             line.product_id,
                             planted(planted_bug::release_keeps_the_units) ? 0 : line.quantity))
                left.push_back({line.product_id, *stock});
        set_hold_status(t, order_id, hold_status::released, now);
        return ended::done;
    }
    if (before->status == hold_status::committed) {
        for (const auto& line : lines_of(t, order_id)) {
            (void)move_stock(t, {.product_id = line.product_id,
                                 .delta = line.quantity,
                                 .reason = movement_reason::returned,
                                 .reference = std::string(order_id),
                                 .at = now});
            if (const auto shelf = shelf_of(t, line.product_id))
                left.push_back({line.product_id, shelf->on_hand - shelf->reserved});
        }
        set_hold_status(t, order_id, hold_status::returned, now);
        return ended::done;
    }
    return ended::repeated;
}

std::vector<std::string> held_past(transaction& t, timestamp now, int limit) {
    return t.texts(
        "SELECT order_id FROM holds WHERE status = 'held' AND due_at < ?1 ORDER BY due_at LIMIT ?2",
        now, limit);
}

}  // namespace stoa::products::store
