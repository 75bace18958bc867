#include "services/order/order_service.hpp"

#include "base/json.hpp"
#include "base/planted.hpp"
#include "runtime/crash_point.hpp"
#include "services/order/order_state.hpp"

#include <algorithm>

namespace stoa::orders {
namespace {

error no_such_order() {
    return {.kind = errc::not_found, .code = "order_not_found", .detail = "there is no such order"};
}

}  // namespace

order_service::order_service(needs ports, order_settings settings)
    : ports_(ports),
      store_(ports.items),
      settings_(settings),
      created_(
          ports.measured.counter("orders_created_total", "Orders that reached awaiting_payment.")),
      latency_(ports.measured.duration("order_latency_seconds",
                                       "From the request for an order to its answer.")) {}

// --- reading
// ---------------------------------------------------------------------------------------------

task<result<order>> order_service::require_visible(request_context context, std::string id) {
    if (!is_uuid(id)) co_return fail(no_such_order());
    STOA_CO_TRY(auto found, co_await store_.get(std::move(id)));
    if (!found || !context.caller.may_see(found->user_id)) co_return fail(no_such_order());
    co_return static_cast<order&&>(*found);
}

task<result<order>> order_service::get_order(request_context context, get_order_request wanted) {
    return require_visible(std::move(context), std::move(wanted.id));
}

task<result<order_list>> order_service::list_orders(request_context context,
                                                    list_orders_request wanted) {
    order_store::filter what{.user_id = wanted.user_id};
    if (!context.caller.runs_the_shop()) {
        // A foreign list is as absent as a foreign order.
        if (what.user_id && *what.user_id != context.caller.user_id)
            co_return fail(errc::not_found, "user_not_found", "there is no such user");
        what.user_id = context.caller.user_id;
    }
    problems wrong;
    if (wanted.status == "pending") {
        what.statuses = {order_status::pending, order_status::awaiting_payment};
    } else if (wanted.status) {
        if (const auto status = read_word<order_status>(*wanted.status)) what.statuses = {*status};
        else wrong.push_back({"status", "not_one_of", {}, {}});
    }
    std::optional<position> after;
    if (wanted.cursor && !(after = read_cursor(*wanted.cursor)))
        wrong.push_back({"cursor", "format", "use a next_cursor as a list gave it", {}});
    const bool stuck = wanted.stuck.value_or(false);
    if (stuck && !context.caller.runs_the_shop())
        co_return fail(errc::forbidden, "not_permitted",
                       "whether orders are stuck is asked by those who run the shop");
    if (stuck && (wanted.cursor || wanted.skip))
        wrong.push_back({"stuck", "no_pages", "orders that are stuck come in one page", {}});
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));

    const int limit = wanted.limit.value_or(10);
    if (stuck) co_return co_await list_stuck(std::move(what), limit);
    order_list out;
    STOA_CO_TRY(out.orders,
                co_await store_.list(what, after, after ? 0 : wanted.skip.value_or(0), limit));
    STOA_CO_TRY(out.total, co_await store_.count(what));
    if (std::ssize(out.orders) == limit)
        out.next_cursor =
            write_cursor({rfc3339(out.orders.back().created_at), out.orders.back().id});
    co_return out;
}

task<result<order_list>> order_service::list_stuck(order_store::filter what, int limit) {
    STOA_CO_TRY(auto all, co_await store_.waiting_since_before(ports_.time.now() - stuck_after));
    order_list out;
    for (auto& each : all) {
        if (what.user_id && each.user_id != *what.user_id) continue;
        if (!what.statuses.empty() &&
            std::ranges::find(what.statuses, each.status) == what.statuses.end())
            continue;
        if (out.total++ < limit) out.orders.push_back(std::move(each));
    }
    co_return out;
}

task<result<std::vector<std::int64_t>>> order_service::count_by_status() {
    co_return co_await store_.count_by_status();
}

// --- changing
// --------------------------------------------------------------------------------------------

