// Who runs the shop: roles that operators give, and the account that the program itself makes.
#include "base/ids.hpp"
#include "runtime/log.hpp"
#include "services/user/user_service.hpp"

namespace stoa::users {
namespace {

std::unexpected<error> account_ended() {
    return fail(errc::conflict, "account_ended", "the account of this user was ended");
}

}  // namespace

result<void> check_role_change(const request_context& context, const update_user_request& wanted) {
    if (!wanted.role) return {};
    if (!context.caller.runs_the_shop())
        return fail(invalid_request({{"role", "not_settable", {}, {}}}));
    // A key with scopes must not make an account that needs none.
    if (!context.caller.scopes.empty())
        return fail(errc::forbidden, "session_needed", "sign in with a password to do this");
    if (wanted.id == context.caller.user_id)
        return fail(errc::conflict, "own_role", "another operator must change your role");
    return {};
}

result<std::optional<timestamp>> give_role(transaction& t, const request_context& context,
                                           user& who, account_role wanted, timestamp now) {
    // Two operators who demote each other at once: the second is none any more, so one stays.
    if (const auto& by = context.caller.user_id; !by.empty()) {
        const auto giver = store::find(t, by);
        if (!giver || !giver->active || giver->role != account_role::admin)
            return fail(errc::forbidden, "not_an_operator", "your own role was changed meanwhile");
    }
    if (!who.active) return account_ended();
    if (who.role == account_role::guest)
        return fail(errc::conflict, "guest_account",
                    "a guest signs in with nothing: it gets a role by registering");
    if (who.role == wanted) return std::nullopt;
    const auto known = store::find_credentials(t, who.id);
    if (!known) return fail(no_such_user());
    const auto valid_after = next_valid_after(*known, now);
    store::set_role(t, who, wanted, valid_after, now);
    who.role = wanted;
    ++who.version;
    return valid_after;
}

task<result<new_operator>> user_service::make_operator(make_operator_request wanted,
                                                       std::string offered) {
    auto wrong = rule_problems(wanted);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    STOA_CO_TRY(auto hash, co_await ports_.passwords.hash(std::move(offered)));
    const auto now = ports_.time.now();
    user fresh{.id = new_id(ports_.time, ports_.random),
               .email = wanted.email,
               .first_name = "Shop",
               .last_name = "Operator",
               .role = account_role::admin,
               .email_verified = true,
               .created_at = now,
               .updated_at = now};
    struct outcome {
        new_operator made;
        std::optional<timestamp> valid_after;  // the sessions end
    };
    auto write = [=, hash = std::move(hash)](transaction& t) -> result<outcome> {
        const auto known = store::find_credentials_by_email(t, wanted.email);
        if (!known) {
            // The account is born verified, and would take a stranger's orders with the address.
            if (store::is_guest_address(t, wanted.email))
                return fail(errc::conflict, "guest_address",
                            "only a guest has given this address: register it as an account "
                            "first, or take another");
            if (!store::insert(t, fresh, hash)) return fail(email_taken());
            return outcome{{.account = fresh, .created = true, .password_set = true}, {}};
        }
        auto who = store::find(t, known->id);
        if (!who) return fail(no_such_user());
        STOA_TRY(auto valid_after, give_role(t, {}, *who, account_role::admin, now));
        const bool changed = valid_after.has_value();
        if (!known->password_hash) {
            valid_after = next_valid_after(*known, now);
            store::set_password(t, who->id, hash, *valid_after, now);
            ++who->version;
        }
        // What was mailed to a customer must not open an operator's account.
        if (changed) store::drop_resets_of_user(t, who->id);
        return outcome{
            {.account = *std::move(who), .changed = changed, .password_set = !known->password_hash},
            valid_after};
    };
    STOA_CO_TRY(auto done, co_await ports_.db.commit(std::move(write)));
    const auto& id = done.made.account.id;
    if (done.made.created || done.made.changed) log_info("operator_made", {{"user_id", id}});
    if (done.valid_after) STOA_CO_TRY_VOID(co_await end_sessions(id, *done.valid_after, {}));
    co_return std::move(done.made);
}

}  // namespace stoa::users
