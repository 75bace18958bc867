// The part that talks to the provider: submit, ask, settle; refunds alike. Every step is
// conditional on the head's version, and every provider call carries a key or an intent id, so two
// workers on one order are safe.
#include "base/json.hpp"
#include "base/planted.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/payment/payment_service.hpp"

#include <algorithm>

namespace stoa::payments {
namespace {

// The provider said something definite, as opposed to: nothing is known.
bool definite(errc kind) {
    return kind == errc::invalid || kind == errc::declined || kind == errc::conflict;
}

}  // namespace

event payment_service::event_of(const payment_head& now, std::string_view topic,
                                std::string payload) const {
    return {.topic = std::string(topic),
            .key = now.order_id,
            .id = new_id(ports_.time, ports_.random),
            .type = std::string(topic),
            .version = now.version + 1,
            .occurred_at = ports_.time.now(),
            .traceparent = now.traceparent.value_or(""),
            .payload = std::move(payload)};
}

milliseconds payment_service::backoff(std::int32_t tries) {
    const milliseconds wait = settings_.first_retry * (1LL << std::min(tries, 16));
    return jittered(std::min<milliseconds>(wait, settings_.longest_retry), ports_.random);
}

void payment_service::close(payment_head& now, write_set& in) const {
    now.state = head_state::closed;
    now.due_at.reset();
    const payment_closed payload{
        .order_id = now.order_id, .user_id = now.user_id, .attempt = now.attempt};
    in.publish(event_of(now, topic::closed, to_json(payload, naming::camel)));
}

task<result<void>> payment_service::drive(std::string order_id) {
    std::optional<std::int32_t> asked;  // the head's tries when the provider was asked last
    for (;;) {
        STOA_CO_TRY(auto head, co_await store_.head_of(order_id));
        if (!head) co_return result<void>{};
        if (head->state == head_state::open && head->method && !head->close_requested) {
            asked.reset();
            STOA_CO_TRY_VOID(co_await submit(*std::move(head)));
        } else if (head->state == head_state::submitted || head->state == head_state::unknown) {
            // Unknown again: the sweeper asks when it is due.
            const bool again = head->state == head_state::unknown && asked && head->tries > *asked;
            if (again) co_return result<void>{};
            asked = head->tries;
            STOA_CO_TRY_VOID(co_await ask_provider(*std::move(head)));
        } else {
            co_return result<void>{};
        }
    }
}

// Makes an open head a submitted one, or one that a person decides on first; returns its attempt.
// Whoever writes both, conditional on the head as it stood, drives the attempt.
payment payment_service::submitted(payment_head& head) const {
    const auto now = ports_.time.now();
    const bool review =
        settings_.review_above_minor && head.amount.minor > *settings_.review_above_minor;
    head.state = review ? head_state::review : head_state::submitted;
    head.payment_id = new_id(ports_.time, ports_.random);
    head.intent_id.reset();
    head.owner = ports_.epoch;
    head.submitted_at = now;
    head.tries = 0;
    head.updated_at = now;
    head.due_at = review ? std::nullopt : std::optional(now + settings_.take_up_after);
    return {.id = *head.payment_id,
            .payment_id = *head.payment_id,
            .order_id = head.order_id,
            .user_id = head.user_id,
            .attempt = head.attempt,
            .amount = head.amount,
            .currency = head.currency,
            .status = review ? payment_status::review : payment_status::processing,
            .method = head.method.value_or(""),
            .created_at = now,
            .updated_at = now};
}

task<result<void>> payment_service::submit(payment_head head) {
    auto after = head;
    const auto attempt = submitted(after);
    write_set in;
    store_.replace(in, head, after);
    store_.insert(in, attempt);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    crash_point("attempt_submitted");
    co_return result<void>{};  // the loser of two submits reads the winner's head next
}

// One question to the provider, or the few that belong together: create, then confirm or cancel.
task<result<void>> payment_service::ask_provider(payment_head head) {
    auto told = co_await find_intent(head);
    if (told && told->status == intent_status::created) {
        // Looked at again just before: a close that came meanwhile must not be overtaken by a
        // confirm.
        STOA_CO_TRY(const auto now, co_await store_.head_of(head.order_id));
        if (!now || now->version != head.version)
            co_return result<void>{};  // changed: the driver looks again
        if (now->close_requested) {
            told = co_await ports_.provider.cancel(told->id);
            crash_point("intent_cancelled");
        } else {
            told = co_await ports_.provider.confirm(told->id);
            crash_point("intent_confirmed");
        }
    }
    if (!told &&
        (definite(told.error().kind) || planted(planted_bug::unknown_outcome_taken_for_a_decline)))
        told = payment_intent{.id = head.intent_id.value_or(""),
                              .status = intent_status::declined,
                              .amount = head.amount,
                              .currency = head.currency,
                              .decline_code = told.error().code};
    if (!told) co_return co_await remember_unknown(std::move(head), told.error());
    if (told->status == intent_status::created || told->status == intent_status::processing)
        co_return co_await remember_unknown(std::move(head),
                                            {.kind = errc::timeout, .code = "processing"});
    co_return co_await settle(std::move(head), *std::move(told));
}

// The attempt's intent: asked for by id, or created under the attempt's key, which gives the same
// one again.
task<result<payment_intent>> payment_service::find_intent(payment_head& head) {
    if (head.intent_id && !planted(planted_bug::every_try_has_a_new_provider_key)) {
        auto told = co_await ports_.provider.get(*head.intent_id);
        if (told || told.error().kind != errc::not_found) co_return told;
    }
    const bool key_lives =
        !head.submitted_at || ports_.time.now() - *head.submitted_at < settings_.key_lives;
    // Only an intent whose id is stored is ever confirmed: without one nothing was charged, and the
    // attempt is over. With one, creating anew could charge a second time: a person looks.
    if (!key_lives && !head.intent_id)
        co_return payment_intent{
            .status = head.close_requested ? intent_status::cancelled : intent_status::declined,
            .amount = head.amount,
            .currency = head.currency,
            .decline_code = "provider_key_expired"};
    if (!key_lives)
        co_return fail(errc::unavailable, "provider_key_expired",
                       "the attempt's key is too old to use");
    auto told =
        co_await ports_.provider.create(head.order_id + ':' + std::to_string(head.attempt) +
                                            (planted(planted_bug::every_try_has_a_new_provider_key)
                                                 ? ':' + std::to_string(head.tries)
                                                 : ""),
                                        head.amount, head.method.value_or(""), head.order_id);
    if (!told) co_return told;
    crash_point("intent_created");
    auto after = head;
    after.intent_id = told->id;
    after.updated_at = ports_.time.now();
    write_set in;
    store_.replace(in, head, after);
    auto stored = co_await store_.commit(std::move(in));
    if (!stored) co_return std::unexpected(std::move(stored).error());
    crash_point("intent_stored");
    if (stored->committed()) head = std::move(after);
    co_return told;
}

task<result<void>> payment_service::settle(payment_head head, payment_intent told) {
    STOA_CO_TRY(const auto before, co_await store_.attempt(head.payment_id.value_or("")));
    if (!before)
        co_return fail(errc::internal, "attempt_missing", "a submitted head without its attempt");
    auto after = head;
    auto attempt = *before;
    write_set in;
    after.updated_at = attempt.updated_at = ports_.time.now();
    after.due_at.reset();
    after.intent_id = told.id;
    attempt.transaction_id = told.id;
    if (told.status == intent_status::succeeded) {
        after.state = head_state::captured;
        attempt.status = payment_status::succeeded;
        const payment_succeeded payload{head.order_id, attempt.id,    head.user_id, head.attempt,
                                        head.amount,   head.currency, told.id};
        in.publish(event_of(head, topic::succeeded, to_json(payload, naming::camel)));
    } else if (told.status == intent_status::declined) {
        after.state = head_state::failed;
        after.method.reset();
        attempt.status = payment_status::failed;
        attempt.failure_reason = told.decline_code;
        const payment_failed payload{head.order_id,     attempt.id,  head.user_id, head.attempt,
                                     told.decline_code, head.amount, head.currency};
        in.publish(event_of(head, topic::failed, to_json(payload, naming::camel)));
        if (head.close_requested) close(after, in);
    } else {
        attempt.status = payment_status::cancelled;
        close(after, in);
    }
    store_.replace(in, head, after);
    store_.replace(in, *before, attempt);
    write_set late;
    if (planted(planted_bug::payment_event_goes_after_its_state))
        late.events = std::exchange(in.events, {});
    STOA_CO_TRY(const auto stored, co_await store_.commit(std::move(in)));
    if (stored.committed() && !late.events.empty())
        STOA_CO_TRY_VOID(co_await store_.commit(std::move(late)));
    crash_point("payment_settled");
    if (stored.committed()) (told.status == intent_status::succeeded ? captured_ : declined_).add();
    co_return result<void>{};
}

task<result<void>> payment_service::remember_unknown(payment_head head, const error& why) {
    auto after = head;
    after.state = head_state::unknown;
    after.tries = head.tries + 1;
    after.updated_at = ports_.time.now();
    after.due_at = after.updated_at + backoff(head.tries);
    write_set in;
    store_.replace(in, head, after);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    crash_point("outcome_unknown");
    unknown_.add();
    log_warning("payment_unknown",
                {{"order_id", head.order_id}, {"attempt", head.attempt}, {"code", why.code}});
    co_return result<void>{};
}

task<result<void>> payment_service::drive_refund(std::string id) {
    STOA_CO_TRY(const auto before, co_await store_.refund_of(id));
    if (!before || before->state != refund_state::pending) co_return result<void>{};
    STOA_CO_TRY(const auto paid, co_await store_.attempt(before->payment_id));
    if (!paid || !paid->transaction_id)
        co_return fail(errc::internal, "refund_without_capture", "no capture to give back from");
    const auto key =
        "refund:" + before->order_id +
        (planted(planted_bug::refund_key_without_its_number) ? ""
                                                             : ':' + std::to_string(before->n));
    auto told = co_await ports_.provider.refund(key, *paid->transaction_id, before->amount);
    crash_point("refund_made");
    auto after = *before;
    after.updated_at = ports_.time.now();
    write_set in;
    if (!told && !definite(told.error().kind) &&
        !planted(planted_bug::lost_refund_taken_for_refused)) {
        after.tries = before->tries + 1;
        after.due_at = after.updated_at + backoff(before->tries);
    } else {
        const bool given_back = told && told->succeeded;
        after.state = given_back ? refund_state::succeeded : refund_state::refused;
        if (told) after.provider_refund_id = told->id;
        after.due_at.reset();
        const payment_refunded payload{before->order_id,  before->user_id, before->n,
                                       given_back,        before->amount,  before->currency,
                                       before->payment_id};
        payment_head about{.order_id = before->order_id,
                           .traceparent = before->traceparent,
                           .version = before->version};
        in.publish(event_of(about, topic::refunded, to_json(payload, naming::camel)));
    }
    store_.replace(in, *before, after);
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    crash_point("refund_settled");
    co_return result<void>{};
}

// --- in the background
// -------------------------------------------------------------------------------------

bool payment_service::has_room() const { return std::ssize(driving_) < settings_.in_flight; }

void payment_service::wake(std::string order_id) {
    // Beyond the bound the due time stands in the item: the sweeper takes it up.
    if (!has_room() || !driving_.insert(order_id).second) return;
    ports_.background.spawn("pay",
                            [this, id = std::move(order_id)] { return drive_in_background(id); });
}

void payment_service::wake_refund(std::string id) {
    if (!has_room() || !driving_.insert(id).second) return;
    ports_.background.spawn("refund",
                            [this, id = std::move(id)] { return drive_refund_in_background(id); });
}

task<> payment_service::drive_in_background(std::string order_id) {
    const auto done = co_await drive(order_id);
    driving_.erase(order_id);
    if (!done)
        log_warning("payment_drive_stopped", {{"order_id", order_id}, {"code", done.error().code}});
}

task<> payment_service::drive_refund_in_background(std::string id) {
    const auto done = co_await drive_refund(id);
    driving_.erase(id);
    if (!done) log_warning("refund_drive_stopped", {{"refund", id}, {"code", done.error().code}});
}

task<result<int>> payment_service::sweep(lane share) {
    int woken = 0;
    for (int shard = share.index; shard < due_shards; shard += share.of) {
        STOA_CO_TRY(const auto ids, co_await store_.due(shard, ports_.time.now(), 100));
        for (const auto& id : ids) {
            if (id.starts_with("order:")) wake(id.substr(6));
            else wake_refund(id);
            ++woken;
        }
    }
    co_return woken;
}

}  // namespace stoa::payments
