// Every way an order ends: cancelled before or after payment, expired, shipped, delivered,
// refunded.
#include "base/json.hpp"
#include "base/planted.hpp"
#include "base/problem.hpp"
#include "runtime/log.hpp"
#include "services/order/order_service.hpp"
#include "services/order/order_state.hpp"

#include <algorithm>

namespace stoa::orders {

// Before payment: asks payment to make sure that no money can come. The hold stands until it
// answers.
result<bool> order_service::end_unpaid(order_record& now, write_set& in, std::string_view reason) {
    become(now, order_status::cancelling);
    now.reason = reason;
    const close_requested payload{
        .order_id = now.id, .user_id = now.user_id, .reason = std::string(reason)};
    if (planted(planted_bug::deadline_asks_payment_for_nothing)) return true;
    in.publish(event_of(now, topic::close_requested, to_json(payload, naming::camel)));
    return true;
}

// After payment, before shipping: the units return and the money is owed.
void order_service::cancel_paid(order_record& now, write_set& in, std::string_view reason) {
    become(now, order_status::cancelled);
    now.reason = reason;
    std::int64_t asked_minor = 0;
    for (const auto& each : now.refunds)
        if (each.status != refund_state::failed) asked_minor += each.amount.minor;
    const money left{now.captured_amount.minor - asked_minor, now.currency};
    if (left.minor > 0) owe_refund(now, in, left, now.payment_id.value_or(""), reason, false);
    in.publish(order_event_of(now, "order.cancelled"));
}

void order_service::owe_refund(order_record& now, write_set& in, money amount,
                               std::string_view payment_id, std::string_view reason, bool restock) {
    const auto n = static_cast<std::int32_t>(now.refunds.size()) + 1;
    now.refunds.push_back({.n = n,
                           .amount = amount,
                           .reason = std::string(reason),
                           .restock = restock,
                           .requested_at = ports_.time.now()});
    now.refund_status = refund_state::pending;
    const refund_requested payload{.order_id = now.id,
                                   .n = n,
                                   .amount = amount,
                                   .currency = now.currency,
                                   .payment_id = std::string(payment_id),
                                   .reason = std::string(reason)};
    in.publish(event_of(now, topic::refund_requested, to_json(payload, naming::camel)));
}

task<result<order>> order_service::cancel_order(request_context context,
                                                cancel_order_request wanted) {
    STOA_CO_TRY(const auto seen, co_await require_visible(context, wanted.id));
    const auto by = context.caller.runs_the_shop() ? "operator" : "customer";
    const auto reason = wanted.reason.value_or(by);
    auto done = co_await change(wanted.id, [&](order_record& now, write_set& in) -> result<bool> {
        in.under(context.traceparent);
        switch (now.status) {
            case order_status::awaiting_payment:
            case order_status::payment_failed:
                return end_unpaid(now, in, reason);
            case order_status::paid:
                cancel_paid(now, in, reason);
                return true;
            case order_status::cancelling:
            case order_status::cancelled:
                return false;
            case order_status::pending:
                return fail({.kind = errc::conflict,
                             .code = "order_not_settled",
                             .detail = "the order is still being placed; try again in a moment",
                             .retry_after_s = 1});
            case order_status::shipped:
            case order_status::delivered:
            case order_status::refunded:
                return fail(refused_transition(now.status, "cancelled"));
        }
        return false;
    });
    if (!done) co_return std::unexpected(std::move(done).error());
    if (done->status != order_status::cancelling) co_return static_cast<order&&>(*done);
    co_return co_await await_end(std::move(context), *std::move(done));
}

// 200 when the end is reached in time, else 202 with the order as it is on its way.
task<result<order>> order_service::await_end(request_context context, order_record cancelling) {
    const auto until = std::min(context.deadline, ports_.time.ticks() + settings_.cancel_wait);
    for (milliseconds wait{2}; ports_.time.ticks() < until;
         wait = std::min(wait * 2, milliseconds(100))) {
        co_await ports_.time.sleep(wait);
        STOA_CO_TRY(auto found, co_await store_.get(cancelling.id));
        if (!found) break;
        cancelling = *std::move(found);
        if (cancelling.status != order_status::cancelling)
            co_return static_cast<order&&>(cancelling);
    }
    context.reply->status = 202;
    co_return static_cast<order&&>(cancelling);
}

task<result<order>> order_service::ship_order(request_context context, move_order_request wanted) {
    co_return co_await set_status(std::move(context), {.id = wanted.id, .status = "shipped"});
}

task<result<order>> order_service::deliver_order(request_context context,
                                                 move_order_request wanted) {
    co_return co_await set_status(std::move(context), {.id = wanted.id, .status = "delivered"});
}

// The documented callback (R21, R52): through the same machine as everything else. `paid` only by
// the payment service, and only with a capture that verifies.
task<result<order>> order_service::set_status(request_context context, set_status_request wanted) {
    STOA_CO_TRY(const auto seen, co_await require_visible(context, wanted.id));
    const auto to = read_word<order_status>(wanted.status);
    if (!to) co_return fail(invalid_request({{"status", "not_one_of", {}, {}}}));
    if (*to == seen.status) co_return seen;
    if (*to == order_status::cancelled || *to == order_status::cancelling)
        co_return co_await cancel_order(std::move(context), {.id = wanted.id});
    if (*to == order_status::paid)
        STOA_CO_TRY_VOID(co_await verify_capture(context, seen, wanted.payment_id));
    const bool by_hand = *to == order_status::shipped || *to == order_status::delivered;
    if (!by_hand && *to != order_status::paid)
        co_return fail(refused_transition(seen.status, wanted.status));
    auto done = co_await change(wanted.id, [&](order_record& now, write_set& in) -> result<bool> {
        if (now.status == *to) return false;
        in.under(context.traceparent);
        if (!may_become(now.status, *to))
            return fail(refused_transition(now.status, wanted.status));
        const bool was_cancelling = now.status == order_status::cancelling;
        become(now, *to);
        if (*to != order_status::paid) {
            in.publish(order_event_of(now, "order." + std::string(word_of(*to))));
            return true;
        }
        now.payment_id = wanted.payment_id;
        now.captured_amount = now.total_amount;
        if (was_cancelling) cancel_paid(now, in, now.reason.value_or("customer"));
        else in.publish(order_event_of(now, "order.paid"));
        return true;
    });
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return static_cast<order&&>(*done);
}

task<result<void>> order_service::verify_capture(request_context context, const order& of,
                                                 std::optional<std::string> payment_id) {
    if (context.caller.is != role::service)
        co_return fail(errc::forbidden, "payment_service_only",
                       "only a payment makes an order paid");
    if (!payment_id || !ports_.payments)
        co_return fail(invalid_request({{"payment_id", "required", {}, {}}}));
    auto paid = co_await ports_.payments->get_payment(context, {.id = *payment_id});
    if (!paid && paid.error().kind != errc::not_found)
        co_return std::unexpected(std::move(paid).error());
    const bool verifies = paid && paid->order_id == of.id &&
                          paid->status == payments::payment_status::succeeded &&
                          paid->amount == of.total_amount;
    if (!verifies)
        co_return fail(errc::conflict, "capture_does_not_verify",
                       "the payment named has not captured this order's total");
    co_return result<void>{};
}

result<bool> order_service::request_refund(order_record& now, write_set& in,
                                           const refund_order_request& wanted) {
    const bool after_shipping =
        now.status == order_status::shipped || now.status == order_status::delivered;
    if (!after_shipping && now.status != order_status::paid)
        return fail(refused_transition(now.status, "refunded"));
    std::int64_t asked_minor = 0;
    for (const auto& each : now.refunds)
        if (each.status != refund_state::failed) asked_minor += each.amount.minor;
    const std::int64_t left_minor = now.captured_amount.minor - asked_minor;
    // An amount's digits were read in its own currency: 10 is 1000 minor units of one and 10 of
    // another.
    if (wanted.amount && wanted.amount->currency != now.currency)
        return fail(invalid_request(
            {{"currency",
              "currency_differs",
              "the order is in " + std::string(now.currency.text()) + "; say so beside the amount",
              {}}}));
    const money amount{wanted.amount ? wanted.amount->minor : left_minor, now.currency};
    if ((left_minor <= 0 || amount.minor > left_minor) &&
        !planted(planted_bug::refunds_past_the_capture))
        return fail(errc::conflict, "refund_exceeds_capture",
                    money_text({std::max<std::int64_t>(left_minor, 0), now.currency}) +
                        " of the captured amount is left to refund");
    if (!after_shipping && amount.minor == left_minor) {
        // The whole of an order that has not left the house: that is a cancellation, with its
        // units.
        cancel_paid(now, in, wanted.reason.value_or("refund"));
        return true;
    }
    owe_refund(now, in, amount, now.payment_id.value_or(""), wanted.reason.value_or("operator"),
               after_shipping && wanted.restock.value_or(false));
    return true;
}

task<result<order>> order_service::refund_order(request_context context,
                                                refund_order_request wanted) {
    STOA_CO_TRY(const auto seen, co_await require_visible(context, wanted.id));
    STOA_CO_TRY(auto known, co_await ports_.keys.look_up(context));
    if (known && known->state == idempotency_state::done)
        co_return seen;  // context.reply has the bytes
    const auto scope_key = idempotency_keys::scope_key(context);
    std::string body;
    auto done = co_await change(wanted.id, [&](order_record& now, write_set& in) -> result<bool> {
        in.under(context.traceparent);
        STOA_TRY(const bool changed, request_refund(now, in, wanted));
        // One transaction asks for the refund and closes the key, so a retry can never ask twice.
        auto shown = now;
        ++shown.version;
        body = to_json<order>(shown);
        if (!planted(planted_bug::refund_without_its_key))
            ports_.keys.record(in, context, now.id, 200, body);
        return changed;
    });
    if (!done) {
        // What is left may be too little because the same request came before, with this key.
        STOA_CO_TRY(known, co_await ports_.keys.look_up(context));
        if (known && known->state == idempotency_state::done) co_return seen;
        co_return std::unexpected(std::move(done).error());
    }
    *context.reply = {.status = 200, .body = std::move(body)};
    co_return static_cast<order&&>(*done);
}

// --- sweeping
// ---------------------------------------------------------------------------------------------

result<bool> order_service::expire_pending(order_record& now, write_set& in) {
    const error expired{.kind = errc::conflict,
                        .code = "order_expired",
                        .detail =
                            "the order was not settled within two minutes; place it again with a "
                            "new Idempotency-Key"};
    become(now, order_status::cancelled);
    now.reason = expired.code;
    if (now.scope_key && !planted(planted_bug::expiry_leaves_its_key_open))
        ports_.keys.complete(in, *now.scope_key, http_status(expired.kind),
                             problem_json(expired, now.id));
    now.scope_key.reset();
    if (planted(planted_bug::expiry_tells_nobody)) return true;
    in.publish(order_event_of(now, "order.cancelled"));  // releases a hold that may stand
    return true;
}

task<result<int>> order_service::sweep(lane share) {
    int moved = 0;
    for (int shard = share.index; shard < due_shards; shard += share.of) {
        const auto now_is = ports_.time.now();
        STOA_CO_TRY(const auto ids, co_await store_.due(shard, now_is, 100));
        for (const auto& id : ids) {
            bool did = false;
            auto done = co_await change(id, [&](order_record& now, write_set& in) -> result<bool> {
                did = false;
                if (!now.due_at || *now.due_at > now_is) return false;  // the index was behind
                did = true;
                if (now.status == order_status::pending) return expire_pending(now, in);
                return end_unpaid(now, in, "payment_deadline");
            });
            if (!done) co_return std::unexpected(std::move(done).error());
            moved += did;
        }
    }
    co_return moved;
}

}  // namespace stoa::orders
