// How lines leave carts without their owner's hand: paid for, deleted from the catalogue, or moved
// to another cart when a guest logs in.
#include "base/planted.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/cart/cart_service.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::carts {
namespace {

// Up to two writes a line (a guest's and the user's), and a guard.
constexpr std::size_t chunk_lines = 40;

std::map<std::string, std::int64_t> units_of(const orders::order_event& of) {
    std::map<std::string, std::int64_t> units;
    for (const auto& each : of.items) units[each.product_id] += each.quantity;
    return units;
}

}  // namespace

std::optional<std::string> cart_service::note_of(std::span<const line> ordered) {
    std::string out;
    for (const auto& each : ordered) {
        if (!out.empty()) out += ',';
        out += std::to_string(each.added_at.micros);
    }
    return out.empty() ? std::nullopt : std::optional(std::move(out));
}

std::optional<cart_store::line_ages> cart_service::read_note(const orders::order_event& of) {
    if (!of.cart_note) return {};
    cart_store::line_ages out;
    const char* at = of.cart_note->data();
    const char* const end = at + of.cart_note->size();
    for (std::size_t i = 0; i < of.items.size(); ++i) {
        if (i > 0 && (at == end || *at++ != ',')) return {};
        timestamp begun;
        const auto read = std::from_chars(at, end, begun.micros);
        if (read.ec != std::errc{}) return {};
        out.emplace(of.items[i].product_id, begun);
        at = read.ptr;
    }
    return at == end ? std::optional(std::move(out)) : std::nullopt;  // else somebody else's words
}

// For orders that were not placed by checkout. Repeated, it finds its own record and changes
// nothing. Nothing is written where no line stands. The event may come late, when the cart is
// filled for the next order: lines that were begun after this one are another wish, as far as the
// two services' clocks agree.
task<result<void>> cart_service::on_order_created(delivery what, orders::order_event placed) {
    if (read_note(placed)) co_return result<void>{};
    STOA_CO_TRY(const auto known, co_await store_.ordered_over(placed.order_id));
    if (!known.empty()) co_return result<void>{};
    cart_store::line_ages begun;
    std::optional<std::string> heir;
    bool looked = false;
    for (const auto& [product_id, n] : units_of(placed)) {
        STOA_CO_TRY(auto standing, co_await store_.get(placed.user_id, product_id));
        if (!standing && !looked) {
            looked = true;
            STOA_CO_TRY(heir, co_await store_.merged_into(placed.user_id));
        }
        if (!standing && heir) {
            STOA_CO_TRY(standing, co_await store_.get(*heir, product_id));
        }
        // The lines of one request are told apart by a microsecond each.
        if (standing && standing->added_at <= placed.created_at + microseconds(most_lines))
            begun.emplace(product_id, standing->added_at);
    }
    if (begun.empty()) co_return result<void>{};
    write_set in;
    in.receive(std::move(what));
    store_.remember_order(in, placed.order_id, begun, ports_.time.now() + orders_remembered);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    co_return result<void>{};
}

task<result<void>> cart_service::on_order_paid(delivery what, orders::order_event paid) {
    const auto units = units_of(paid);
    const demand bought(units.begin(), units.end());
    const auto prefix = "paid:" + what.message.id + ':';
    // An order may have more lines than a transaction has room. Each chunk but a lone one carries a
    // guard, the last one the receipt: after a crash the chunks that are done say so.
    for (std::size_t at = 0;;) {
        const auto some = std::span(bought).subspan(at, std::min(chunk_lines, bought.size() - at));
        const bool alone = bought.size() <= chunk_lines;
        const bool last = at + chunk_lines >= bought.size();
        STOA_CO_TRY_VOID(co_await take_chunk(last ? std::optional(what) : std::nullopt, paid, some,
                                             alone ? "" : prefix + std::to_string(at)));
        if (last) co_return result<void>{};
        at += chunk_lines;
    }
}

task<result<void>> cart_service::take_chunk(
    std::optional<delivery> receipt, const orders::order_event& paid,
    std::span<const std::pair<std::string, std::int64_t>> bought, std::string guard) {
    // An order that moved to an account came from its guest's cart, wherever that is now.
    const auto& buyer = paid.placed_by ? *paid.placed_by : paid.user_id;
    auto noted = read_note(paid);
    if (!noted) {
        STOA_CO_TRY(noted, co_await store_.ordered_over(paid.order_id));
    }
    const auto& placed_over = *noted;
    for (;;) {
        write_set in;
        if (receipt && !planted(planted_bug::cart_takes_without_receipt)) in.receive(*receipt);
        if (!guard.empty()) {
            item done = key_of("id", guard);
            done.set("expires_at", (ports_.time.now() + orders_remembered).unix_s());
            in.put(guards_table, std::move(done), {absent("id")});
        }
        bool looked = false;
        std::optional<std::string> heir;  // whose cart a guest's lines went to
        for (const auto& [product_id, units] : bought) {
            auto left = units;
            for (auto owner = std::optional(buyer); owner && left > 0;) {
                STOA_CO_TRY(const auto standing, co_await store_.get(*owner, product_id));
                // A line that was begun after the order is another wish. Where the cart went to
                // another owner, its lines may have joined older ones.
                const auto seen = placed_over.find(product_id);
                const bool meant = standing && seen != placed_over.end() &&
                                   (owner != buyer || standing->added_at == seen->second);
                if (meant) {
                    if (standing->quantity > left) store_.take(in, *standing, left);
                    else store_.erase(in, *standing);
                    left -= std::min(left, standing->quantity);
                }
                if (left > 0 && !looked && owner == buyer) {
                    looked = true;
                    STOA_CO_TRY(heir, co_await store_.merged_into(buyer));
                }
                owner = owner == buyer ? heir : std::nullopt;
            }
        }
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        crash_point("cart_left");
        if (outcome.committed() || outcome.received_before()) co_return result<void>{};
        if (!guard.empty() && outcome.failed == 0) co_return result<void>{};  // done before
        // A line changed meanwhile: look again.
    }
}

