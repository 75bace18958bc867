#include "services/product/product_store.hpp"

#include "base/json.hpp"
#include "base/planted.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace stoa::products::store {

BOOST_DESCRIBE_STRUCT(shelf, (), (on_hand, reserved))
BOOST_DESCRIBE_STRUCT(hold_facts, (), (status, created_at, updated_at, due_at))

namespace {

#define PRODUCT_COLUMNS                                                                           \
    "SELECT id, sku, name, description, category, price, currency, on_hand - reserved AS stock, " \
    "image_url, images, "                                                                         \
    "is_active, created_at, updated_at, version FROM products "

// The row of an order's hold.
struct hold_row {
    std::string order_id;
    hold_status status{};
    hold_outcome outcome;
};
BOOST_DESCRIBE_STRUCT(hold_row, (), (order_id, status, outcome))

constexpr list_statement find_holds{
    .one = "SELECT order_id, status, outcome FROM holds WHERE order_id = ?1",
    .all =
        "SELECT f.* FROM unnest($1::TEXT[]) AS k(id) CROSS JOIN LATERAL "
        "(SELECT order_id, status, outcome FROM holds WHERE order_id = k.id FOR UPDATE) AS f"};

std::optional<hold_row> find_hold(transaction& t, std::string_view order_id) {
    return t.first<hold_row>(find_holds.one, order_id);
}

}  // namespace

// In product order, so that two transactions that lock rows cannot wait for each other.
std::vector<held_line> lines_of(transaction& t, std::string_view order_id) {
    return t.query<held_line>(
        "SELECT product_id, quantity FROM hold_lines WHERE order_id = ?1 ORDER BY product_id",
        order_id);
}

namespace {

void set_hold_status(transaction& t, std::string_view order_id, hold_status to, timestamp now) {
    t.send("UPDATE holds SET status = ?2, updated_at = ?3 WHERE order_id = ?1", order_id, to, now);
}

constexpr list_statement insert_holds{
    .one =
        "INSERT INTO holds (order_id, status, outcome, due_at, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    .all =
        "INSERT INTO holds (order_id, status, outcome, due_at, created_at, updated_at) "
        "SELECT id, status, outcome, due_at, at, at FROM "
        "unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[]) "
        "AS k(id, status, outcome, due_at, at)"};
constexpr list_statement insert_lines{
    .one = "INSERT INTO hold_lines (order_id, product_id, quantity) VALUES (?1, ?2, ?3)",
    .all =
        "INSERT INTO hold_lines (order_id, product_id, quantity) "
        "SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[])"};
constexpr list_statement reserve_units{
    .one = "UPDATE products SET reserved = reserved + ?2 WHERE id = ?1",
    .all =
        "UPDATE products SET reserved = reserved + k.units "
        "FROM unnest($1::TEXT[], $2::BIGINT[]) AS k(id, units) WHERE products.id = k.id"};

argument_row hold_arguments(const hold_request& wanted, const hold_outcome& outcome,
                            timestamp now) {
    return {to_cell(wanted.order_id), to_cell(outcome.status), cell(to_json(outcome)),
            to_cell(wanted.deadline), to_cell(now)};
}

// A product's row while it is locked, with what the requests before have taken of it.
struct counter {
    std::string id;
    std::int64_t on_hand = 0, reserved = 0;
    money price;
    currency_code currency;
    bool is_active = false;

