// Stock and holds.
#include "base/ids.hpp"
#include "ports/idempotency.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/product/product_service.hpp"

namespace stoa::products {
namespace {

error no_such_product() {
    return {
        .kind = errc::not_found, .code = "product_not_found", .detail = "there is no such product"};
}

stock_report report_of(transaction& t, const std::string& product_id, const store::shelf& now) {
    return {.product_id = product_id,
            .on_hand = now.on_hand,
            .reserved = now.reserved,
            .stock = now.on_hand - now.reserved,
            .movements = store::movements(t, product_id, 100)};
}

}  // namespace

void product_service::stock_changed(const std::vector<store::stock_left>& left,
                                    std::uint64_t change) {
    for (const auto& each : left)
        ports_.index.set_in_stock(each.product_id, each.stock > 0, change);
}

task<result<stock_report>> product_service::get_stock(request_context, get_product_request wanted) {
    auto read = [id = std::move(wanted.id)](transaction& t) -> result<stock_report> {
        const auto now = store::shelf_of(t, id);
        if (!now) return fail(no_such_product());
        return report_of(t, id, *now);
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<stock_report>> product_service::change_stock(request_context context,
                                                         change_stock_request wanted) {
    if (wanted.delta.has_value() == wanted.count.has_value())
        co_return fail(invalid_request({{"delta", "required", "give either delta or count", {}}}));
    if (!is_uuid(wanted.id)) co_return fail(no_such_product());
    store::movement_request what{.product_id = wanted.id,
                                 .delta = wanted.delta.value_or(0),
                                 .reason = wanted.count         ? movement_reason::recount
                                           : *wanted.delta >= 0 ? movement_reason::received
                                                                : movement_reason::correction,
                                 .reference = wanted.reference.value_or(context.idempotency_key),
                                 .at = ports_.time.now()};
    const idempotent_answers answers(store::answers, context, what.at);
    const auto changes = begin_change();
    auto write = [what, answers, count = wanted.count,
                  changes](transaction& t) -> result<keyed<stock_report>> {
        changes->touches(what.product_id);
        STOA_TRY(auto before, answers.find<stock_report>(t));
        if (before) return *std::move(before);
        const auto did = count ? store::recount_stock(t, what, *count) : store::move_stock(t, what);
        if (did == store::moved::no_product) return fail(no_such_product());
        const auto now = store::shelf_of(t, what.product_id);
        if (did == store::moved::below_reserved)
            return fail(errc::conflict, "below_reserved",
                        std::to_string(now->reserved) + " of " + std::to_string(now->on_hand) +
                            " on hand are reserved for open orders");
        return answers.keep(t, report_of(t, what.product_id, *now));
    };
    STOA_CO_TRY(auto now, co_await ports_.db.commit(std::move(write)));
    crash_point("stock_moved");
    context.reply->replayed = now.replayed;
    if (!now.replayed)
        stock_changed({{now.answer.product_id, now.answer.stock}}, changes->number());
    co_return std::move(now.answer);
}

task<result<hold_outcome>> product_service::hold(request_context, hold_request wanted) {
    const auto changes = begin_change();
    STOA_CO_TRY(auto done, co_await holds_.ask({std::move(wanted), ports_.time.now(), changes}));
    crash_point("units_held");
    stock_changed(done.left, changes->number());
    co_return std::move(done.outcome);
}

// POST /products/{id}/reserve (R46): a hold of one line, known by the order's id or by the
// Idempotency-Key.
task<result<reserve_answer>> product_service::reserve(request_context context,
                                                      reserve_request wanted) {
    if (!wanted.order_id && !context.key_from_client)
        co_return fail(invalid_request(
            {{"order_id", "required", "name the order, or send an Idempotency-Key", {}}}));
    const auto hold_id = wanted.order_id ? *wanted.order_id + ':' + wanted.id
                                         : "key:" + idempotency_keys::scope_key(context);
    std::vector<std::string> one{wanted.id};
    STOA_CO_TRY(const auto found, co_await find_all(std::move(one)));
    if (!found.front()) co_return fail(no_such_product());
    hold_request asked{.order_id = hold_id, .deadline = ports_.time.now() + settings_.hold_for};
    asked.lines.push_back(
        {wanted.id, wanted.quantity, found.front()->price, found.front()->currency});
    STOA_CO_TRY(const auto outcome, co_await hold(context, std::move(asked)));
    if (outcome.status != hold_status::held && outcome.status != hold_status::committed) {
        error why{
            .kind = errc::conflict, .code = "out_of_stock", .detail = "not enough is in stock"};
        for (const auto& line : outcome.refused) {
            why.code = word_of(line.why);
            why.errors.push_back({"quantity", why.code,
                                  std::to_string(line.available) + " available", line.available});
        }
        co_return fail(std::move(why));
    }
    auto read = [hold_id](transaction& t) -> result<std::vector<held_line>> {
        return store::lines_of(t, hold_id);
    };
    STOA_CO_TRY(const auto stands, co_await ports_.db.read(std::move(read)));
    if (stands.size() != 1 || stands.front().product_id != wanted.id ||
        stands.front().quantity != wanted.quantity)
        co_return fail(wanted.order_id
                           ? error{.kind = errc::conflict,
                                   .code = "reserved_otherwise",
                                   .detail = "this order holds another number of units of the "
                                             "product; release them first"}
                           : idempotency_key_reused());
    co_return reserve_answer{hold_id, wanted.id, wanted.quantity, outcome.status};
}

task<result<end_hold_answer>> product_service::end_hold(std::string order_id, bool commit) {
    struct done {
        store::ended how;
        std::vector<store::stock_left> left;
    };
    const auto changes = begin_change();
    auto end = [order_id, commit, now = ports_.time.now(),
                changes](transaction& t) -> result<done> {
        done out;
        out.how = commit ? store::commit_hold(t, order_id, now)
                         : store::release_hold(t, order_id, now, out.left);
        for (const auto& each : out.left) changes->touches(each.product_id);
        return out;
    };
    STOA_CO_TRY(auto out, co_await ports_.db.commit(std::move(end)));
    stock_changed(out.left, changes->number());
    if (out.how == store::ended::unknown)
        co_return fail(errc::conflict, "no_such_hold", "nothing is held under this id");
    co_return end_hold_answer{order_id, out.how == store::ended::done       ? "done"
                                        : out.how == store::ended::repeated ? "repeated"
                                                                            : "tombstone"};
}

task<result<end_hold_answer>> product_service::commit_reserved(request_context,
                                                               end_hold_request wanted) {
    return end_hold(std::move(wanted.order_id), true);
}
task<result<end_hold_answer>> product_service::release_reserved(request_context,
                                                                end_hold_request wanted) {
    return end_hold(std::move(wanted.order_id), false);
}

task<result<void>> product_service::on_order_event(delivery what, orders::order_event told) {
    const bool paid = told.event_type == "order.paid";
    const bool gives_back = told.event_type == "order.cancelled" ||
                            (told.event_type == "order.refunded" && told.restock);
    const auto changes = begin_change();
    auto apply =
        [=, now = ports_.time.now()](transaction& t) -> result<std::vector<store::stock_left>> {
        std::vector<store::stock_left> changed;
        if (!t.receive(what)) return changed;
        if (paid && store::commit_hold(t, told.order_id, now) == store::ended::unknown)
            return fail(errc::internal, "paid_without_hold",
                        "an order was paid whose units are not held");
        if (gives_back) (void)store::release_hold(t, told.order_id, now, changed);
        for (const auto& each : changed) changes->touches(each.product_id);
        return changed;
    };
    STOA_CO_TRY(const auto left, co_await ports_.db.commit(std::move(apply)));
    crash_point("stock_followed_order");
    stock_changed(left, changes->number());
    co_return result<void>{};
}

// Product never decides alone: a hold past its deadline stands while the order may still be paid.
task<result<int>> product_service::sweep() {
    const auto now = ports_.time.now();
    STOA_CO_TRY(const auto ids,
                co_await ports_.db.read([now](transaction& t) -> result<std::vector<std::string>> {
                    return store::held_past(t, now, 100);
                }));
    int released = 0;
    for (const auto& id : ids) {
        if (is_uuid(id) && ports_.orders) {
            request_context context;
            context.caller = {.is = role::service};
            const auto order = co_await ports_.orders->get_order(context, {.id = id});
            if (!order && order.error().kind != errc::not_found)
                co_return std::unexpected(order.error());
            if (order && order->status != orders::order_status::cancelled) continue;
            // Paid, then cancelled: the events of both are on their way, and the first of them
            // sells what is held.
            if (order && order->payment_id) continue;
        }
        STOA_CO_TRY_VOID(co_await end_hold(id, false));
        ++released;
    }
    auto forget = [now](transaction& t) -> result<std::int64_t> {
        return sweep_answers(t, store::answers, now, 500);
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(forget)));
    co_return released;
}

}  // namespace stoa::products
