// Who somebody is: registration, login, sessions and their tokens.
#include "base/ids.hpp"
#include "runtime/log.hpp"
#include "services/user/password_policy.hpp"
#include "services/user/user_service.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::users {
namespace {

constexpr std::string_view key_prefix = "stoa_";

std::unexpected<error> not_signed_in() {
    return fail(errc::unauthenticated, "invalid_token",
                "sign in: the token is not valid, or its session ended");
}
std::unexpected<error> bad_refresh_token() {
    return fail(errc::unauthenticated, "invalid_refresh_token", "sign in again");
}

// Of a wrong password, an unknown, an inactive and a password-less account: always this one.
std::unexpected<error> bad_credentials() {
    return fail(errc::unauthenticated, "invalid_credentials",
                "the e-mail address or the password is wrong");
}

// In a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^
                                            static_cast<unsigned char>(b[i]));
    return difference == 0;
}

struct refresh_parts {
    std::string session_id;
    std::int64_t generation = 0;
};
// <session>.<generation>.<mac>; whether the mac is right is for the caller.
std::optional<refresh_parts> split(std::string_view token) {
    const auto first = token.find('.');
    if (first == token.npos || !is_uuid(token.substr(0, first))) return {};
    const auto second = token.find('.', first + 1);
    if (second == token.npos) return {};
    const auto digits = token.substr(first + 1, second - first - 1);
    refresh_parts out{.session_id = std::string(token.substr(0, first))};
    const auto [end, wrong] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.generation);
    if (wrong != std::errc{} || end != digits.data() + digits.size() || out.generation < 0)
        return {};
    return out;
}

}  // namespace

// --- tokens
// ----------------------------------------------------------------------------------------------

std::string user_service::secret() {
    // 256 bits.
    std::string out;
    for (int i = 0; i < 4; ++i) {
        auto n = ports_.random.next();
        for (int digit = 0; digit < 16; ++digit, n >>= 4) out += "0123456789abcdef"[n & 15];
    }
    return out;
}

// The mac makes a token that was used before tell-tale and a guessed one harmless, with nothing
// secret stored.
std::string user_service::refresh_token(const session_record& session, std::int64_t generation) {
    const auto body = session.session_id + '.' + std::to_string(generation);
    return body + '.' + ports_.tokens.digest("refresh|" + session.user_id + '|' + body);
}

signed_in user_service::answer_of(const user& who, const session_record& session) {
    const auto now = ports_.time.now();
    return {.id = who.id,
            .email = who.email,
            .first_name = who.first_name,
            .last_name = who.last_name,
            .role = who.role,
            .token = ports_.tokens.sign({.user_id = who.id,
                                         .session_id = session.session_id,
                                         .is = role_of(who.role),
                                         .issued_at = now,
                                         .expires_at = now + settings_.access_for}),
            .refresh_token = refresh_token(session, session.generation),
            .expires_in = settings_.access_for.count()};
}

task<result<signed_in>> user_service::open_session(user who, timestamp authenticated_at) {
    const session_record fresh{.session_id = new_id(ports_.time, ports_.random),
                               .user_id = who.id,
                               .role = who.role,
                               .authenticated_at = authenticated_at,
                               .expires_at = (ports_.time.now() + settings_.refresh_for).unix_s()};
    STOA_CO_TRY_VOID(co_await sessions_.start(fresh));
    co_return answer_of(who, fresh);
}

task<result<void>> user_service::end_sessions(std::string user_id, timestamp valid_after,
                                              std::string kept) {
    return sessions_.end_all(std::move(user_id), valid_after, std::move(kept),
                             (ports_.time.now() + settings_.refresh_for).unix_s());
}

task<result<principal>> user_service::authenticate(std::string bearer_or_key) {
    if (bearer_or_key.starts_with(key_prefix))
        co_return co_await authenticate_key(std::move(bearer_or_key));
    const auto claims = ports_.tokens.verify(bearer_or_key, ports_.time.now());
    if (!claims) {
        log_debug("token_refused", {{"why", claims.error().detail}});
        co_return not_signed_in();
    }
    STOA_CO_TRY(auto session, co_await sessions_.find(claims->session_id));
    if (!session || session->user_id != claims->user_id) co_return not_signed_in();
    // The row's role and not the token's: what has changed since counts.
    co_return principal{.is = role_of(session->role),
                        .user_id = std::move(session->user_id),
                        .session_id = std::move(session->session_id)};
}

task<result<principal>> user_service::authenticate_key(std::string key) {
    auto read = [digest = ports_.tokens.digest("api-key|" + key)](transaction& t) {
        return result<std::optional<api_key>>(store::find_key(t, digest));
    };
    STOA_CO_TRY(auto found, co_await ports_.db.read(std::move(read)));
    if (!found || found->scopes.empty()) co_return not_signed_in();
    // Without a user id: a key is nobody, and must not change the profile of who made it.
    co_return principal{
        .is = role::operator_, .key_id = std::move(found->id), .scopes = std::move(found->scopes)};
}

