#include "adapters/aws/credentials.hpp"

#include "adapters/aws/credentials_sources.hpp"

#include <cstdlib>
#include <mutex>

namespace stoa::aws {
namespace {

constexpr minutes renewed_before{5};
// How long those that still hold are used without another try after one failed.
constexpr seconds rest_after_failure{10};

}  // namespace

environment process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char* found = std::getenv(std::string(name).c_str());
        if (!found) return {};
        return found;
    };
}

struct credentials_chain::state {
    credentials_search by;
    std::mutex mutex;
    // Below: under the mutex.
    std::optional<credentials> now;
    error last_failure;
    instant rests_until;
    bool renewing = false;
    std::vector<std::function<void()>> waiting;

    // Whoever renews, until it is done or its coroutine dies.
    struct renewal {
        explicit renewal(state& of) : all(of) {}
        ~renewal() {
            std::vector<std::function<void()>> wake;
            {
                const std::scoped_lock lock(all.mutex);
                all.renewing = false;
                wake.swap(all.waiting);
            }
            for (const auto& each : wake) each();
        }
        renewal(const renewal&) = delete;
        renewal& operator=(const renewal&) = delete;
        state& all;
    };

    bool holds() const { return now && (!now->expires_at || *now->expires_at > by.time.now()); }
    bool is_fresh() const {
        if (!holds()) return false;
        return !now->expires_at || *now->expires_at > by.time.now() + renewed_before ||
               by.time.ticks() < rests_until;
    }
    static task<> wait(std::shared_ptr<state> self) {
        co_await asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void()>(
            [&self](auto handler) {
                const auto where = asio::get_associated_executor(handler);
                auto kept = std::make_shared<decltype(handler)>(std::move(handler));
                std::function<void()> wake = [kept, where, busy = asio::make_work_guard(where)] {
                    asio::post(where, [kept] { (*kept)(); });
                };
                {
                    const std::scoped_lock lock(self->mutex);
                    if (self->renewing) self->waiting.push_back(std::exchange(wake, {}));
                }
                if (wake) wake();
            },
            use_task);
    }
    task<result<credentials>> find() {
        auto search = by;
        STOA_CO_TRY(auto found, search.from_environment());
        if (!found) {
            STOA_CO_TRY(found, co_await search.from_web_identity());
        }
        if (!found) {
            STOA_CO_TRY(found, search.from_shared_file());
        }
        if (!found) {
            STOA_CO_TRY(found, co_await search.from_container());
        }
        if (!found) {
            STOA_CO_TRY(found, co_await search.from_metadata());
        }
        if (found) co_return *std::move(found);
        co_return fail(errc::invalid, "aws_credentials_missing",
                       "no AWS credentials: " + search.tried +
                           "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this "
                           "process a role");
    }
    static task<result<credentials>> get(std::shared_ptr<state> self);
};

task<result<credentials>> credentials_chain::state::get(std::shared_ptr<state> self) {
    for (;;) {
        bool mine = false;
        {
            const std::scoped_lock lock(self->mutex);
            if (self->is_fresh() || (self->renewing && self->holds())) co_return *self->now;
            mine = !std::exchange(self->renewing, true);
        }
        if (!mine) {
            co_await wait(self);
            const std::scoped_lock lock(self->mutex);
            if (self->holds()) co_return *self->now;
            if (!self->renewing) co_return fail(self->last_failure);
            continue;
        }
        const renewal ends(*self);
        auto found = co_await self->find();
        const std::scoped_lock lock(self->mutex);
        if (found) {
            self->now = *found;
            co_return found;
        }
        self->last_failure = found.error();
        if (self->holds()) {
            self->rests_until = self->by.time.ticks() + rest_after_failure;
            co_return *self->now;
        }
        co_return found;
    }
}

credentials_chain::credentials_chain(std::string region, http_here http, clock& time,
                                     random_source& random, environment from)
    : state_(new state{.by = {std::move(region), std::move(http), time, random, std::move(from)}}) {
}
credentials_chain::~credentials_chain() = default;

task<result<credentials>> credentials_chain::get() { return state::get(state_); }

void credentials_chain::reject(const credentials& which) {
    const std::scoped_lock lock(state_->mutex);
    if (state_->now && state_->now->access_key_id == which.access_key_id &&
        state_->now->session_token == which.session_token)
        state_->now.reset();
}

}  // namespace stoa::aws
