// `stoa replay --from=OFFSET`: by the shop that runs, or on stores that this process opens.
#include "apps/stoa/commands.hpp"
#include "apps/stoa/replay_verb.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/wiring.hpp"
#include "base/json.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cstdio>

namespace stoa {
namespace {

using analytics::replay_report;
using analytics::replay_request;

result<replay_report> ask_running(http::blocking_client& shop, const replay_request& wanted) {
    STOA_TRY(const auto answer, shop.call("POST", "/local/replay", to_json(wanted)));
    if (answer.status >= 400) return fail(error_of(answer));
    return from_json<replay_report>(answer.body);
}

result<replay_report> replay_here(const settings& from, const replay_request& wanted) {
    STOA_TRY(const auto opened, shop::open(from));
    auto& loops = opened->loops();
    result<replay_report> done = fail(errc::internal, "replay_ended_early");
    asio::co_spawn(loops.at(0), opened->replay(wanted),
                   [&](const std::exception_ptr& thrown, result<replay_report> outcome) {
                       loops.stop();
                       if (thrown) std::rethrow_exception(thrown);
                       done = std::move(outcome);
                   });
    loops.run();
    return done;
}

// One process holds the embedded stores; the others take as many as come.
result<replay_report> replay_by(const settings& from, const replay_request& wanted) {
    if (from.text("sql") != "sqlite") {
        STOA_TRY(const auto whole, from.with({{"target", "all"}}));
        return replay_here(whole, wanted);
    }
    if (const auto running = running_shop(from)) return ask_running(*running, wanted);
    STOA_TRY_VOID(require_shop(from));
    return replay_here(from, wanted);
}

}  // namespace

int replay_log(const settings& from, const replay_request& wanted) {
    const auto done = replay_by(from, wanted);
    if (!done) return complain(done.error());
    const auto count = [](std::int64_t n) { return static_cast<long long>(n); };
    std::printf("%lld events read, %lld late, %lld bad; %lld rows of windows put\n",
                count(done->events), count(done->late), count(done->bad), count(done->windows));
    if (done->left > 0)
        std::printf(
            "%lld rows were left as they are: their windows may have events before the "
            "offset\n",
            count(done->left));
    return 0;
}

}  // namespace stoa