task<result<order_record>> order_service::change(std::string id, edit how,
                                                 std::optional<delivery> receipt) {
    for (;;) {
        STOA_CO_TRY(const auto before, co_await store_.get(id));
        if (!before) co_return fail(no_such_order());
        auto after = *before;
        write_set in;
        if (receipt) in.receive(*receipt);
        STOA_CO_TRY(const bool changed, how(after, in));
        if (!changed && !receipt) co_return after;
        const int order_write = static_cast<int>(in.writes.size());
        if (changed) {
            after.updated_at = ports_.time.now();
            store_.save(in, *before, after);
            // Events tell of the version that the change makes.
            for (auto& each : in.events) each.version = after.version;
        }
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        if (outcome.committed()) crash_point("order_changed");
        if (outcome.committed() || outcome.received_before()) co_return after;
        // A write of the use case's own failed: only an idempotency row has a condition there.
        if (outcome.failed < order_write) co_return fail(request_in_progress());
        // Another change of the order came first: look again.
    }
}

void order_service::become(order_record& now, order_status to) const {
    // Every path here checked the table; a wrong one is a bug, and going on would hide it.
    if (!may_become(now.status, to)) std::abort();
    now.status = to;
    const bool waits_for_money =
        to == order_status::awaiting_payment || to == order_status::payment_failed;
    now.due_at = waits_for_money ? now.payment_due_at : std::nullopt;
    if (to == order_status::cancelled) now.cancelled_at = ports_.time.now();
}

event order_service::event_of(const order_record& now, std::string_view topic,
                              std::string payload) const {
    return {.topic = std::string(topic),
            .key = now.id,
            .id = new_id(ports_.time, ports_.random),
            .type = std::string(topic),
            .version = now.version + 1,
            .occurred_at = ports_.time.now(),
            .payload = std::move(payload)};
}

event order_service::order_event_of(const order_record& now, std::string_view type) const {
    auto out = event_of(now, topic::orders, {});
    out.type = type;
    std::int32_t units = 0;
    for (const auto& line : now.items) units += line.quantity;
    order_event payload{.id = out.id,
                        .order_id = now.id,
                        .user_id = now.user_id,
                        .placed_by = now.placed_by,
                        .total_amount = now.total_amount,
                        .currency = now.currency,
                        .status = now.status,
                        .items_count = units,
                        .event_type = std::string(type),
                        .created_at = now.created_at,
                        .occurred_at = out.occurred_at,
                        .items = now.items,
                        .reason = now.reason,
                        .reference = now.reference,
                        .version = now.version + 1,
                        .cart_note = now.cart_note};
    out.payload = to_json(payload);
    return out;
}

event order_service::payment_request_of(const order_record& now) const {
    payment_requested payload{.order_id = now.id,
                              .user_id = now.user_id,
                              .total = now.total_amount,
                              .currency = now.currency,
                              .attempt = now.payment_attempt,
                              .method = now.payment_method,
                              .due_at = now.payment_due_at.value_or(now.created_at)};
    for (const auto& line : now.items)
        payload.items.push_back({line.product_id, line.quantity, line.price});
    return event_of(now, topic::payment_requested, to_json(payload, naming::camel));
}

task<result<order>> order_service::begin_attempt(request_context, begin_attempt_request wanted) {
    const auto now_is = ports_.time.now();
    auto done =
        co_await change(wanted.order_id, [&](order_record& now, write_set&) -> result<bool> {
            if (now.payment_attempt == wanted.after + 1 &&
                now.status == order_status::awaiting_payment)
                return false;  // asked before
            const bool can = now.payment_attempt == wanted.after &&
                             (now.status == order_status::awaiting_payment ||
                              now.status == order_status::payment_failed);
            if (!can) return fail(refused_transition(now.status, "paid again"));
            if (now.payment_due_at && *now.payment_due_at <= now_is)
                return fail(errc::conflict, "payment_deadline_passed",
                            "the time to pay for this order is over; place a new one");
            if (now.status == order_status::payment_failed)
                become(now, order_status::awaiting_payment);
            now.payment_attempt = wanted.after + 1;
            return true;
        });
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return static_cast<order&&>(*done);
}

