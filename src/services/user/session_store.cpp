#include "services/user/session_store.hpp"

#include <algorithm>

namespace stoa::users {
namespace {

item key_of_session(std::string_view id) { return key_of("session_id", id); }

}  // namespace

task<result<session_list>> session_store::list_of(std::string user_id) {
    auto key = "user:" + user_id;
    STOA_CO_TRY(auto found,
                co_await items_.find<session_list>(sessions_table, key_of_session(key)));
    if (found) co_return *std::move(found);
    co_return session_list{.session_id = std::move(key)};
}

void session_store::save(write_set& in, const session_list& before, session_list after) {
    after.version = before.version + 1;
    auto condition = before.version == 0 ? absent("session_id") : equals("version", before.version);
    in.put(sessions_table, to_item(after), {std::move(condition)});
}

task<result<void>> session_store::start(session_record fresh) {
    for (;;) {
        STOA_CO_TRY(const auto before, co_await list_of(fresh.user_id));
        if (before.valid_after && fresh.authenticated_at < *before.valid_after)
            co_return fail(errc::unauthenticated, "session_ended", "sign in again");
        auto after = before;
        write_set in;
        while (after.sessions.size() >= most_sessions) {
            in.erase(sessions_table, key_of_session(after.sessions.front()));
            after.sessions.erase(after.sessions.begin());
        }
        after.sessions.push_back(fresh.session_id);
        after.expires_at = std::max(before.expires_at, fresh.expires_at);
        in.put(sessions_table, to_item(fresh));
        save(in, before, std::move(after));
        STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
        if (outcome.committed()) co_return result<void>{};
        // Another login of the same user came between: look again.
    }
}

task<result<std::optional<session_record>>> session_store::find(std::string session_id) {
    STOA_CO_TRY(auto found,
                co_await items_.find<session_record>(sessions_table, key_of_session(session_id)));
    if (found && found->expires_at <= time_.now().unix_s()) found.reset();
    co_return found;
}

task<result<bool>> session_store::rotate(session_record from, std::int64_t expires_at) {
    write_set in;
    in.update(sessions_table, key_of_session(from.session_id),
              {set_to("generation", from.generation + 1), set_to("expires_at", expires_at),
               set_to("role", word_of(from.role)), set_to("rotated_at", rfc3339(time_.now()))},
              {equals("generation", from.generation), equals("user_id", from.user_id)});
    STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
    co_return outcome.committed();
}

task<result<void>> session_store::end(std::string session_id) {
    // The list keeps the id: erasing what is gone is harmless, and logging out stays one write.
    write_set in;
    in.erase(sessions_table, key_of_session(session_id));
    STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
    (void)outcome;  // it has no condition that could fail
    co_return result<void>{};
}

task<result<void>> session_store::end_all(std::string user_id, timestamp valid_after,
                                          std::string kept, std::int64_t expires_at) {
    for (;;) {
        STOA_CO_TRY(const auto before, co_await list_of(user_id));
        auto after = before;
        const bool keeps = std::erase(after.sessions, kept) > 0;
        write_set in;
        for (const auto& each : after.sessions) in.erase(sessions_table, key_of_session(each));
        after.sessions.clear();
        if (keeps) {
            // Only where it still stands: a logout must not come back to life as half a row.
            STOA_CO_TRY(const auto standing, co_await find(kept));
            if (standing) {
                after.sessions.push_back(kept);
                in.update(sessions_table, key_of_session(kept),
                          {set_to("authenticated_at", rfc3339(valid_after))}, {exists("user_id")});
            }
        }
        after.valid_after = std::max(before.valid_after.value_or(valid_after), valid_after);
        after.expires_at = std::max(before.expires_at, expires_at);
        save(in, before, std::move(after));
        STOA_CO_TRY(const auto outcome, co_await items_.write(std::move(in)));
        if (outcome.committed()) co_return result<void>{};
    }
}

}  // namespace stoa::users