namespace {
auto find_user(std::string id) {
    return [id = std::move(id)](transaction& t) -> result<user> {
        if (auto found = store::find(t, id)) return *std::move(found);
        return fail(no_such_user());
    };
}
}  // namespace

task<result<signed_in>> user_service::refresh(request_context, refresh_request wanted) {
    const auto parts = split(wanted.refresh_token);
    if (!parts) co_return bad_refresh_token();
    STOA_CO_TRY(auto session, co_await sessions_.find(parts->session_id));
    if (!session || !same_secret(wanted.refresh_token, refresh_token(*session, parts->generation)))
        co_return bad_refresh_token();
    // From here on the token is one of ours.
    auto read =
        [id = session->user_id](transaction& t) -> result<std::optional<store::credentials>> {
        return store::find_credentials(t, id);
    };
    STOA_CO_TRY(const auto known, co_await ports_.db.read(std::move(read)));
    const bool reused = parts->generation != session->generation;
    const bool over =
        !known || !known->active || session->authenticated_at < known->tokens_valid_after;
    bool rotated = false;
    if (!reused && !over) {
        session->role = known->role;
        const auto expires_at = (ports_.time.now() + settings_.refresh_for).unix_s();
        STOA_CO_TRY(rotated, co_await sessions_.rotate(*session, expires_at));
    }
    if (!rotated && !over) {
        // The answer was lost on its way, or two tabs asked at once: the same tokens again.
        STOA_CO_TRY(const auto now_stands, co_await sessions_.find(session->session_id));
        if (now_stands && parts->generation + 1 == now_stands->generation &&
            now_stands->rotated_at &&
            ports_.time.now() < *now_stands->rotated_at + settings_.refresh_again_within) {
            session = now_stands;
            STOA_CO_TRY(const auto who, co_await ports_.db.read(find_user(session->user_id)));
            co_return answer_of(who, *session);
        }
    }
    if (!rotated) {
        // Two hold the token, and which of them is the thief cannot be known: both sign in again.
        if (!over) log_warning("refresh_token_reused", {{"session_id", session->session_id}});
        STOA_CO_TRY_VOID(co_await sessions_.end(session->session_id));
        co_return bad_refresh_token();
    }
    ++session->generation;
    STOA_CO_TRY(const auto who, co_await ports_.db.read(find_user(session->user_id)));
    co_return answer_of(who, *session);
}

task<result<nothing>> user_service::logout(request_context context, logout_request) {
    if (context.caller.session_id.empty())
        co_return fail(errc::forbidden, "session_needed",
                       "only a session can be ended: sign in with a password");
    STOA_CO_TRY_VOID(co_await sessions_.end(context.caller.session_id));
    co_return nothing{};
}

// --- registration
// ----------------------------------------------------------------------------------------

task<result<signed_in>> user_service::create_guest(request_context, guest_request wanted) {
    const auto now = ports_.time.now();
    const user fresh{.id = new_id(ports_.time, ports_.random),
                     .email = std::move(wanted.email),
                     .created_at = now,
                     .updated_at = now};
    auto write = [fresh](transaction& t) -> result<bool> { return store::insert(t, fresh, {}); };
    STOA_CO_TRY(const bool made, co_await ports_.db.commit(std::move(write)));
    if (!made)
        co_return fail(errc::internal, "guest_not_made",
                       "a guest's address is not one that could be taken");
    co_return co_await open_session(fresh, now);
}

task<result<signed_in>> user_service::register_user(request_context context,
                                                    register_request wanted) {
    problems wrong;
    check_text(wrong, "first_name", wanted.first_name);
    check_text(wrong, "last_name", wanted.last_name);
    check_text(wrong, "phone", wanted.phone);
    check_password(wrong, "password", wanted.password, wanted.email);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    // Before the hash, which costs a thousand times more.
    auto look = [email = wanted.email](transaction& t) -> result<bool> {
        return store::email_is_taken(t, email);
    };
    STOA_CO_TRY(const bool taken, co_await ports_.db.read(std::move(look)));
    if (taken) co_return fail(email_taken());
    STOA_CO_TRY(auto hash, co_await ports_.passwords.hash(std::move(wanted.password)));

    const auto now = ports_.time.now();
    const user fresh{.id = new_id(ports_.time, ports_.random),
                     .email = std::move(wanted.email),
                     .first_name = std::move(wanted.first_name),
                     .last_name = std::move(wanted.last_name),
                     .phone = std::move(wanted.phone),
                     .role = account_role::customer,
                     .created_at = now,
                     .updated_at = now};
    const auto guest_id = context.caller.is == role::guest ? context.caller.user_id : std::string{};
    auto write = [fresh, guest_id, hash = std::move(hash),
                  mail = new_verification(context)](transaction& t) -> result<user> {
        if (!guest_id.empty() && !store::email_is_taken(t, *fresh.email)) {
            // The record itself becomes the customer's: cart and orders stay where they are.
            auto same = fresh;
            same.id = guest_id;
            if (store::upgrade_guest(t, same, hash)) {
                send_verification(t, same, mail);
                return *store::find(t, guest_id);
            }
        }
        if (!store::insert(t, fresh, hash)) return fail(email_taken());
        send_verification(t, fresh, mail);
        return fresh;
    };
    STOA_CO_TRY(auto made, co_await ports_.db.commit(std::move(write)));
    const auto id = made.id;
    if (id == guest_id) STOA_CO_TRY_VOID(co_await end_sessions(guest_id, now, {}));
    STOA_CO_TRY(auto answer, co_await open_session(std::move(made), now));
    if (!guest_id.empty() && id != guest_id) co_await merge_guest(context.caller, id);
    co_return answer;
}

