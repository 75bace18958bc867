// POST /payments and reading payments.
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "runtime/crash_point.hpp"
#include "services/payment/payment_service.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::payments {
namespace {

error no_such_payment() {
    return {
        .kind = errc::not_found, .code = "payment_not_found", .detail = "there is no such payment"};
}

error declined_error(const payment& attempt) {
    return {.kind = errc::declined,
            .code = "payment_declined",
            .detail = "the provider declined the payment (" +
                      attempt.failure_reason.value_or("declined") + "); try another method",
            .errors = {{"method", attempt.failure_reason.value_or("declined"), {}, {}}}};
}

}  // namespace

task<result<payment>> payment_service::get_payment(request_context context,
                                                   get_payment_request wanted) {
    if (!is_uuid(wanted.id)) co_return fail(no_such_payment());
    STOA_CO_TRY(auto found, co_await store_.attempt(std::move(wanted.id)));
    if (!found) co_return fail(no_such_payment());
    if (context.caller.runs_the_shop()) co_return *std::move(found);
    // The order decides: it may have moved from a guest to an account since it was paid for.
    const auto visible = co_await ports_.orders.get_order(context, {.id = found->order_id});
    if (!visible && visible.error().kind == errc::not_found) co_return fail(no_such_payment());
    if (!visible) co_return std::unexpected(visible.error());
    co_return *std::move(found);
}

task<result<payment_list>> payment_service::list_payments(request_context context,
                                                          list_payments_request wanted) {
    // The order decides who may see: another's is absent.
    STOA_CO_TRY_VOID(co_await ports_.orders.get_order(context, {.id = wanted.order_id}));
    payment_list out;
    STOA_CO_TRY(out.payments, co_await store_.attempts_of(std::move(wanted.order_id)));
    co_return out;
}

payment_head payment_service::head_for(const orders::order& order) const {
    const auto now = ports_.time.now();
    return {.id = head_id(order.id),
            .order_id = order.id,
            .user_id = order.user_id,
            .amount = order.total_amount,
            .currency = order.currency,
            .state = head_state::open,
            .attempt = order.payment_attempt,
            .created_at = now,
            .updated_at = now};
}

task<result<payment_head>> payment_service::ensure_head(const request_context& context,
                                                        const orders::order& order,
                                                        std::string method) {
    auto made = co_await change(order.id, [&](payment_head& now, write_set&) -> result<bool> {
        if (!now.id.empty()) return false;
        now = head_for(order);
        now.traceparent = kept_trace(context.traceparent);
        now.method = method;
        now.due_at = ports_.time.now();
        return true;
    });
    if (!made) co_return std::unexpected(std::move(made).error());
    co_return **made;
}

// Names the method of an open attempt, beginning a new one after a decline. False: it is past that.
task<result<bool>> payment_service::name_method(const request_context& context,
                                                std::string order_id, std::int32_t attempt,
                                                std::string method) {
    bool named = false;
    auto done = co_await change(order_id, [&](payment_head& now, write_set&) -> result<bool> {
        named = false;
        if (now.id.empty()) return false;
        const bool again = now.state == head_state::failed && now.attempt + 1 == attempt;
        const bool first = now.state == head_state::open && now.attempt == attempt && !now.method;
        if (!again && !first) return false;
        now.state = head_state::open;
        now.attempt = attempt;
        now.method = method;
        now.traceparent = kept_trace(context.traceparent);
        now.payment_id.reset();
        now.intent_id.reset();
        now.due_at = ports_.time.now();
        return named = true;
    });
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return named;
}

task<result<payment>> payment_service::create_payment(request_context context,
                                                      create_payment_request wanted) {
    STOA_CO_TRY(auto order, co_await ports_.orders.get_order(context, {.id = wanted.order_id}));
    const bool same_currency = wanted.currency.value_or(order.currency) == order.currency;
    if (!same_currency || wanted.amount.minor != order.total_amount.minor)
        co_return fail(
            invalid_request({{"amount",
                              "amount_differs",
                              "the order's total is " + money_text(order.total_amount) + ' ' +
                                  std::string(order.currency.text()) + "; nothing was charged",
                              {}}}));

    STOA_CO_TRY(const auto head, co_await store_.head_of(order.id));
    std::int32_t attempt = head ? head->attempt : order.payment_attempt;
    if (head && head->state == head_state::failed) ++attempt;
    if (!context.key_from_client)
        co_return co_await pay(std::move(context), std::move(wanted), std::move(order), attempt);

    STOA_CO_TRY(auto known, co_await ports_.keys.look_up(context));
    if (known && known->state == idempotency_state::done)
        co_return payment{};  // context.reply has the bytes
    write_set in;
    if (known) {
        // A request that died meant a certain attempt: its answer is that attempt's, never a new
        // one's.
        std::from_chars(known->subject.data(), known->subject.data() + known->subject.size(),
                        attempt);
        ports_.keys.take_over(in, context, *known);
    } else {
        ports_.keys.begin(in, context, std::to_string(attempt));
    }
    STOA_CO_TRY(const auto begun, co_await store_.commit(std::move(in)));
    if (!begun.committed()) co_return fail(request_in_progress());
    crash_point("payment_key_begun");
    auto answered = co_await pay(context, std::move(wanted), std::move(order), attempt);
    // Unknown at the deadline: the key stays open, and a retry with it learns the outcome.
    if (answered && answered->status == payment_status::processing) co_return answered;
    const bool stored_kind = answered || answered.error().kind == errc::declined ||
                             answered.error().kind == errc::conflict;
    if (!stored_kind) co_return answered;
    const int status =
        answered ? std::max(context.reply->status, 200) : http_status(answered.error().kind);
    auto body = answered ? to_json(*answered) : problem_json(answered.error(), context.request_id);
    write_set close;
    ports_.keys.complete(close, idempotency_keys::scope_key(context), status, body);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(close)));
    crash_point("payment_key_done");
    *context.reply = {.status = status, .body = std::move(body)};
    co_return answered;
}