    std::int64_t left() const { return on_hand - reserved; }
};
BOOST_DESCRIBE_STRUCT(counter, (), (id, on_hand, reserved, price, currency, is_active))

struct demand {
    std::int64_t quantity = 0;
    money quoted;
};
// By product, summed: twin lines must not pass one by one.
std::map<std::string, demand> demand_of(const hold_request& wanted) {
    std::map<std::string, demand> out;
    for (const auto& line : wanted.lines) {
        auto& [quantity, quoted] = out[line.product_id];
        quantity = planted(planted_bug::hold_counts_twin_lines_once) ? line.quantity
                                                                     : quantity + line.quantity;
        quoted = {line.price.minor, line.currency};
    }
    return out;
}

// Why this product cannot be had; nothing where it can.
std::optional<refused_line> refusal_of(const std::string& product_id, const counter* now,
                                       const demand& wanted) {
    if (!now || !now->is_active)
        return refused_line{product_id, refusal::product_unavailable, 0, {}, {}};
    const auto told = [&](refusal why) {
        return refused_line{product_id, why, now->left(), now->price, now->currency};
    };
    if (now->price.minor != wanted.quoted.minor || now->currency != wanted.quoted.currency)
        return told(refusal::price_changed);
    if (now->left() < wanted.quantity) return told(refusal::out_of_stock);
    return {};
}

constexpr list_statement lock_counters{
    .one = "SELECT id, on_hand, reserved, price, currency, is_active FROM products WHERE id = ?1",
    .all =
        "SELECT f.* FROM unnest($1::TEXT[]) AS k(id) CROSS JOIN LATERAL "
        "(SELECT id, on_hand, reserved, price, currency, is_active FROM products "
        "WHERE id = k.id FOR UPDATE) AS f"};

std::vector<argument_row> rows_of(const std::set<std::string_view>& ids) {
    std::vector<argument_row> out;
    for (const auto id : ids) out.push_back({to_cell(id)});
    return out;
}

// The rows that a batch of holds rests on, locked: first the holds that stand, then the products,
// each in the order of their ids, as every transaction locks them.
struct locked_rows {
    std::map<std::string, hold_row, std::less<>> holds;  // by order
    std::map<std::string, counter, std::less<>> products;
};
locked_rows lock_rows(transaction& t, std::span<const hold_try> tries) {
    std::set<std::string_view> orders, products;
    for (const auto& each : tries) {
        orders.insert(each.wanted.order_id);
        for (const auto& line : each.wanted.lines) products.insert(line.product_id);
    }
    auto holds = t.ask_all<hold_row>(find_holds, rows_of(orders));
    auto counters = t.ask_all<counter>(lock_counters, rows_of(products));
    locked_rows out;
    for (auto& each : holds.get()) out.holds.emplace(each.order_id, std::move(each));
    for (auto& each : counters.get()) out.products.emplace(each.id, std::move(each));
    return out;
}

// All lines or none, of what the requests before have left.
held take(locked_rows& from, const std::map<std::string, demand>& wanted) {
    held out{.outcome = {.status = hold_status::held}, .left = {}};
    for (const auto& [product_id, needed] : wanted) {
        const auto found = from.products.find(product_id);
        auto* now = found == from.products.end() ? nullptr : &found->second;
        if (auto why = refusal_of(product_id, now, needed)) {
            out.outcome.refused.push_back(*std::move(why));
            out.outcome.status = hold_status::refused;
            continue;
        }
        now->reserved += needed.quantity;
        out.left.push_back({product_id, now->left()});
    }
    if (out.outcome.status == hold_status::held) return out;
    for (const auto& taken : out.left)
        if (!planted(planted_bug::hold_keeps_what_it_took_before_it_was_refused))
            from.products.find(taken.product_id)->second.reserved -=
                wanted.at(taken.product_id).quantity;
    out.left.clear();
    return out;
}

}  // namespace

std::optional<product> find(transaction& t, std::string_view id) {
    return t.first<product>(PRODUCT_COLUMNS "WHERE id = ?1", id);
}