// --- what payment tells
// ----------------------------------------------------------------------------------

task<result<void>> order_service::on_payment_succeeded(delivery what,
                                                       payments::payment_succeeded paid) {
    auto done = co_await change(
        paid.order_id,
        [&](order_record& now, write_set& in) -> result<bool> {
            if (now.payment_id == paid.payment_id) return false;
            const bool kept = now.payment_id.has_value() && now.captured_amount.minor > 0;
            if (kept || now.status == order_status::cancelled ||
                now.status == order_status::refunded) {
                // A second capture, or one after the end: recorded and given back.
                now.captured_amount.minor += paid.amount.minor;
                if (!now.payment_id) now.payment_id = paid.payment_id;
                owe_refund(now, in, paid.amount, paid.payment_id, "paid_after_the_end", false);
                return true;
            }
            if (now.status == order_status::pending)
                return fail(errc::internal, "paid_while_pending",
                            "a payment came before it was asked for");
            const bool was_cancelling =
                now.status == order_status::cancelling &&
                !planted(planted_bug::cancellation_forgotten_when_money_arrives);
            become(now, order_status::paid);
            now.payment_id = paid.payment_id;
            now.captured_amount = paid.amount;
            if (was_cancelling) cancel_paid(now, in, now.reason.value_or("customer"));
            else in.publish(order_event_of(now, "order.paid"));
            return true;
        },
        std::move(what));
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return result<void>{};
}

task<result<void>> order_service::on_payment_failed(delivery what,
                                                    payments::payment_failed failed) {
    auto done = co_await change(
        failed.order_id,
        [&](order_record& now, write_set& in) -> result<bool> {
            if (now.status != order_status::awaiting_payment ||
                (failed.attempt < now.payment_attempt &&
                 !planted(planted_bug::older_failure_counts)))
                return false;  // older than what the order knows, or on its way to an end
            become(now, order_status::payment_failed);
            now.reason = failed.reason;
            in.publish(order_event_of(now, "order.payment_failed"));
            return true;
        },
        std::move(what));
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return result<void>{};
}

task<result<void>> order_service::on_payment_closed(delivery what,
                                                    payments::payment_closed closed) {
    auto done = co_await change(
        closed.order_id,
        [&](order_record& now, write_set& in) -> result<bool> {
            if (now.status != order_status::cancelling) return false;
            become(now, order_status::cancelled);
            in.publish(order_event_of(now, "order.cancelled"));
            return true;
        },
        std::move(what));
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return result<void>{};
}

task<result<void>> order_service::on_payment_refunded(delivery what,
                                                      payments::payment_refunded told) {
    auto done = co_await change(
        told.order_id,
        [&](order_record& now, write_set& in) -> result<bool> {
            const auto found = std::ranges::find(now.refunds, told.n, &refund::n);
            if (found == now.refunds.end())
                return fail(errc::internal, "unknown_refund",
                            "a refund that the order did not ask for");
            if (found->status != refund_state::pending) return false;
            found->status = told.succeeded ? refund_state::succeeded : refund_state::failed;
            now.refund_status = found->status;
            if (!told.succeeded) return true;  // waits for a person
            now.refunded_amount.minor += told.amount.minor;
            const bool whole = now.refunded_amount.minor == now.captured_amount.minor;
            if (whole && may_become(now.status, order_status::refunded))
                become(now, order_status::refunded);
            auto out = order_event_of(now, "order.refunded");
            auto payload = from_json<order_event>(out.payload);
            payload->restock = found->restock;
            payload->refunded_amount = told.amount;
            out.payload = to_json(*payload);
            in.publish(std::move(out));
            return true;
        },
        std::move(what));
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return result<void>{};
}

}  // namespace stoa::orders
