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
    : ports_(ports),
      store_(ports.items),
      sender_({ports.items, *this, ports.outside, ports.time, ports.random, ports.measured},
              settings.sending),
      settings_(std::move(settings)) {
    buried_ = ports_.measured.counter("notifications_total", "Notifications by outcome.",
                                      {{"outcome", "dead_letter"}});
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
    notification_record fresh;
    fresh.event_id = std::move(about.id);
    fresh.channel = channel;
    fresh.event_type = std::move(about.event_type);
    fresh.order_id = std::move(about.order_id);
    fresh.user_id = std::move(about.user_id);
    fresh.to = std::move(to);
    // A text message is a line.
    fresh.body = channel == sms ? said->subject + " (" + *fresh.order_id + ')' : said->body;
    fresh.subject = std::move(said->subject);
    STOA_CO_TRY(auto mine, co_await record(std::move(fresh)));
    if (!mine) co_return result<void>();
    STOA_CO_TRY(const auto after, co_await sender_.send(*std::move(mine)));
    if (after.status == notification_status::pending)
        co_return fail(errc::unavailable, after.last_error.value_or("not_sent"),
                       "the message could not be sent yet");
    co_return result<void>();  // what failed for good is told in its record
}

// The record, ours to send; nothing where it has ended. `conflict`: another call is just sending
// it, or died over it: then it is free when its time has run out.
task<result<std::optional<notification_record>>> notification_function::record(
    notification_record fresh) {
    fresh = co_await sender_.begin(std::move(fresh));
    const bool nobody = fresh.status == notification_status::skipped;
    if (!nobody) sender_.hold(fresh);
    write_set in;
    store_.insert(in, fresh);
    STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
    if (!outcome.committed())
        co_return co_await sender_.claim(std::move(fresh.event_id), std::move(fresh.channel));
    if (nobody) sender_.count_skipped();
    co_return nobody ? std::nullopt : std::optional(std::move(fresh));
}

// A topic's subscribers are whoever they are: what is told to them has no address of its own.
task<result<std::optional<std::string>>> notification_function::address_of(
    notification_record& of) {
    if (of.to) co_return of.to;
    const bool to_topic = of.channel != sms && !settings_.email_needs_address;
    if (to_topic) co_return std::optional(of.user_id);
    of.reason = of.channel == sms ? "no_phone" : "no_email";
    co_return std::optional<std::string>();
}

}  // namespace stoa::notifications
