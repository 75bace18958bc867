#include "services/user/user_remote.hpp"

#include "base/ids.hpp"

namespace stoa::users {
namespace {

constexpr std::size_t most_known = 10'000;

constexpr operation table[] = {
    serve<&user_rpcs::authenticate>(verb::post, "", "Authenticate")
        .allows(who::services)
        .keeps_secrets()
        .says("The user behind a token, or behind an address and its password."),
    serve<&user_rpcs::resolve_credential>(verb::post, "", "ResolveCredential")
        .allows(who::services)
        .keeps_secrets()
        .says("Who a bearer token or an API key stands for."),
};

}  // namespace

service rpcs_of(user_rpcs& implementation) { return {"users", table, &implementation}; }

task<result<user>> user_rpcs::authenticate(request_context context, auth_request wanted) {
    context.caller = {.is = role::service};
    if (wanted.token) {
        STOA_CO_TRY(auto who_calls, co_await users_.authenticate(*std::move(wanted.token)));
        if (who_calls.user_id.empty())
            co_return fail(errc::unauthenticated, "not_a_user", "an API key is nobody's");
        co_return co_await users_.get_user(std::move(context), {std::move(who_calls.user_id)});
    }
    if (!wanted.email || !wanted.password)
        co_return fail(invalid_request(
            {{"token", "required", "give a token, or an e-mail address and its password", {}}}));
    co_return co_await users_.verify_password(std::move(context), *std::move(wanted.email),
                                              *std::move(wanted.password));
}

task<result<principal>> user_rpcs::resolve_credential(request_context, credential_request wanted) {
    co_return co_await users_.authenticate(std::move(wanted.credential));
}

task<result<user>> remote_directory::get_user(request_context context, get_user_request wanted) {
    co_return co_await ports_.users.ask<user>("GetUser", std::move(context), std::move(wanted));
}

task<result<principal>> remote_directory::authenticate(std::string bearer_or_key) {
    // Kept under the credential itself: it is in this process' memory anyway, and a digest would
    // cost more than the look-up.
    const auto now = ports_.time.ticks();
    if (const auto found = known_.find(bearer_or_key); found != known_.end()) {
        if (now < found->second.until) co_return found->second.who;
        known_.erase(found);
    }
    request_context context;
    context.caller = {.is = role::service};
    context.deadline = now + seconds(10);
    STOA_CO_TRY(auto told, co_await ports_.users.ask<principal>("ResolveCredential", context,
                                                                credential_request{bearer_or_key}));
    if (known_.size() >= most_known) known_.clear();
    known_.insert_or_assign(std::move(bearer_or_key), known{told, now + believed_});
    co_return told;
}

}  // namespace stoa::users
