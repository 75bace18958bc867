#include "services/user/login_throttle.hpp"

#include "services/user/session_store.hpp"

#include <algorithm>

namespace stoa::users {
namespace {

constexpr auto window = hours(1);
constexpr auto known_for = hours(24 * 30);
constexpr std::int64_t longest_wait_s = 60;

struct attempts {
    std::string session_id;  // attempts:<name>
    std::int64_t count = 0;
    timestamp next_at;  // no guess before it
    std::int64_t expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(attempts, (), (session_id, count, next_at, expires_at))

std::unexpected<error> too_many(std::int64_t wait_s) {
    return fail({.kind = errc::rate_limited,
                 .code = "too_many_attempts",
                 .detail = "too many attempts to sign in; wait, or reset the password",
                 .retry_after_s = static_cast<int>(std::max<std::int64_t>(wait_s, 1))});
}

// After the n-th guess: nothing, then 1, 2, 4 … seconds.
std::int64_t wait_after(std::int64_t n) {
    if (n < login_throttle::free_guesses) return 0;
    const auto doublings = std::min<std::int64_t>(n - login_throttle::free_guesses, 6);
    return std::min(std::int64_t{1} << doublings, longest_wait_s);
}

std::string attempts_key(std::string_view name) { return "attempts:" + std::string(name); }
std::string known_key(std::string_view pair) { return "known:" + std::string(pair); }

}  // namespace

task<result<bool>> login_throttle::is_known(std::string pair) {
    STOA_CO_TRY(const auto row,
                co_await items_.get(sessions_table, key_of("session_id", known_key(pair))));
    co_return row && row->integer("expires_at") > time_.now().unix_s();
}

task<result<void>> login_throttle::take(std::string name, bool delays) {
    const auto key = attempts_key(name);
    for (;;) {
        STOA_CO_TRY(const auto found,
                    co_await items_.find<attempts>(sessions_table, key_of("session_id", key)));
        const auto now = time_.now();
        const bool fresh = !found || found->expires_at <= now.unix_s();
        attempts next{.session_id = key, .expires_at = (now + window).unix_s()};
        if (!fresh) {
            next = *found;
            if (next.count >= hashed_an_hour) co_return too_many(next.expires_at - now.unix_s());
            if (next.next_at > now)
                co_return too_many((next.next_at - now + microseconds(999'999)) / seconds(1));
        }
        ++next.count;
        next.next_at = delays ? now + seconds(wait_after(next.count)) : now;
        // An expired row may still be there, so the condition names what was read.
        auto condition = found ? equals("count", found->count) : absent("session_id");
        write_set in;
        in.put(sessions_table, to_item(next), {std::move(condition)});
        STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
        if (outcome.committed()) co_return result<void>{};
    }
}

task<result<void>> login_throttle::reserve(names of) {
    STOA_CO_TRY(const bool known, co_await is_known(of.pair));
    STOA_CO_TRY_VOID(co_await take(of.pair, true));
    if (!known) STOA_CO_TRY_VOID(co_await take(of.account, false));
    co_return result<void>{};
}

task<result<void>> login_throttle::succeeded(names of) {
    item known = key_of("session_id", known_key(of.pair));
    known.set("expires_at", (time_.now() + known_for).unix_s());
    write_set in;
    in.put(sessions_table, std::move(known));
    in.erase(sessions_table, key_of("session_id", attempts_key(of.pair)));
    STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
    (void)outcome;  // it has no condition that could fail
    co_return result<void>{};
}

}  // namespace stoa::users
