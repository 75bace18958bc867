#include "services/notification/notification_sender.hpp"

#include "base/planted.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"

#include <algorithm>

namespace stoa::notifications {
namespace {

std::string message_id(const notification_record& of) {
    auto out = of.event_id + '.' + of.channel;
    if (of.copy > 0) out += '.' + std::to_string(of.copy);
    if (planted(planted_bug::mail_has_a_new_id_each_time) && of.tries > 0)
        out += '.' + std::to_string(of.tries);
    return out;
}

void skip(notification_record& of, std::optional<std::string> reason) {
    of.status = notification_status::skipped;
    of.reason = std::move(reason);
    of.due_at.reset();
}

error not_ours() {
    return {.kind = errc::conflict,
            .code = std::string(being_sent),
            .detail = "another sender has this message"};
}

}  // namespace

notification_sender::notification_sender(needs ports, sender_settings settings)
    : ports_(ports), store_(ports.items), settings_(settings) {
    const auto outcome = [&](const char* word) {
        return ports_.measured.counter("notifications_total", "Notifications by outcome.",
                                       {{"outcome", word}});
    };
    sent_ = outcome("sent");
    skipped_ = outcome("skipped");
    failed_ = outcome("failed");
    retried_ = outcome("retried");
}

task<notification_record> notification_sender::begin(notification_record fresh) {
    fresh.status = notification_status::pending;
    fresh.created_at = fresh.updated_at = ports_.time.now();
    fresh.due_at = fresh.created_at;
    auto asked = fresh;
    const auto to = co_await ports_.people.address_of(asked);
    if (to && !*to) skip(fresh, std::move(asked.reason));
    co_return fresh;
}

void notification_sender::hold(notification_record& of) const {
    of.due_at = ports_.time.now() + settings_.send_within;
}

task<result<std::optional<notification_record>>> notification_sender::claim(std::string event_id,
                                                                            std::string channel) {
    STOA_CO_TRY(const auto found, co_await store_.get(std::move(event_id), std::move(channel)));
    if (!found) co_return fail(not_ours());  // nobody has read it yet, or it was just removed
    if (found->status != notification_status::pending)
        co_return std::optional<notification_record>();
    const auto now = ports_.time.now();
    if (found->due_at.value_or(now) > now) co_return fail(not_ours());
    auto mine = *found;
    hold(mine);
    mine.updated_at = now;
    write_set in;
    store_.replace(in, *found, mine);
    STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
    if (!outcome.committed()) co_return fail(not_ours());
    co_return std::optional(std::move(mine));
}

void notification_sender::remember_failure(notification_record& of, const error& why) {
    of.last_error = why.code;
    ++of.tries;
    const bool for_good = why.kind == errc::invalid || of.tries >= settings_.most_tries;
    if (for_good) {
        of.status = notification_status::failed;
        of.due_at.reset();
        if (of.secret) of.body.reset();
        failed_.add();
        log_warning("notification_failed",
                    {{"event_id", of.event_id}, {"code", why.code}, {"tries", of.tries}});
        return;
    }
    const milliseconds wait = settings_.first_retry * (1LL << std::min(of.tries - 1, 16));
    of.due_at = ports_.time.now() +
                jittered(std::min<milliseconds>(wait, settings_.longest_retry), ports_.random);
    retried_.add();
}

task<result<notification_record>> notification_sender::send(notification_record claimed) {
    auto after = claimed;
    if (after.not_after && *after.not_after <= ports_.time.now()) {
        after.tries = settings_.most_tries;
        remember_failure(after, {.kind = errc::invalid, .code = "expired_before_sent"});
        co_return co_await finish(std::move(claimed), std::move(after));
    }
    auto to = co_await ports_.people.address_of(after);
    if (to && !*to) {
        skip(after, after.reason);
        skipped_.add();
        co_return co_await finish(std::move(claimed), std::move(after));
    }
    result<void> sent = std::unexpected(to ? error{} : to.error());
    if (to)
        sent = co_await ports_.outside.send({.id = message_id(after),
                                             .channel = after.channel,
                                             .to = **to,
                                             .subject = after.subject,
                                             .body = after.body.value_or("")});
    crash_point("notification_sent");
    // Dies here: due again when the claim runs out, and sent again under the same message id.
    if (!sent && !planted(planted_bug::failed_mail_counts_as_sent)) {
        remember_failure(after, sent.error());
    } else {
        after.status = notification_status::sent;
        after.sent_at = ports_.time.now();
        after.due_at.reset();
        after.last_error.reset();
        if (after.secret) after.body.reset();
        sent_.add();
    }
    co_return co_await finish(std::move(claimed), std::move(after));
}

task<result<notification_record>> notification_sender::finish(notification_record before,
                                                              notification_record after) {
    after.updated_at = ports_.time.now();
    write_set in;
    store_.replace(in, before, after);
    // A condition that fails: the claim ran out and another sender goes on.
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    crash_point("notification_remembered");
    co_return std::move(after);
}

}  // namespace stoa::notifications
