// Sessions in the key_value port: one row a session, read on every request, and one row a user that
// lists the user's sessions, so that ending them all rests on no index. Expired rows may still be
// there; reading filters them.
#pragma once

#include "ports/clock.hpp"
#include "ports/key_value.hpp"
#include "services/user/user.hpp"

namespace stoa::users {

// Holds sessions, `user:<id>` lists and the login throttle's counters.
inline constexpr kv_table sessions_table{
    .name = "ecommerce-sessions", .hash = "session_id", .ttl = "expires_at"};

struct session_record {
    std::string session_id, user_id;
    account_role role = account_role::guest;
    timestamp authenticated_at;  // when the password was last proved: older than tokens_valid_after
                                 // is over
    std::int64_t generation = 0;          // of the refresh token that works; lower ones were used
    std::int64_t expires_at = 0;          // Unix seconds
    std::optional<timestamp> rotated_at;  // when this generation came
};
BOOST_DESCRIBE_STRUCT(session_record, (),
                      (session_id, user_id, role, authenticated_at, generation, expires_at,
                       rotated_at))

// A user's sessions. `valid_after` stops a login that began before the user's sessions were ended.
struct session_list {
    std::string session_id;  // user:<id>
    std::vector<std::string> sessions;
    std::optional<timestamp> valid_after;
    std::int64_t version = 0;
    std::int64_t expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(session_list, (), (session_id, sessions, valid_after, version, expires_at))

// Thread rule: any loop; no mutable state.
class session_store {
 public:
    // One more ends the user's oldest.
    static constexpr std::size_t most_sessions = 20;

    session_store(key_value& items, clock& time) : items_(items), time_(time) {}

    // `unauthenticated` session_ended where the user's sessions were ended since the login began.
    task<result<void>> start(session_record fresh);
    task<result<std::optional<session_record>>> find(std::string session_id);
    // False: the generation is not `from.generation` any more, or the session is gone.
    task<result<bool>> rotate(session_record from, std::int64_t expires_at);
    task<result<void>> end(std::string session_id);
    // All of the user's; `kept` (may be empty) stays, as authenticated at `valid_after`.
    task<result<void>> end_all(std::string user_id, timestamp valid_after, std::string kept,
                               std::int64_t expires_at);

 private:
    task<result<session_list>> list_of(std::string user_id);
    static void save(write_set& in, const session_list& before, session_list after);

    key_value& items_;
    clock& time_;
};

}  // namespace stoa::users
