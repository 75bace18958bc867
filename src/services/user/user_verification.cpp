// Who reads the mail of an address, and what follows from it: the orders that guests placed with
// that address become the account's. A token works only for who is signed in as the account it was
// made for; else a stranger could register with somebody's address, have the owner click on the
// mail, and receive the owner's orders.
#include "base/ids.hpp"
#include "base/json.hpp"
#include "runtime/log.hpp"
#include "services/user/password_policy.hpp"
#include "services/user/user_events.hpp"
#include "services/user/user_service.hpp"

namespace stoa::users {
namespace {

constexpr int claims_a_round = 20;

std::unexpected<error> bad_verification_token() {
    return fail(errc::invalid, "invalid_verification_token",
                "the token is wrong, was used, is too old or is another account's: sign in as the "
                "account that it was sent to, or ask for another");
}

}  // namespace

// --- tokens
// ----------------------------------------------------------------------------------------------

verification_mail user_service::new_verification(const request_context& context) {
    const auto now = ports_.time.now();
    auto token = secret();
    auto digest = ports_.tokens.digest("verification|" + token);
    return {.token = std::move(token),
            .digest = std::move(digest),
            .event_id = new_id(ports_.time, ports_.random),
            .traceparent = context.traceparent,
            .now = now,
            .expires_at = now + settings_.verification_for,
            .most_an_hour = settings_.verifications_an_hour};
}

void send_verification(transaction& t, const user& to, const verification_mail& mail) {
    const auto recent = store::count_verifications(t, to.id, *to.email, mail.now - hours(1));
    if (recent >= mail.most_an_hour) return;
    store::add_verification(t, mail.digest, to.id, *to.email, mail.now, mail.expires_at);
    const email_verification_requested told{to.id, *to.email, mail.token, mail.expires_at};
    t.publish({.topic = std::string(topic::notifications),
               .key = to.id,
               .id = mail.event_id,
               .type = "email.verification_requested",
               .version = mail.now.micros,
               .occurred_at = mail.now,
               .traceparent = mail.traceparent,
               .payload = to_json(told)});
}

task<result<verification_accepted>> user_service::request_email_verification(
    request_context context, request_verification_request) {
    STOA_CO_TRY(const auto known, co_await credentials_of(context));
    auto write = [id = known.id, mail = new_verification(context)](transaction& t) -> result<bool> {
        const auto who = store::find(t, id);
        if (who && who->active && who->email) send_verification(t, *who, mail);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(write)));
    co_return verification_accepted{"a message is on its way to the account's address"};
}

task<result<nothing>> user_service::verify_email(request_context context,
                                                 verify_email_request wanted) {
    const auto now = ports_.time.now();
    auto write = [id = context.caller.user_id, now,
                  digest = ports_.tokens.digest("verification|" + wanted.token)](
                     transaction& t) -> result<bool> {
        const auto row = store::find_verification(t, digest, now);
        auto who = row && row->user_id == id ? store::find(t, id) : std::nullopt;
        // The address may have changed since the message left.
        if (!who || !who->active || !who->email || lower_case(*who->email) != row->email_key)
            return bad_verification_token();
        store::drop_verifications(t, *row);
        who->email_verified = true;
        who->updated_at = now;
        store::update(t, *who);
        store::claim_guests_of_address(t, *who, now);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(write)));
    log_info("email_verified", {{"user_id", context.caller.user_id}});
    co_await adopt_now(context.caller.user_id);
    co_return nothing{};
}

// --- guests' orders
// --------------------------------------------------------------------------------------

// The claims stand, so whatever fails here the sweep goes on with.
task<void> user_service::adopt_now(std::string user_id) {
    const auto done = co_await work_claims(user_id, nullptr);
    if (!done)
        log_warning("guest_orders_later", {{"user_id", user_id}, {"code", done.error().code}});
}

task<result<int>> user_service::sweep() {
    // Forgetting makes claims wait longer, no more.
    constexpr std::size_t most_remembered = 100'000;
    if (swept_since_.size() > most_remembered) swept_since_.clear();
    return work_claims({}, &swept_since_);
}

task<result<int>> user_service::work_claims(std::optional<std::string> user_id,
                                            claims_since* since) {
    if (!adopt_) co_return 0;
    auto read = [user_id, now = ports_.time.now()](transaction& t) {
        return result<std::vector<store::claim>>(
            store::due_claims(t, user_id, now, claims_a_round));
    };
    STOA_CO_TRY(const auto due, co_await ports_.db.read(std::move(read)));
    for (const auto& each : due) STOA_CO_TRY_VOID(co_await work_claim(each, since));
    co_return static_cast<int>(due.size());
}

// One look at one guest. Done when a look that began a while after the claim found nothing: before,
// the index of orders may have been behind, or an order was still being placed. The while is by the
// sweeper's own monotonic clock, from when it first saw the claim: a wall clock that was set
// forward in between would make it nothing.
task<result<void>> user_service::work_claim(store::claim one, claims_since* since) {
    const auto began = ports_.time.now();
    const auto ticks = ports_.time.ticks();
    const auto name = one.guest_id + ' ' + one.user_id + ' ' + rfc3339(one.claimed_at);
    const bool late =
        since && ticks - since->try_emplace(name, ticks).first->second >= settings_.adopt_again;
    bool over = !one.heir_active;
    std::optional<timestamp> again;  // absent: waits for a verified address
    if (one.heir_active && one.heir_verified) {
        const auto look = co_await adopt_(one.guest_id, one.user_id);
        if (!look)
            log_warning("guest_orders_not_moved", {{"guest_id", one.guest_id},
                                                   {"user_id", one.user_id},
                                                   {"code", look.error().code}});
        const bool more = look && !look->complete && look->moved > 0;
        again = more ? began : ports_.time.now() + settings_.adopt_again;
        over = late && look && look->complete && look->moved == 0;
    }
    auto write = [one, over, again](transaction& t) -> result<bool> {
        if (over) store::drop_claim(t, one);
        else store::postpone_claim(t, one, again);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(write)));
    if (over && since) since->erase(name);
    co_return result<void>{};
}

}  // namespace stoa::users