// Attempt `attempt` of the order, submitted by this call or found.
task<result<payment>> payment_service::pay(request_context context, create_payment_request wanted,
                                           orders::order order, std::int32_t attempt) {
    STOA_CO_TRY(auto head, co_await store_.head_of(order.id));
    bool fresh = false;
    if (!head) {
        const bool payable = order.status == orders::order_status::awaiting_payment ||
                             order.status == orders::order_status::payment_failed;
        if (!payable)
            co_return fail(
                errc::conflict, "order_not_payable",
                "an order that is " + std::string(word_of(order.status)) + " cannot be paid");
        STOA_CO_TRY(head, co_await ensure_head(context, order, wanted.method));
        fresh = head->method == wanted.method;
    }
    if (head->state == head_state::closed)
        co_return fail(errc::conflict, "order_closed", "this order can no longer be paid");
    if (head->state == head_state::failed && head->attempt < attempt) {
        auto service = context;
        service.caller = {.is = role::service};
        service.reply = std::make_shared<reply_note>();
        STOA_CO_TRY_VOID(co_await ports_.orders.begin_attempt(service, {order.id, head->attempt}));
    }
    STOA_CO_TRY(const bool named, co_await name_method(context, order.id, attempt, wanted.method));
    // The worker drives it, not this request: a client that goes away must not leave an attempt
    // half-way.
    wake(order.id);
    co_return co_await answer(std::move(context), order.id, attempt, fresh || named);
}

// Waits for the attempt's outcome. 201 where this request submitted it, 200 where it found it, 402
// declined, 202 where it is not known in time or waits for a person.
task<result<payment>> payment_service::answer(request_context context, std::string order_id,
                                              std::int32_t attempt, bool fresh) {
    const auto until = std::min(context.deadline, ports_.time.ticks() + settings_.answer_within);
    for (milliseconds wait{1};; wait = std::min(wait * 2, milliseconds(50))) {
        STOA_CO_TRY(const auto head, co_await store_.head_of(order_id));
        if (head && head->state == head_state::closed && !head->payment_id)
            co_return fail(errc::conflict, "order_closed", "this order can no longer be paid");
        const bool here = head && head->attempt == attempt && head->payment_id;
        const bool past = head && head->attempt > attempt;
        std::optional<payment> found;
        if (here) {
            STOA_CO_TRY(found, co_await store_.attempt(*head->payment_id));
        } else if (past) {
            STOA_CO_TRY(const auto all, co_await store_.attempts_of(order_id));
            for (const auto& each : all)
                if (each.attempt == attempt) found = each;
        }
        if (found && found->status == payment_status::failed)
            co_return fail(declined_error(*found));
        // The order ended first, and the provider was told so: nothing was charged.
        if (found && found->status == payment_status::cancelled)
            co_return fail(errc::conflict, "order_closed", "this order can no longer be paid");
        const bool settled = found && found->status != payment_status::processing;
        if (settled || (found && ports_.time.ticks() >= until)) {
            const bool open = found->status == payment_status::processing ||
                              found->status == payment_status::review;
            context.reply->status = open ? 202 : fresh ? 201 : 200;
            co_return *std::move(found);
        }
        if (ports_.time.ticks() >= until)
            co_return fail({.kind = errc::unavailable,
                            .code = "payment_not_started",
                            .detail = "the payment has not been submitted yet; ask again",
                            .retry_after_s = 1});
        co_await ports_.time.sleep(wait);
    }
}

task<result<payment>> payment_service::decide_review(request_context context,
                                                     decide_review_request wanted) {
    STOA_CO_TRY(const auto before, co_await store_.attempt(wanted.id));
    if (!before) co_return fail(no_such_payment());
    STOA_CO_TRY(const auto head, co_await store_.head_of(before->order_id));
    if (!head || head->state != head_state::review || head->payment_id != before->id)
        co_return fail(errc::conflict, "not_in_review",
                       "this payment does not wait for a decision");
    auto after = *head;
    auto attempt = *before;
    write_set in;
    after.traceparent = kept_trace(context.traceparent);
    after.updated_at = attempt.updated_at = ports_.time.now();
    if (wanted.approve) {
        after.state = head_state::submitted;
        after.owner = ports_.epoch;
        after.submitted_at = after.due_at = after.updated_at;
        attempt.status = payment_status::processing;
    } else {
        after.state = head_state::failed;
        after.method.reset();
        attempt.status = payment_status::failed;
        attempt.failure_reason = "review_refused";
        const payment_failed payload{head->order_id,   attempt.id,   head->user_id, head->attempt,
                                     "review_refused", head->amount, head->currency};
        in.publish(event_of(after, topic::failed, to_json(payload, naming::camel)));
    }
    store_.replace(in, *head, after);
    store_.replace(in, *before, attempt);
    STOA_CO_TRY(const auto stored, co_await store_.commit(std::move(in)));
    if (!stored.committed())
        co_return fail(errc::conflict, "not_in_review", "decided by someone else");
    if (wanted.approve) wake(head->order_id);
    co_return attempt;
}

}  // namespace stoa::payments
