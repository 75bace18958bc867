#include "services/user/user_service.hpp"

#include "base/ids.hpp"
#include "runtime/log.hpp"
#include "services/user/password_policy.hpp"

#include <algorithm>

namespace stoa::users {
namespace {

account_role account_role_of(given_role given) {
    return given == given_role::admin ? account_role::admin : account_role::customer;
}

customer customer_of(const user& from) {
    auto name = from.name.value_or("");
    if (name.empty()) {
        name = from.first_name;
        if (!name.empty() && !from.last_name.empty()) name += ' ';
        name += from.last_name;
    }
    return {from.id,     std::move(name), from.email,      from.phone,  from.address,
            from.active, from.created_at, from.updated_at, from.version};
}

std::string write_cursor(const user& last) { return rfc3339(last.created_at) + '_' + last.id; }

std::optional<store::listing::place> read_cursor(std::string_view text) {
    const auto cut = text.find('_');
    if (cut == text.npos || !is_uuid(text.substr(cut + 1))) return {};
    const auto time = read_rfc3339(text.substr(0, cut));
    if (!time) return {};
    return store::listing::place{rfc3339(*time), std::string(text.substr(cut + 1))};
}

result<store::listing> listing_of(std::optional<account_role> role,
                                  std::optional<std::int32_t> skip,
                                  std::optional<std::int32_t> limit,
                                  const std::optional<std::string>& cursor) {
    store::listing what{.role = role, .skip = skip.value_or(0), .limit = limit.value_or(10)};
    if (cursor && !(what.after = read_cursor(*cursor)))
        return fail(
            invalid_request({{"cursor", "format", "use a next_cursor as a list gave it", {}}}));
    return what;
}

task<result<user_list>> read_list(sql& db, store::listing what) {
    auto read = [what](transaction& t) -> result<user_list> {
        return user_list{store::list(t, what), store::count(t, what.role), {}};
    };
    STOA_CO_TRY(auto out, co_await db.read(std::move(read)));
    if (std::ssize(out.users) == what.limit) out.next_cursor = write_cursor(out.users.back());
    co_return out;
}

}  // namespace

error no_such_user() {
    return {.kind = errc::not_found, .code = "user_not_found", .detail = "there is no such user"};
}
error email_taken() {
    return {.kind = errc::conflict,
            .code = "email_taken",
            .detail = "this e-mail address has an account: sign in, or reset the password"};
}

void check_text(problems& out, std::string_view where, std::optional<std::string_view> text) {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    if (text && std::ranges::any_of(*text, is_control))
        out.push_back({std::string(where), "format", "must not contain control characters", {}});
}
void check_password(problems& out, std::string_view where, std::string_view password,
                    std::string_view email) {
    if (const auto why = refuse_password(password, email))
        out.push_back({std::string(where), std::string(why->code), std::string(why->detail), {}});
}

result<void> check_if_match(const request_context& context, std::int64_t version) {
    if (context.matches(version)) return {};
    return fail(errc::precondition_failed, "version_differs",
                "the record was changed: its version is " + std::to_string(version));
}

user_service::user_service(needs ports, user_settings settings)
    : ports_(ports),
      settings_(settings),
      sessions_(ports.items, ports.time),
      throttle_(ports.items, ports.time) {}

// --- reading
// ---------------------------------------------------------------------------------------------

task<result<user>> user_service::get_user(request_context context, get_user_request wanted) {
    if (!context.caller.may_see(wanted.id) || !is_uuid(wanted.id)) co_return fail(no_such_user());
    auto read = [id = std::move(wanted.id)](transaction& t) -> result<user> {
        if (auto found = store::find(t, id)) return *std::move(found);
        return fail(no_such_user());
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<user>> user_service::get_me(request_context context, get_me_request) {
    auto id = context.caller.user_id;
    return get_user(std::move(context), {std::move(id)});
}

task<result<user_list>> user_service::list_users(request_context, list_users_request wanted) {
    STOA_CO_TRY(auto what, listing_of(wanted.role, wanted.skip, wanted.limit, wanted.cursor));
    co_return co_await read_list(ports_.db, std::move(what));
}

task<result<customer>> user_service::get_customer(request_context context,
                                                  get_customer_request wanted) {
    STOA_CO_TRY(const auto found, co_await get_user(std::move(context), {std::move(wanted.id)}));
    if (found.role != account_role::customer) co_return fail(no_such_user());
    co_return customer_of(found);
}

task<result<customer_list>> user_service::list_customers(request_context,
                                                         list_customers_request wanted) {
    STOA_CO_TRY(auto what,
                listing_of(account_role::customer, wanted.skip, wanted.limit, wanted.cursor));
    STOA_CO_TRY(auto found, co_await read_list(ports_.db, std::move(what)));
    customer_list out{.total = found.total, .next_cursor = std::move(found.next_cursor)};
    for (const auto& each : found.users) out.customers.push_back(customer_of(each));
    co_return out;
}

// --- creating
// --------------------------------------------------------------------------------------------

task<result<user>> user_service::create_user(request_context, create_user_request wanted) {
    problems wrong;
    check_text(wrong, "first_name", wanted.first_name);
    check_text(wrong, "last_name", wanted.last_name);
    check_text(wrong, "phone", wanted.phone);
    if (wanted.password) check_password(wrong, "password", *wanted.password, wanted.email);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    std::optional<std::string> hash;
    if (wanted.password) {
        STOA_CO_TRY(hash, co_await ports_.passwords.hash(*std::move(wanted.password)));
    }
    const auto now = ports_.time.now();
    user fresh{.id = new_id(ports_.time, ports_.random),
               .email = std::move(wanted.email),
               .first_name = std::move(wanted.first_name),
               .last_name = std::move(wanted.last_name),
               .phone = std::move(wanted.phone),
               .address = std::move(wanted.address),
               .role = account_role::customer,
               .created_at = now,
               .updated_at = now};
    auto write = [fresh, hash = std::move(hash)](transaction& t) -> result<user> {
        if (!store::insert(t, fresh, hash)) return fail(email_taken());
        return fresh;
    };
    co_return co_await ports_.db.commit(std::move(write));
}

task<result<customer>> user_service::create_customer(request_context,
                                                     create_customer_request wanted) {
    problems wrong;
    check_text(wrong, "name", wanted.name);
    check_text(wrong, "phone", wanted.phone);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    const auto now = ports_.time.now();
    user fresh{.id = new_id(ports_.time, ports_.random),
               .email = std::move(wanted.email),
               .name = std::move(wanted.name),
               .phone = std::move(wanted.phone),
               .address = std::move(wanted.address),
               .role = account_role::customer,
               .created_at = now,
               .updated_at = now};
    auto write = [fresh](transaction& t) -> result<customer> {
        if (!store::insert(t, fresh, {})) return fail(email_taken());
        return customer_of(fresh);
    };
    co_return co_await ports_.db.commit(std::move(write));
}

task<result<user>> user_service::ensure_account(new_account wanted) {
    auto read = [email = wanted.email](transaction& t) -> result<std::optional<user>> {
        const auto known = store::find_credentials_by_email(t, email);
        return known ? store::find(t, known->id) : std::nullopt;
    };
    STOA_CO_TRY(auto known, co_await ports_.db.read(std::move(read)));
    if (known && known->role == wanted.role) co_return *std::move(known);
    if (known) co_return fail(email_taken());
    STOA_CO_TRY(auto hash, co_await ports_.passwords.hash(std::move(wanted.password)));
    const auto now = ports_.time.now();
    user fresh{.id = new_id(ports_.time, ports_.random),
               .email = std::move(wanted.email),
               .first_name = std::move(wanted.first_name),
               .last_name = std::move(wanted.last_name),
               .role = wanted.role,
               .email_verified = true,
               .created_at = now,
               .updated_at = now};
    auto write = [fresh, hash = std::move(hash)](transaction& t) -> result<user> {
        if (!store::insert(t, fresh, hash)) return fail(email_taken());
        return fresh;
    };
    co_return co_await ports_.db.commit(std::move(write));
}

task<result<user>> user_service::ensure_admin(std::string email, std::string password) {
    return ensure_account({.email = std::move(email),
                           .password = std::move(password),
                           .first_name = "Shop",
                           .last_name = "Operator",
                           .role = account_role::admin});
}

// --- changing
// --------------------------------------------------------------------------------------------

task<result<user>> user_service::change_profile(request_context context, std::string id,
                                                profile_change to,
                                                std::optional<account_role> only) {
    problems wrong;
    check_text(wrong, "first_name", to.first_name);
    check_text(wrong, "last_name", to.last_name);
    check_text(wrong, "name", to.name);
    check_text(wrong, "phone", to.phone);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    const auto now = ports_.time.now();
    struct outcome {
        user after;
        std::optional<timestamp> valid_after;  // the sessions end
    };
    auto write = [=](transaction& t) -> result<outcome> {
        auto found = store::find(t, id);
        if (!found || (only && found->role != *only)) return fail(no_such_user());
        STOA_TRY_VOID(check_if_match(context, found->version));
        std::optional<timestamp> valid_after;
        if (to.role) {
            STOA_TRY(valid_after, give_role(t, context, *found, *to.role, now));
        }
        if (to.email && to.email != found->email) {
            // A guest's address signs nobody in, so it may be an account's too; saying that it is
            // would tell who has one.
            if (found->role != account_role::guest && store::email_is_taken(t, *to.email, id))
                return fail(email_taken());
            // What was sent to the old address must not open the account any more.
            store::drop_resets_of_user(t, id);
            found->email = to.email;
            found->email_verified = false;
        }
        if (to.first_name) found->first_name = *to.first_name;
        if (to.last_name) found->last_name = *to.last_name;
        if (to.name) found->name = to.name;
        if (to.phone) found->phone = to.phone;
        if (to.address) found->address = to.address;
        found->updated_at = now;
        store::update(t, *found);
        ++found->version;
        return outcome{*std::move(found), valid_after};
    };
    STOA_CO_TRY(auto done, co_await ports_.db.commit(std::move(write)));
    if (done.valid_after) {
        log_info("role_changed",
                 {{"user_id", id},
                  {"role", type_of<account_role>.words[std::to_underlying(done.after.role)]},
                  {"by", context.caller.user_id}});
        // Should this fail, they end with their next refresh, as after a new password.
        STOA_CO_TRY_VOID(co_await end_sessions(std::move(id), *done.valid_after, {}));
    }
    co_return std::move(done.after);
}

task<result<user>> user_service::update_user(request_context context, update_user_request wanted) {
    if (!context.caller.may_see(wanted.id) || !is_uuid(wanted.id)) co_return fail(no_such_user());
    STOA_CO_TRY_VOID(check_role_change(context, wanted));
    if (wanted.email && !context.caller.runs_the_shop()) {
        // A stolen token must not become a stolen account.
        STOA_CO_TRY(auto known, co_await credentials_of(context));
        const bool signs_in = known.role != account_role::guest;
        if (signs_in && wanted.email != known.email && known.email) {
            if (!wanted.current_password)
                co_return fail(invalid_request({{"current_password", "required", {}, {}}}));
            STOA_CO_TRY_VOID(co_await prove_password(
                *known.email, context.address, *wanted.current_password, known.password_hash));
        }
    }
    co_return co_await change_profile(
        std::move(context), std::move(wanted.id),
        {std::move(wanted.email), std::move(wanted.first_name), std::move(wanted.last_name),
         std::move(wanted.name), std::move(wanted.phone), std::move(wanted.address),
         wanted.role.transform(account_role_of)},
        {});
}

task<result<user>> user_service::update_me(request_context context, update_me_request wanted) {
    auto id = context.caller.user_id;
    return update_user(std::move(context), {std::move(id),
                                            std::move(wanted.email),
                                            std::move(wanted.first_name),
                                            std::move(wanted.last_name),
                                            std::move(wanted.name),
                                            std::move(wanted.phone),
                                            std::move(wanted.address),
                                            std::move(wanted.current_password),
                                            {}});
}

task<result<customer>> user_service::update_customer(request_context context,
                                                     update_customer_request wanted) {
    if (!is_uuid(wanted.id)) co_return fail(no_such_user());
    STOA_CO_TRY(const auto changed,
                co_await change_profile(std::move(context), std::move(wanted.id),
                                        {.email = std::move(wanted.email),
                                         .name = std::move(wanted.name),
                                         .phone = std::move(wanted.phone),
                                         .address = std::move(wanted.address)},
                                        account_role::customer));
    co_return customer_of(changed);
}

task<result<nothing>> user_service::end_account(request_context context, std::string id,
                                                std::optional<account_role> only) {
    if (!is_uuid(id)) co_return fail(no_such_user());
    if (id == context.caller.user_id)
        co_return fail(errc::conflict, "own_account", "another operator must end this account");
    const auto now = ports_.time.now();
    auto write = [=](transaction& t) -> result<bool> {
        const auto found = store::find(t, id);
        if (!found || (only && found->role != *only)) return fail(no_such_user());
        STOA_TRY_VOID(check_if_match(context, found->version));
        return store::deactivate(t, id, now);
    };
    STOA_CO_TRY(const bool changed, co_await ports_.db.commit(std::move(write)));
    if (changed) log_info("user_deactivated", {{"user_id", id}});
    // Again for one that was inactive: the first time may have failed here.
    STOA_CO_TRY_VOID(co_await end_sessions(std::move(id), now, {}));
    co_return nothing{};
}

task<result<nothing>> user_service::delete_user(request_context context,
                                                delete_user_request wanted) {
    return end_account(std::move(context), std::move(wanted.id), {});
}

task<result<nothing>> user_service::delete_customer(request_context context,
                                                    delete_user_request wanted) {
    return end_account(std::move(context), std::move(wanted.id), account_role::customer);
}

}  // namespace stoa::users