// --- login
// -----------------------------------------------------------------------------------------------

login_throttle::names user_service::throttle_names(const std::string& email,
                                                   const std::string& address) {
    const auto key = lower_case(email);
    return {ports_.tokens.digest("account|" + key),
            ports_.tokens.digest("pair|" + key + '|' + address)};
}

task<result<void>> user_service::prove_password(std::string email, std::string address,
                                                std::string password,
                                                std::optional<std::string> hash) {
    const auto names = throttle_names(email, address);
    STOA_CO_TRY_VOID(co_await throttle_.reserve(names));
    // An empty hash takes as long as a real one and is never right.
    STOA_CO_TRY(const bool right,
                co_await ports_.passwords.verify(std::move(password), hash.value_or("")));
    if (!right || !hash) co_return bad_credentials();
    co_return co_await throttle_.succeeded(names);
}

task<void> user_service::rehash(std::string id, std::string password, std::string before) {
    auto fresh = co_await ports_.passwords.hash(std::move(password));
    if (fresh) {
        auto write = [=, after = *fresh](transaction& t) -> result<bool> {
            return store::replace_hash(t, id, before, after);
        };
        auto done = co_await ports_.db.commit(std::move(write));
        if (done) co_return;
        fresh = std::unexpected(done.error());
    }
    // The login goes on; the next one tries again.
    log_warning("password_not_rehashed", {{"user_id", id}, {"code", fresh.error().code}});
}

task<void> user_service::merge_guest(principal guest, std::string user_id) {
    result<void> done;
    if (merge_) done = co_await merge_(guest.user_id, user_id);
    if (done) {
        const auto now = ports_.time.now();
        auto write = [id = guest.user_id, user_id, now](transaction& t) -> result<bool> {
            const auto before = store::find(t, id);
            const auto heir = store::find(t, user_id);
            // A guest that registered meanwhile is an account of its own.
            if (!before || !heir || before->role != account_role::guest) return false;
            store::claim_guest(t, id, *heir, now);
            (void)store::deactivate(t, id, now);  // false: a repeat
            return true;
        };
        auto ended = co_await ports_.db.commit(std::move(write));
        if (!ended) done = std::unexpected(ended.error());
        else if (*ended) done = co_await end_sessions(guest.user_id, now, {});
    }
    // What the guest has stays the guest's, whose token still works: the next login with it tries
    // again.
    if (!done)
        log_error("guest_not_merged",
                  {{"guest_id", guest.user_id}, {"user_id", user_id}, {"code", done.error().code}});
    else co_await adopt_now(std::move(user_id));
}

task<result<user_service::proven>> user_service::prove(request_context context, std::string email,
                                                       std::string password) {
    struct account {
        std::optional<store::credentials> proof;
        std::optional<user> profile;
    };
    auto read = [email](transaction& t) -> result<account> {
        account out{.proof = store::find_credentials_by_email(t, email)};
        if (out.proof) out.profile = store::find(t, out.proof->id);
        return out;
    };
    STOA_CO_TRY(auto known, co_await ports_.db.read(std::move(read)));
    const bool may = known.proof && known.proof->active && known.proof->password_hash;
    auto hash = may ? known.proof->password_hash : std::nullopt;
    STOA_CO_TRY_VOID(co_await prove_password(email, context.address, password, hash));
    if (ports_.passwords.needs_rehash(*hash))
        co_await rehash(known.proof->id, std::move(password), *hash);
    co_return proven{*std::move(known.profile), known.proof->tokens_valid_after};
}

task<result<user>> user_service::verify_password(request_context context, std::string email,
                                                 std::string password) {
    STOA_CO_TRY(auto known,
                co_await prove(std::move(context), std::move(email), std::move(password)));
    co_return std::move(known.who);
}

task<result<signed_in>> user_service::login(request_context context, login_request wanted) {
    const auto began = ports_.time.now();
    STOA_CO_TRY(const auto known,
                co_await prove(context, std::move(wanted.email), std::move(wanted.password)));
    // At least what the row said when the hash was read: a clock that was set back must lock nobody
    // out.
    const auto authenticated_at = std::max(began, known.tokens_valid_after);
    STOA_CO_TRY(auto answer, co_await open_session(known.who, authenticated_at));
    if (context.caller.is == role::guest && context.caller.user_id != answer.id)
        co_await merge_guest(context.caller, answer.id);
    co_return answer;
}

}  // namespace stoa::users
