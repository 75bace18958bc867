#include "services/notification/notification_service.hpp"

#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/notification/notification_text.hpp"

#include <algorithm>

namespace stoa::notifications {
namespace {

constexpr std::string_view email = "email";

error no_such_notification() {
    return {.kind = errc::not_found,
            .code = "notification_not_found",
            .detail = "no notification belongs to this event"};
}

}  // namespace

notification_service::notification_service(needs ports, notification_settings settings)
    : ports_(ports),
      store_(ports.items),
      sender_({ports.items, *this, ports.outside, ports.time, ports.random, ports.measured},
              settings.sending),
      settings_(std::move(settings)) {}

// --- recording ----------

task<result<void>> notification_service::on_order_event(delivery what, orders::order_event about) {
    if (about.event_type == "order.paid")
        // Before the receipt: an event that comes again writes the same bytes again.
        STOA_CO_TRY_VOID(co_await ports_.documents.put(std::string(documents_bucket),
                                                       invoice_key(about.order_id),
                                                       invoice_of(about, settings_.shop_name)));
    auto said = text_of(about, settings_.shop_name);
    if (!said) co_return result<void>{};
    notification_record fresh;
    fresh.order_id = std::move(about.order_id);
    fresh.user_id = std::move(about.user_id);
    fresh.subject = std::move(said->subject);
    fresh.body = std::move(said->body);
    co_return co_await record(std::move(what), std::move(fresh));
}

task<result<void>> notification_service::on_password_reset(delivery what,
                                                           users::password_reset_requested about) {
    auto said = text_of(about, settings_.shop_name, settings_.reset_url);
    co_return co_await record_secret(std::move(what), std::move(about.user_id),
                                     std::move(about.email), std::move(said), about.expires_at);
}

task<result<void>> notification_service::on_email_verification(
    delivery what, users::email_verification_requested about) {
    auto said = text_of(about, settings_.shop_name, settings_.verify_url);
    co_return co_await record_secret(std::move(what), std::move(about.user_id),
                                     std::move(about.email), std::move(said), about.expires_at);
}

task<result<void>> notification_service::record_secret(delivery what, std::string user_id,
                                                       std::string to, text said,
                                                       timestamp not_after) {
    notification_record fresh;
    fresh.user_id = std::move(user_id);
    fresh.to = std::move(to);
    fresh.subject = std::move(said.subject);
    fresh.body = std::move(said.body);
    fresh.secret = true;
    fresh.not_after = not_after;
    co_return co_await record(std::move(what), std::move(fresh));
}

task<result<void>> notification_service::record(delivery what, notification_record fresh) {
    fresh.event_id = what.message.id;
    fresh.event_type = what.message.type;
    fresh.channel = email;
    fresh = co_await sender_.begin(std::move(fresh));
    const bool nobody = fresh.status == notification_status::skipped;
    // Claimed with the record where this instance sends it at once, one write for two; else the
    // sweep finds it due.
    const bool mine = !nobody && reserve(fresh.event_id, fresh.channel);
    if (mine) sender_.hold(fresh);
    write_set in;
    in.receive(std::move(what));
    store_.insert(in, fresh);
    const auto outcome = co_await store_.commit(std::move(in));
    crash_point("notification_recorded");
    const bool kept = outcome && outcome->committed();
    if (kept && nobody) sender_.count_skipped();
    if (kept && mine) send_in_background(std::move(fresh));
    else if (mine) release(fresh.event_id, fresh.channel);
    if (!outcome) co_return std::unexpected(outcome.error());
    co_return result<void>{};
}

// --- sending ----------

task<result<std::optional<std::string>>> notification_service::address_of(notification_record& of) {
    if (of.to) co_return of.to;
    request_context context{.caller = {.is = role::service}};
    const auto user = co_await ports_.users.get_user(std::move(context), {.id = of.user_id});
    if (!user && user.error().kind != errc::not_found) co_return std::unexpected(user.error());
    if (!user) of.reason = "no_such_user";
    else if (!user->email) of.reason = "no_email";
    else if (!user->active) of.reason = "user_not_active";
    else of.to = user->email;
    co_return of.to;
}

task<result<void>> notification_service::deliver(std::string event_id, std::string channel) {
    auto claimed = co_await sender_.claim(std::move(event_id), std::move(channel));
    if (!claimed && claimed.error().code == being_sent) co_return result<void>{};
    if (!claimed) co_return std::unexpected(std::move(claimed).error());
    if (*claimed) STOA_CO_TRY_VOID(co_await sender_.send(**std::move(claimed)));
    co_return result<void>{};
}

// False: enough are on their way, or this one is already. The due time stands in the item: the
// sweep takes it up.
bool notification_service::reserve(const std::string& event_id, const std::string& channel) {
    return std::ssize(sending_) < settings_.in_flight && sending_.insert(event_id + channel).second;
}
void notification_service::release(const std::string& event_id, const std::string& channel) {
    sending_.erase(event_id + channel);
}

bool notification_service::wake(std::string event_id, std::string channel) {
    if (!reserve(event_id, channel)) return false;
    ports_.background.spawn("notify", [this, e = std::move(event_id), c = std::move(channel)] {
        return deliver_in_background(e, c);
    });
    return true;
}

task<> notification_service::deliver_in_background(std::string event_id, std::string channel) {
    const auto done = co_await deliver(event_id, channel);
    end_background(event_id, channel, done ? nullptr : &done.error());
}

void notification_service::send_in_background(notification_record claimed) {
    ports_.background.spawn("notify", [this, c = std::move(claimed)] { return send_claimed(c); });
}

task<> notification_service::send_claimed(notification_record claimed) {
    const auto done = co_await sender_.send(claimed);
    end_background(claimed.event_id, claimed.channel, done ? nullptr : &done.error());
}

void notification_service::end_background(const std::string& event_id, const std::string& channel,
                                          const error* why) {
    release(event_id, channel);
    if (why)
        log_warning("notification_not_remembered", {{"event_id", event_id}, {"code", why->code}});
}

task<result<int>> notification_service::sweep(lane share) {
    int woken = 0;
    for (int shard = share.index; shard < due_shards; shard += share.of) {
        STOA_CO_TRY(auto keys, co_await store_.due(shard, ports_.time.now(), settings_.in_flight));
        for (auto& each : keys) woken += wake(std::move(each.event_id), std::move(each.channel));
    }
    co_return woken;
}

// --- what operators ask ----------

notification notification_service::shown(const notification_record& of) {
    notification out = of;
    if (of.secret) out.body.reset();
    return out;
}

task<result<notification_list>> notification_service::list_notifications(
    request_context, list_notifications_request wanted) {
    problems wrong;
    notification_store::filter what{.order_id = wanted.order_id};
    if (wanted.status && !(what.status = read_word<notification_status>(*wanted.status)))
        wrong.push_back({"status", "not_one_of", {}, {}});
    std::optional<position> after;
    if (wanted.cursor && !(after = read_cursor(*wanted.cursor)))
        wrong.push_back({"cursor", "format", "use a next_cursor as a list gave it", {}});
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    const int limit = wanted.limit.value_or(20);
    STOA_CO_TRY(const auto found, co_await store_.list(std::move(what), std::move(after), limit));
    notification_list out;
    for (const auto& each : found) out.notifications.push_back(shown(each));
    if (std::ssize(found) == limit)
        out.next_cursor = write_cursor(
            {rfc3339(found.back().created_at), found.back().event_id, found.back().channel});
    co_return out;
}

task<result<notification_list>> notification_service::get_notification(
    request_context, get_notification_request wanted) {
    STOA_CO_TRY(const auto found, co_await store_.of_event(std::move(wanted.event_id)));
    if (found.empty()) co_return fail(no_such_notification());
    notification_list out;
    for (const auto& each : found) out.notifications.push_back(shown(each));
    co_return out;
}

task<result<notification_list>> notification_service::resend(request_context,
                                                             get_notification_request wanted) {
    STOA_CO_TRY(const auto found, co_await store_.of_event(std::move(wanted.event_id)));
    if (found.empty()) co_return fail(no_such_notification());
    notification_list out;
    for (const auto& before : found) {
        if (!before.body)
            co_return fail(errc::conflict, "secret_not_kept",
                           "the message carried a secret and was not kept; ask for a new one");
        auto after = before;
        // A second copy of what was sent needs an id of its own, or the outside drops it as seen.
        if (before.status == notification_status::sent) ++after.copy;
        after.status = notification_status::pending;
        after.tries = 0;
        after.reason.reset();
        after.due_at = after.updated_at = ports_.time.now();
        write_set in;
        store_.replace(in, before, after);
        STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
        if (!outcome.committed())
            co_return fail({.kind = errc::conflict,
                            .code = "being_sent",
                            .detail = "the message is just being sent; look at it again",
                            .retry_after_s = 1});
        (void)wake(after.event_id, after.channel);
        out.notifications.push_back(shown(after));
    }
    co_return out;
}

task<result<std::string>> notification_service::invoice(request_context context,
                                                        std::string order_id) {
    STOA_CO_TRY(const auto order,
                co_await ports_.orders.get_order(std::move(context), {.id = std::move(order_id)}));
    auto text = co_await ports_.documents.get(std::string(documents_bucket), invoice_key(order.id));
    if (!text && text.error().kind == errc::not_found)
        co_return fail(errc::not_found, "invoice_not_found",
                       "an order has its invoice once it is paid");
    co_return text;
}

}  // namespace stoa::notifications
