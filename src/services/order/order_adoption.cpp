// How a guest's orders come to an account. Which guests are whose, the user service knows; here
// each order moves by itself, on condition of its version, so that a move may stop anywhere and be
// begun again.
#include "runtime/log.hpp"
#include "services/order/order_service.hpp"

namespace stoa::orders {
namespace {

constexpr int orders_a_look = 100;

}  // namespace

task<result<std::optional<users::user>>> order_service::known_user(std::string id) {
    request_context context{.caller = {.is = role::service}};
    auto found = co_await ports_.users.get_user(std::move(context), {.id = std::move(id)});
    if (!found && found.error().kind == errc::not_found) co_return std::optional<users::user>{};
    if (!found) co_return std::unexpected(std::move(found).error());
    co_return std::optional(*std::move(found));
}

task<result<users::adopted>> order_service::adopt(std::string guest_id, std::string user_id) {
    using users::account_role;
    STOA_CO_TRY(const auto heir, co_await known_user(user_id));
    const bool proven =
        heir && heir->active && heir->email_verified && heir->role != account_role::guest;
    if (!proven)
        co_return fail(errc::conflict, "address_not_verified",
                       "guests' orders go to accounts whose e-mail address is verified");
    STOA_CO_TRY(const auto guest, co_await known_user(guest_id));
    if (!guest || guest->role != account_role::guest) {
        log_warning("not_a_guest", {{"guest_id", guest_id}, {"user_id", user_id}});
        co_return users::adopted{};
    }
    STOA_CO_TRY(const auto found, co_await store_.of_user(guest_id, orders_a_look));
    users::adopted out{.complete = !found.more};
    for (const auto& id : found.ids) {
        bool moves = false, waits = false;
        auto done = co_await change(id, [&](order_record& now, write_set&) -> result<bool> {
            // The index may tell of an order that has moved already. One that is still being placed
            // belongs to the request that places it, which answers for it by its version.
            waits = now.user_id == guest_id && now.status == order_status::pending;
            moves = now.user_id == guest_id && !waits;
            if (!moves) return false;
            now.user_id = user_id;
            now.placed_by = guest_id;
            return true;
        });
        if (!done && done.error().kind != errc::not_found)
            co_return std::unexpected(std::move(done).error());
        out.moved += done && moves;
        out.complete = out.complete && !(done && waits);
    }
    if (out.moved > 0)
        log_info(
            "guest_orders_moved",
            {{"guest_id", guest_id}, {"user_id", user_id}, {"orders", std::to_string(out.moved)}});
    co_return out;
}

}  // namespace stoa::orders
