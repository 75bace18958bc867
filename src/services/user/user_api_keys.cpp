// Keys for programs. A key is an operator's doing with narrower rights; it cannot make or end keys
// itself.
#include "base/ids.hpp"
#include "runtime/log.hpp"
#include "services/user/user_service.hpp"

#include <algorithm>
#include <array>

namespace stoa::users {
namespace {

constexpr int most_keys_listed = 1'000;

// What a key can be allowed: the services and the special routes that ask for more than anyone may,
// by the words that the router asks a key for. A test asks every operation.
constexpr auto scopes = std::to_array<std::string_view>(
    {"analytics:read",    "audit:write",        "carts:read",          "carts:write",
     "dead-letters:read", "dead-letters:write", "gateway:read",        "imports:read",
     "log:read",          "notifications:read", "notifications:write", "orders:read",
     "orders:write",      "payments:read",      "payments:write",      "products:read",
     "products:write",    "readiness:read",     "users:read",          "users:write"});

bool is_scope(std::string_view text) { return std::ranges::find(scopes, text) != scopes.end(); }

std::string every_scope() {
    std::string out = "one of ";
    for (const auto each : scopes) (out += each == scopes.front() ? "" : ", ") += each;
    return out;
}

result<void> check_operator_session(const request_context& context) {
    if (context.caller.is == role::operator_ && !context.caller.session_id.empty()) return {};
    return fail(errc::forbidden, "session_needed",
                "an operator must sign in with a password to do this");
}

}  // namespace

task<result<new_api_key>> user_service::create_api_key(request_context context,
                                                       create_api_key_request wanted) {
    STOA_CO_TRY_VOID(check_operator_session(context));
    problems wrong;
    check_text(wrong, "name", wanted.name);
    for (std::size_t i = 0; i < wanted.scopes.size(); ++i)
        if (!is_scope(wanted.scopes[i]))
            wrong.push_back({"scopes[" + std::to_string(i) + ']', "not_one_of", every_scope(), {}});
    if (wanted.scopes.empty()) wrong.push_back({"scopes", "too_short", "at least 1 elements", {}});
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    std::ranges::sort(wanted.scopes);
    const auto twice = std::ranges::unique(wanted.scopes);
    wanted.scopes.erase(twice.begin(), twice.end());

    const api_key fresh{new_id(ports_.time, ports_.random), std::move(wanted.name),
                        std::move(wanted.scopes), context.caller.user_id, ports_.time.now()};
    const auto key = "stoa_" + secret();
    auto write = [fresh,
                  digest = ports_.tokens.digest("api-key|" + key)](transaction& t) -> result<bool> {
        store::insert_key(t, fresh, digest);
        return true;
    };
    STOA_CO_TRY(const bool made, co_await ports_.db.commit(std::move(write)));
    (void)made;
    log_info("api_key_made", {{"key_id", fresh.id}, {"by", fresh.created_by}});
    co_return new_api_key{fresh.id, fresh.name, fresh.scopes, key, fresh.created_at};
}

task<result<api_key_list>> user_service::list_api_keys(request_context, list_api_keys_request) {
    auto read = [](transaction& t) -> result<api_key_list> {
        return api_key_list{store::list_keys(t, most_keys_listed)};
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<nothing>> user_service::delete_api_key(request_context context,
                                                   delete_api_key_request wanted) {
    STOA_CO_TRY_VOID(check_operator_session(context));
    const auto absent = [] {
        return fail(errc::not_found, "api_key_not_found", "there is no such API key");
    };
    if (!is_uuid(wanted.id)) co_return absent();
    auto write = [id = wanted.id](transaction& t) -> result<bool> {
        return store::delete_key(t, id);
    };
    STOA_CO_TRY(const bool deleted, co_await ports_.db.commit(std::move(write)));
    if (!deleted) co_return absent();
    log_info("api_key_deleted", {{"key_id", wanted.id}, {"by", context.caller.user_id}});
    co_return nothing{};
}

}  // namespace stoa::users
