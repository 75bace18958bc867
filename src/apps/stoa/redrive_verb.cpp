// `stoa redrive`: what could not be applied, once more.
#include "apps/stoa/commands.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/tools.hpp"
#include "apps/stoa/wiring.hpp"
#include "base/json.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <cstdio>

namespace stoa {
namespace {

result<redrive_report> ask_running(http::blocking_client& shop, const redrive_request& wanted) {
    STOA_TRY(const auto answer, shop.call("POST", "/local/redrive", to_json(wanted)));
    if (answer.status >= 400) return fail(error_of(answer));
    return from_json<redrive_report>(answer.body);
}

// By services of this process, on stores that it opens.
result<redrive_report> apply_here(const settings& from, const redrive_request& wanted) {
    STOA_TRY(const auto opened, shop::open(from));
    auto& loops = opened->loops();
    result<redrive_report> done = fail(errc::internal, "redrive_ended_early");
    asio::co_spawn(loops.at(0), opened->redrive(wanted),
                   [&](const std::exception_ptr& thrown, result<redrive_report> outcome) {
                       loops.stop();
                       if (thrown) std::rethrow_exception(thrown);
                       done = std::move(outcome);
                   });
    loops.run();
    return done;
}

void print(const redriven_letter& one) {
    const auto& word = type_of<letter_outcome>.words[static_cast<std::size_t>(one.outcome)];
    const char* const type = one.type.empty() ? "(no event)" : one.type.c_str();
    std::printf("%-8.*s %s <- %s/%d@%lld %s key %s id %s, %d attempts, %s\n",
                static_cast<int>(word.size()), word.data(), one.group.c_str(), one.topic.c_str(),
                one.partition, static_cast<long long>(one.offset), type, one.key.c_str(),
                one.id.c_str(), one.attempts, rfc3339(one.at).substr(0, 19).c_str());
    if (one.outcome != letter_outcome::applied && !one.code.empty())
        std::printf("         %s%s%s\n", one.code.c_str(), one.detail.empty() ? "" : ": ",
                    one.detail.c_str());
}

}  // namespace

// One process holds the embedded stores; the others take as many as come.
result<redrive_report> redrive_by(const settings& from, const redrive_request& wanted) {
    if (from.text("sql") != "sqlite") {
        STOA_TRY(const auto whole, from.with({{"target", "all"}}));
        return apply_here(whole, wanted);
    }
    if (const auto running = running_shop(from)) return ask_running(*running, wanted);
    STOA_TRY_VOID(require_shop(from));
    return apply_here(from, wanted);
}

int run_redrive(const settings& from, const redrive_request& wanted, bool as_json) {
    const auto done = redrive_by(from, wanted);
    if (!done) return complain(done.error());
    const auto count = [&](letter_outcome as) {
        return std::ranges::count(done->letters, as, &redriven_letter::outcome);
    };
    const auto left = count(letter_outcome::failed) + count(letter_outcome::behind) +
                      count(letter_outcome::waiting);
    if (as_json) {
        std::printf("%s\n", to_json(*done).c_str());
    } else {
        for (const auto& each : done->letters) print(each);
        if (done->letters.empty()) std::puts("There are no such dead letters");
        else if (wanted.dry_run) std::printf("%td dead letters; nothing was changed\n", left);
        else
            std::printf("%td applied, %td given up, %td still dead letters\n",
                        count(letter_outcome::applied), count(letter_outcome::given_up), left);
        if (done->more) std::puts("There are more: run it again");
    }
    return wanted.dry_run || (left == 0 && !done->more) ? 0 : 1;
}

}  // namespace stoa
