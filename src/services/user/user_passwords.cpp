// Changing a password, and getting back in without one.
#include "base/json.hpp"
#include "runtime/log.hpp"
#include "services/user/password_policy.hpp"
#include "services/user/user_events.hpp"
#include "services/user/user_service.hpp"

#include <algorithm>

namespace stoa::users {
namespace {

std::unexpected<error> bad_reset_token() {
    return fail(errc::invalid, "invalid_reset_token",
                "the token is wrong, was used or is too old: ask for another");
}

}  // namespace

timestamp next_valid_after(const store::credentials& known, timestamp now) {
    return std::max(now, known.tokens_valid_after + microseconds(1));
}

task<result<store::credentials>> user_service::credentials_of(request_context context) {
    if (context.caller.session_id.empty())
        co_return fail(errc::forbidden, "session_needed", "sign in with a password to do this");
    auto read = [id = context.caller.user_id](transaction& t) -> result<store::credentials> {
        if (auto found = store::find_credentials(t, id)) return *std::move(found);
        return fail(no_such_user());
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<nothing>> user_service::change_password(request_context context,
                                                    change_password_request wanted) {
    STOA_CO_TRY(const auto known, co_await credentials_of(context));
    if (!known.email || !known.password_hash)
        co_return fail(errc::conflict, "no_password",
                       "this account has no password: register, or reset it");
    problems wrong;
    check_password(wrong, "new_password", wanted.new_password, *known.email);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    STOA_CO_TRY_VOID(co_await prove_password(
        *known.email, context.address, std::move(wanted.current_password), known.password_hash));
    STOA_CO_TRY(auto hash, co_await ports_.passwords.hash(std::move(wanted.new_password)));
    const auto now = ports_.time.now();
    const auto valid_after = next_valid_after(known, now);
    auto write = [=, hash = std::move(hash)](transaction& t) -> result<bool> {
        const auto still = store::find_credentials(t, known.id);
        if (!still || still->password_hash != known.password_hash)
            return fail(errc::conflict, "password_changed", "the password was changed meanwhile");
        store::set_password(t, known.id, hash, valid_after, now);
        store::drop_resets_of_user(t, known.id);
        return true;
    };
    STOA_CO_TRY(const bool changed, co_await ports_.db.commit(std::move(write)));
    (void)changed;
    // Should this fail, the other sessions end with their next refresh, which compares with
    // tokens_valid_after.
    STOA_CO_TRY_VOID(co_await end_sessions(known.id, valid_after, context.caller.session_id));
    log_info("password_changed", {{"user_id", known.id}});
    co_return nothing{};
}

task<result<reset_accepted>> user_service::request_password_reset(request_context context,
                                                                  reset_request wanted) {
    const auto now = ports_.time.now();
    const auto token = secret();
    const auto digest = ports_.tokens.digest("reset|" + token);
    const auto event_id = new_id(ports_.time, ports_.random);
    const auto expires_at = now + settings_.reset_for;
    const auto most = settings_.resets_an_hour;
    auto write = [=, trace = context.traceparent](transaction& t) -> result<bool> {
        const auto known = store::find_credentials_by_email(t, wanted.email);
        const bool exists = known && known->active;
        // A row for unknown addresses, too: the answer must not come sooner for them.
        const auto recent = store::add_reset(t, digest, wanted.email,
                                             exists ? std::optional(known->id) : std::nullopt, now,
                                             expires_at, now - hours(1));
        if (!exists || recent >= most) return true;
        const password_reset_requested told{known->id, *known->email, token, expires_at};
        t.publish({.topic = std::string(topic::notifications),
                   .key = known->id,
                   .id = event_id,
                   .type = "password.reset_requested",
                   .version = now.micros,
                   .occurred_at = now,
                   .traceparent = trace,
                   .payload = to_json(told)});
        return true;
    };
    STOA_CO_TRY(const bool written, co_await ports_.db.commit(std::move(write)));
    (void)written;
    co_return reset_accepted{"if the address has an account, a message is on its way to it"};
}

task<result<nothing>> user_service::reset_password(request_context, reset_password_request wanted) {
    const auto digest = ports_.tokens.digest("reset|" + wanted.token);
    auto read = [digest, now = ports_.time.now()](transaction& t) -> result<store::credentials> {
        const auto row = store::find_reset(t, digest, now);
        auto known = row ? store::find_credentials(t, *row->user_id) : std::nullopt;
        if (!known || !known->active) return bad_reset_token();
        return *std::move(known);
    };
    STOA_CO_TRY(const auto known, co_await ports_.db.read(std::move(read)));
    problems wrong;
    check_password(wrong, "new_password", wanted.new_password, known.email.value_or(""));
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    STOA_CO_TRY(auto hash, co_await ports_.passwords.hash(std::move(wanted.new_password)));
    const auto now = ports_.time.now();
    const auto valid_after = next_valid_after(known, now);
    auto write = [=, hash = std::move(hash)](transaction& t) -> result<bool> {
        const auto row = store::find_reset(t, digest, now);
        auto who = row ? store::find(t, known.id) : std::nullopt;
        if (!who || !who->active) return bad_reset_token();
        // All tokens of the address: an older mail must not undo this.
        store::drop_resets_of_email(t, row->email_key);
        store::set_password(t, known.id, hash, valid_after, now);
        who->email_verified = true;  // the token came by mail
        who->updated_at = now;
        store::update(t, *who);
        store::claim_guests_of_address(t, *who, now);
        return true;
    };
    STOA_CO_TRY(const bool changed, co_await ports_.db.commit(std::move(write)));
    (void)changed;
    STOA_CO_TRY_VOID(co_await end_sessions(known.id, valid_after, {}));
    log_info("password_reset", {{"user_id", known.id}});
    co_await adopt_now(known.id);
    co_return nothing{};
}

}  // namespace stoa::users
