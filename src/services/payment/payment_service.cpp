#include "services/payment/payment_service.hpp"

#include "base/json.hpp"
#include "base/planted.hpp"
#include "runtime/crash_point.hpp"

namespace stoa::payments {

payment_service::payment_service(needs ports, payment_settings settings)
    : ports_(std::move(ports)), store_(ports_.items), settings_(settings) {
    const auto outcome = [&](const char* word) {
        return ports_.measured.counter("payments_total", "Payment attempts by outcome.",
                                       {{"outcome", word}});
    };
    captured_ = outcome("captured");
    declined_ = outcome("declined");
    unknown_ = outcome("unknown");
}

task<result<std::optional<payment_head>>> payment_service::change(std::string order_id, edit how,
                                                                  std::optional<delivery> receipt) {
    for (;;) {
        STOA_CO_TRY(const auto before, co_await store_.head_of(order_id));
        // Absent: the edit gets an empty head (no id) and may fill it.
        auto after = before.value_or(payment_head{});
        write_set in;
        if (receipt) in.receive(*receipt);
        STOA_CO_TRY(const bool changed, how(after, in));
        if (!changed && !receipt) co_return before;
        if (changed) {
            after.updated_at = ports_.time.now();
            if (before) store_.replace(in, *before, after);
            else store_.insert(in, after);
            for (auto& each : in.events) each.version = after.version;
        }
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        if (outcome.committed()) {
            crash_point("payment_changed");
            co_return changed ? std::optional(after) : before;
        }
        if (outcome.received_before()) co_return before;
        // Another change came first: look again.
    }
}

task<result<void>> payment_service::on_payment_requested(delivery what,
                                                         orders::payment_requested asked) {
    const auto due = ports_.time.now();
    const auto trace = kept_trace(what.message.traceparent);
    auto done = co_await change(
        asked.order_id,
        [&](payment_head& now, write_set& in) -> result<bool> {
            // POST /payments, or a close, came first; a method named with the order still counts.
            const bool useful = now.id.empty() || (now.state == head_state::open && !now.method &&
                                                   asked.method && now.attempt == asked.attempt);
            if (planted(planted_bug::request_resets_the_payment)) now.state = head_state::open;
            else if (!useful) return false;
            if (now.id.empty())
                now = {.id = head_id(asked.order_id),
                       .order_id = asked.order_id,
                       .user_id = asked.user_id,
                       .amount = asked.total,
                       .currency = asked.currency,
                       .state = head_state::open,
                       .attempt = asked.attempt,
                       .created_at = due};
            now.method = asked.method;
            now.traceparent = trace;
            if (!now.method) return true;
            // Submitted with the receipt where a worker is free to drive it, one write for two.
            // Beyond the bound it stays open, and due.
            if (has_room()) store_.insert(in, submitted(now));
            else now.due_at = due;
            return true;
        },
        std::move(what));
    if (!done) co_return std::unexpected(std::move(done).error());
    const bool to_drive = *done && ((*done)->state == head_state::submitted ||
                                    ((*done)->state == head_state::open && (*done)->method));
    if (to_drive) wake(asked.order_id);
    co_return result<void>{};
}

task<result<void>> payment_service::on_close_requested(delivery what,
                                                       orders::close_requested asked) {
    const auto now_is = ports_.time.now();
    const auto trace = kept_trace(what.message.traceparent);
    auto done = co_await change(
        asked.order_id,
        [&](payment_head& now, write_set& in) -> result<bool> {
            if (now.id.empty()) {
                // Nothing exists yet: closed all the same, so that a later request is refused.
                now = {.id = head_id(asked.order_id),
                       .order_id = asked.order_id,
                       .user_id = asked.user_id,
                       .close_requested = true,
                       .traceparent = trace,
                       .created_at = now_is,
                       .version = 0};
                close(now, in);
                now.version = 1;
                return true;
            }
            const bool ended = now.state == head_state::captured || now.state == head_state::closed;
            if (!ended) now.traceparent = trace;
            switch (now.state) {
                case head_state::review:
                    // Nobody decides any more about what can no longer be paid.
                    store_.cancel_reviewed(in, now.payment_id.value_or(""), now_is);
                    close(now, in);
                    return true;
                case head_state::open:
                case head_state::failed:
                    close(now, in);
                    return true;
                case head_state::submitted:
                case head_state::unknown:
                    if (planted(planted_bug::close_overlooks_an_attempt)) {
                        close(now, in);
                        return true;
                    }
                    now.close_requested = true;
                    now.due_at = now_is;
                    return true;
                case head_state::captured:
                case head_state::closed:
                    return false;  // its event is on the way
            }
            return false;
        },
        std::move(what));
    if (!done) co_return std::unexpected(std::move(done).error());
    if (*done && (*done)->due_at) wake(asked.order_id);
    co_return result<void>{};
}

task<result<void>> payment_service::on_refund_requested(delivery what,
                                                        orders::refund_requested asked) {
    STOA_CO_TRY(const auto paid, co_await store_.attempt(asked.payment_id));
    if (!paid || paid->status != payment_status::succeeded)
        co_return fail(errc::internal, "refund_without_capture", "no capture to give back from");
    const auto now = ports_.time.now();
    refund owed{.id = refund_id(asked.order_id, asked.n),
                .order_id = asked.order_id,
                .user_id = paid->user_id,
                .n = asked.n,
                .amount = asked.amount,
                .currency = asked.currency,
                .payment_id = asked.payment_id,
                .state = refund_state::pending,
                .due_at = now,
                .traceparent = kept_trace(what.message.traceparent),
                .created_at = now,
                .updated_at = now};
    write_set in;
    in.receive(std::move(what));
    store_.insert(in, owed);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    crash_point("refund_owed");
    wake_refund(owed.id);
    co_return result<void>{};
}

task<result<webhook_answer>> payment_service::receive_webhook(request_context,
                                                              webhook_request told) {
    bool useful = false;
    auto done = co_await change(told.order_id, [&](payment_head& now, write_set&) -> result<bool> {
        // A worker of this process is asking, or is about to; if it gives up, the attempt is due
        // within take_up_after.
        const bool asking = now.state == head_state::submitted && now.owner == ports_.epoch;
        const bool waits = now.state == head_state::unknown || now.state == head_state::submitted;
        useful = !now.id.empty() && waits && !asking;
        if (useful) now.due_at = ports_.time.now();
        return useful;
    });
    if (!done) co_return std::unexpected(std::move(done).error());
    if (useful) wake(told.order_id);
    co_return webhook_answer{};
}

}  // namespace stoa::payments