std::vector<product> find_all(transaction& t, const std::set<std::string_view>& ids) {
    static constexpr list_statement find_products{
        .one = PRODUCT_COLUMNS "WHERE id = ?1",
        .all = "SELECT f.* FROM unnest($1::TEXT[]) AS k(id) CROSS JOIN LATERAL (" PRODUCT_COLUMNS
               "WHERE products.id = k.id) AS f"};
    return t.ask_all<product>(find_products, rows_of(ids)).get();
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

void insert_counted(transaction& t, const product& fresh) {
    t.send(
        "INSERT INTO products (id, sku, name, description, category, price, currency, on_hand, "
        "image_url, is_active, created_at, updated_at, version) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        fresh.id, fresh.sku, fresh.name, fresh.description, fresh.category, fresh.price,
        fresh.currency, fresh.stock, fresh.image_url, fresh.is_active, fresh.created_at,
        fresh.updated_at, fresh.version);
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

void note_movement(transaction& t, const movement_request& what) {
    t.send(
        "INSERT INTO stock_movements (product_id, delta, reason, reference, created_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5)",
        what.product_id, what.delta, what.reason, what.reference, what.at);
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

std::vector<held> hold_all(transaction& t, std::span<const hold_try> tries) {
    auto rows = lock_rows(t, tries);
    std::map<std::string_view, std::int64_t> reserved_before;
    for (const auto& [id, row] : rows.products) reserved_before[id] = row.reserved;
    std::vector<held> out;
    std::vector<argument_row> holds, lines, taken;
    for (const auto& [each, now, changes] : tries) {
        if (const auto before = rows.holds.find(each.order_id); before != rows.holds.end()) {
            auto& [id, status, outcome] = before->second;
            // A tombstone or a hold that was given back: too late for this order.
            if (status != hold_status::held && status != hold_status::committed)
                outcome.status = hold_status::refused;
            out.push_back({outcome, {}});
            continue;
        }
        const auto needed = demand_of(each);
        auto& made = out.emplace_back(take(rows, needed));
        holds.push_back(hold_arguments(each, made.outcome, now));
        if (made.outcome.status == hold_status::held)
            for (const auto& [product_id, what] : needed)
                lines.push_back({to_cell(each.order_id), cell(product_id), to_cell(what.quantity)});
        // The same order may stand in the batch twice.
        rows.holds.emplace(each.order_id,
                           hold_row{each.order_id, made.outcome.status, made.outcome});
    }
    for (const auto& [id, row] : rows.products)
        if (row.reserved != reserved_before[id])
            taken.push_back({to_cell(id), to_cell(row.reserved - reserved_before[id])});
    t.send_all(insert_holds, holds);
    t.send_all(insert_lines, lines);
    t.send_all(reserve_units, taken);
    return out;
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
        const hold_request never{.order_id = std::string(order_id), .deadline = now};
        const std::array tombstone{hold_arguments(never, {.status = hold_status::released}, now)};
        t.send_all(insert_holds, tombstone);
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

std::optional<hold_facts> hold_of(transaction& t, std::string_view order_id) {
    return t.first<hold_facts>(
        "SELECT status, created_at, updated_at, due_at FROM holds WHERE order_id = ?1", order_id);
}

std::vector<stock_movement> movements_of_order(transaction& t, std::string_view order_id) {
    return t.query<stock_movement>(
        "SELECT m.product_id, m.delta, m.reason, m.reference, m.created_at FROM hold_lines AS l "
        "JOIN stock_movements AS m ON m.product_id = l.product_id AND m.reference = l.order_id "
        "AND m.reason IN ('sold', 'returned') "
        "WHERE l.order_id = ?1 ORDER BY m.created_at, m.product_id",
        order_id);
}

// Movements of sales name their orders, whose ids begin with the time: the primary key alone gives
// the latest. What is no order's (a hold under a key) does not begin with a digit of an id.
std::vector<std::string> bought_together(transaction& t, std::string_view product_id, int orders,
                                         int limit) {
    return t.texts(
        "SELECT other.product_id FROM "
        "(SELECT reference FROM stock_movements WHERE product_id = ?1 AND reason = 'sold' "
        "AND reference < 'g' ORDER BY reference DESC LIMIT ?2) AS latest "
        "JOIN holds ON holds.order_id = latest.reference AND holds.status = 'committed' "
        "JOIN hold_lines AS other ON other.order_id = latest.reference "
        "AND other.product_id <> ?1 "
        "JOIN products ON products.id = other.product_id AND products.is_active = 1 "
        "AND products.on_hand > products.reserved "
        "GROUP BY other.product_id ORDER BY COUNT(*) DESC, other.product_id LIMIT ?3",
        product_id, orders, limit);
}

std::vector<std::string> held_past(transaction& t, timestamp now, int limit) {
    return t.texts(
        "SELECT order_id FROM holds WHERE status = 'held' AND due_at < ?1 ORDER BY due_at LIMIT ?2",
        now, limit);
}

}  // namespace stoa::products::store