// The tombstone first: from then on nobody adds the product, and the carts that have it are found
// by index. The sweep makes the second pass, and the first one too where this process dies.
task<result<void>> cart_service::on_product_deleted(delivery what,
                                                    products::product_deleted deleted) {
    const auto version = what.message.version;
    auto receipt = std::optional(std::move(what));
    for (;;) {
        STOA_CO_TRY(const auto seen, co_await store_.fate_of(deleted.product_id));
        // It came late: the product was restored since, or deleted once more.
        const bool late = version < seen.version();
        write_set in;
        if (receipt) in.receive(*receipt);
        const auto now = ports_.time.now();
        if (!late)
            store_.bury(in, deleted.product_id, version, seen, now + settings_.second_pass,
                        now + settings_.tombstones_kept);
        if (late && !receipt) co_return result<void>{};
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        if (late) co_return result<void>{};
        if (outcome.committed()) break;
        // The first pass was interrupted, perhaps for longer than tombstones are kept: no line
        // leaves without one.
        if (outcome.received_before()) receipt.reset();
    }
    if (planted(planted_bug::deleted_product_stays_in_carts)) co_return result<void>{};
    STOA_CO_TRY_VOID(co_await store_.empty_of(std::move(deleted.product_id)));
    co_return result<void>{};
}

task<result<void>> cart_service::on_product_restored(delivery what,
                                                     products::product_restored restored) {
    const auto version = what.message.version;
    for (;;) {
        STOA_CO_TRY(const auto seen, co_await store_.fate_of(restored.product_id));
        const bool late = version <= seen.version();
        write_set in;
        in.receive(what);
        if (!late)
            store_.lift(in, restored.product_id, version, seen,
                        ports_.time.now() + orders_remembered);
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        if (late || outcome.committed() || outcome.received_before()) co_return result<void>{};
        // Another event of the product came first: look again.
    }
}

task<result<int>> cart_service::sweep(lane share) {
    int passes = 0;
    for (int shard = share.index; shard < due_shards; shard += share.of) {
        STOA_CO_TRY(const auto products, co_await store_.due(shard, ports_.time.now(), 20));
        for (const auto& each : products) {
            if (!planted(planted_bug::deleted_product_stays_in_carts))
                STOA_CO_TRY_VOID(co_await store_.empty_of(each));
            STOA_CO_TRY_VOID(co_await store_.rest(each));
            ++passes;
        }
    }
    co_return passes;
}

task<result<void>> cart_service::merge(std::string guest_id, std::string user_id) {
    if (guest_id.empty() || user_id.empty() || guest_id == user_id) co_return result<void>{};
    STOA_CO_TRY(auto lines, co_await store_.lines_of(guest_id));
    // Before any line moves: an order that the guest placed may be paid for in the middle of it.
    write_set in;
    store_.remember_merge(in, guest_id, user_id, ports_.time.now() + settings_.kept);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    while (!lines.empty()) {
        for (std::size_t at = 0; at < lines.size(); at += chunk_lines) {
            const auto some =
                std::span(lines).subspan(at, std::min(chunk_lines, lines.size() - at));
            STOA_CO_TRY_VOID(co_await move_lines(user_id, some));
        }
        // What the guest added meanwhile, or a chunk that changed under the move.
        STOA_CO_TRY(lines, co_await store_.lines_of(guest_id));
    }
    co_return result<void>{};
}

// Both sides of each line in one transaction: repeated, it finds nothing left to move. Fails its
// condition, and moves nothing, where a line changed since it was read.
task<result<void>> cart_service::move_lines(std::string user_id, std::span<const line> from) {
    write_set in;
    for (const auto& each : from) {
        store_.erase(in, each);
        if (!live(each)) continue;
        STOA_CO_TRY(const auto standing, co_await store_.get(user_id, each.product_id));
        auto moved = each;
        moved.user_id = user_id;
        moved.expires_at = expiry();
        if (!standing || !live(*standing)) {
            store_.insert(in, moved, standing);
            continue;
        }
        // The user's own line stays what it was, but for its units.
        moved = *standing;
        moved.quantity = std::min(standing->quantity + each.quantity, largest_quantity);
        moved.version = standing->version + 1;
        moved.expires_at = expiry();
        in.put(carts_table, to_item(moved),
               {equals("version", standing->version),
                equals("added_at", rfc3339(standing->added_at))});
    }
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    co_return result<void>{};
}

}  // namespace stoa::carts
