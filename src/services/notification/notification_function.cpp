#include "services/notification/notification_function.hpp"

#include "base/json.hpp"
#include "runtime/log.hpp"
#include "services/notification/notification_text.hpp"

namespace stoa::notifications {
namespace {

constexpr std::string_view sms = "sms";

error no_order_event(const error& why) {
    std::string detail = "the message is no order event: " + why.detail;
    for (const auto& each : why.errors) detail += ' ' + each.where + ": " + each.code + ';';
    return {.kind = errc::malformed, .code = "no_order_event", .detail = std::move(detail)};
}

}  // namespace

notification_function::notification_function(needs ports, notification_function_settings settings)
    : ports_(ports), store_(ports.items), settings_(std::move(settings)) {
    const auto outcome = [&](const char* word) {
        return ports_.measured.counter("notification_function_total",
                                       "Notifications of the function by outcome.",
                                       {{"outcome", word}});
    };
    sent_ = outcome("sent");
    skipped_ = outcome("skipped");
    failed_ = outcome("failed");
    buried_ = outcome("dead_letter");
}

task<result<functions::outcome>> notification_function::handle(functions::trigger what,
                                                               functions::invocation) {
    functions::outcome out;
    for (auto& each : what.records) {
        if (!each.objects.empty()) continue;  // S3's own notifications are no order events
        if (each.said.body.empty()) continue;
        auto told = co_await tell(each.said);
        if (!told && !functions::worth_another_try(told.error()) &&
            what.from == functions::event_source::kafka && !settings_.dead_letters.empty())
            told = co_await bury(std::move(each.said), std::move(told).error());
        if (!told) out.failed.push_back({each.id, std::move(told).error()});
    }
    co_return out;
}

task<result<void>> notification_function::bury(functions::message what, error why) {
    log_error("dead_letter", {{"topic", what.topic}, {"code", why.code}, {"detail", why.detail}});
    STOA_CO_TRY_VOID(
        co_await ports_.queues.send(settings_.dead_letters, {.body = std::move(what.body)}));
    buried_.add();
    co_return result<void>();
}

task<result<void>> notification_function::tell(functions::message what) {
    auto about = from_json<orders::order_event>(what.body);
    if (!about) co_return fail(no_order_event(about.error()));
    const auto contact = from_json<order_contact>(what.body);
    if (!contact) co_return fail(no_order_event(contact.error()));
    if (about->id.empty() || about->id.size() > 64)
        co_return fail(errc::malformed, "no_order_event", "the event has no id of 1 to 64 bytes");
    if (!text_of(*about, settings_.shop_name)) co_return result<void>();
    // One channel that fails keeps no other from its message.
    result<void> out;
    for (const auto& channel : settings_.channels) {
        auto told =
            co_await tell_by(channel, *about, channel == sms ? contact->phone : contact->email);
        if (!told) out = std::move(told);
    }
    co_return out;
}

task<result<void>> notification_function::tell_by(std::string channel, orders::order_event about,
                                                  std::optional<std::string> to) {
    auto said = text_of(about, settings_.shop_name);
    const auto now = ports_.time.now();
    notification_record fresh;
    fresh.event_id = std::move(about.id);
    fresh.channel = channel;
    fresh.event_type = std::move(about.event_type);
    fresh.order_id = std::move(about.order_id);
    fresh.user_id = std::move(about.user_id);
    fresh.to = std::move(to);
    fresh.subject = said->subject;
    // A text message is a line.
    fresh.body = channel == sms ? said->subject + " (" + *fresh.order_id + ')' : said->body;
    fresh.status = notification_status::pending;
    fresh.created_at = fresh.updated_at = now;
    fresh.due_at = now + settings_.send_within;
    const bool needs_address = channel == sms || settings_.email_needs_address;
    if (needs_address && !fresh.to) {
        fresh.status = notification_status::skipped;
        fresh.reason = channel == sms ? "no_phone" : "no_email";
        fresh.due_at.reset();
    }
    STOA_CO_TRY(auto mine, co_await claim(std::move(fresh)));
    if (!mine) co_return result<void>();
    if (mine->status == notification_status::skipped) {
        skipped_.add();
        co_return result<void>();
    }
    co_return co_await send(*std::move(mine));
}

// The record, ours to send; nothing where it is done. `conflict`: another call is just sending it,
// or died over it: then it is free when its time has run out.
task<result<std::optional<notification_record>>> notification_function::claim(
    notification_record fresh) {
    write_set in;
    store_.insert(in, fresh);
    STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
    if (outcome.committed()) co_return std::optional(std::move(fresh));
    STOA_CO_TRY(const auto found, co_await store_.get(fresh.event_id, fresh.channel));
    if (!found) co_return fail(errc::conflict, "being_sent", "the record was just removed");
    if (found->status != notification_status::pending)
        co_return std::optional<notification_record>();
    const auto now = ports_.time.now();
    if (found->due_at.value_or(now) > now)
        co_return fail(errc::conflict, "being_sent", "another call is sending this message");
    auto mine = *found;
    mine.due_at = now + settings_.send_within;
    mine.updated_at = now;
    write_set again;
    store_.replace(again, *found, mine);
    STOA_CO_TRY(const auto taken, co_await store_.commit(std::move(again)));
    if (!taken.committed())
        co_return fail(errc::conflict, "being_sent", "another call is sending this message");
    co_return std::optional(std::move(mine));
}

task<result<void>> notification_function::send(notification_record claimed) {
    const auto sent = co_await ports_.outside.send({.id = claimed.event_id + '.' + claimed.channel,
                                                    .channel = claimed.channel,
                                                    .to = claimed.to.value_or(claimed.user_id),
                                                    .subject = claimed.subject,
                                                    .body = claimed.body.value_or("")});
    auto after = claimed;
    if (sent) {
        after.status = notification_status::sent;
        after.sent_at = ports_.time.now();
        after.due_at.reset();
        after.last_error.reset();
        sent_.add();
        co_return co_await finish(std::move(claimed), std::move(after));
    }
    after.last_error = sent.error().code;
    ++after.tries;
    const bool for_good = sent.error().kind == errc::invalid || after.tries >= settings_.most_tries;
    if (for_good) {
        after.status = notification_status::failed;
        after.due_at.reset();
        failed_.add();
    } else {
        after.due_at = ports_.time.now();
    }
    log_warning("notification_not_sent",
                {{"event_id", claimed.event_id}, {"code", sent.error().code}});
    STOA_CO_TRY_VOID(co_await finish(std::move(claimed), std::move(after)));
    if (for_good) co_return result<void>();  // told in its record
    auto why = sent.error();
    if (!functions::worth_another_try(why)) why.kind = errc::unavailable;
    co_return fail(std::move(why));
}

task<result<void>> notification_function::finish(notification_record before,
                                                 notification_record after) {
    after.updated_at = ports_.time.now();
    write_set in;
    store_.replace(in, before, after);
    // A condition that fails: the claim ran out and another call goes on.
    STOA_CO_TRY_VOID(co_await store_.commit(std::move(in)));
    co_return result<void>();
}

}  // namespace stoa::notifications
