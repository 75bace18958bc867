#include "transport/events/redrive.hpp"

#include "runtime/log.hpp"
#include "transport/events/apply.hpp"

#include <algorithm>

namespace stoa {
namespace {

redriven_letter line_of(const dead_letter& from, letter_outcome as) {
    const auto& what = from.what;
    return {.group = what.group,
            .topic = what.message.topic,
            .partition = what.partition,
            .offset = what.offset,
            .key = what.message.key,
            .id = what.message.id,
            .type = what.message.type,
            .code = from.code,
            .detail = from.detail,
            .attempts = from.attempts,
            .at = from.at,
            .outcome = as};
}

// The letters of a key, in order. Without a key the store gives those of the whole topic.
std::vector<dead_letter> of_key(std::vector<dead_letter> all, const std::string& key) {
    if (key.empty())
        std::erase_if(all, [](const dead_letter& each) { return !each.what.message.key.empty(); });
    return all;
}

class run {
 public:
    run(redrive_needs& with, const redrive_request& wanted) : with_(with), wanted_(wanted) {}

    task<result<redrive_report>> all() {
        for (const auto& group : with_.groups) {
            if (wanted_.group && group.group != *wanted_.group) continue;
            STOA_CO_TRY(const auto keys,
                        co_await with_.letters.parked_keys(std::string(group.group)));
            for (const auto& each : keys) {
                if (wanted_.topic && each.topic != *wanted_.topic) continue;
                if (wanted_.key && each.key != *wanted_.key) continue;
                STOA_CO_TRY_VOID(co_await one_key(group, each));
                if (room() == 0) {
                    out_.more = true;
                    co_return std::move(out_);
                }
            }
        }
        co_return std::move(out_);
    }

 private:
    int room() const { return redrive_at_once - static_cast<int>(out_.letters.size()); }

    task<result<void>> one_key(const event_consumer& group, const parked_key& of) {
        for (;;) {
            STOA_CO_TRY(auto letters, co_await with_.letters.dead_letters(
                                          std::string(group.group), of.topic, of.key, room()));
            letters = of_key(std::move(letters), of.key);
            if (wanted_.id) {
                const auto last = std::ranges::find_if(letters, [&](const dead_letter& each) {
                    return each.what.message.id == *wanted_.id;
                });
                if (last == letters.end()) co_return result<void>{};
                // Given up is that one alone: nothing is applied, so no order can be broken.
                if (wanted_.give_up) letters = {std::move(*last)};
                else letters.erase(last + 1, letters.end());
            }
            bool stopped = false;
            for (auto& each : letters) {
                STOA_CO_TRY(const auto outcome, co_await one(group, each, stopped));
                stopped |= outcome == letter_outcome::failed;
                out_.letters.push_back(line_of(each, outcome));
            }
            // While these were applied the group may have parked more behind them.
            if (stopped || wanted_.dry_run || wanted_.id || letters.empty() || room() == 0)
                co_return result<void>{};
        }
    }

    // `letter` is told anew where it failed again.
    task<result<letter_outcome>> one(const event_consumer& group, dead_letter& letter,
                                     bool stopped) {
        if (wanted_.dry_run) co_return letter_outcome::waiting;
        if (stopped) co_return letter_outcome::behind;
        if (!wanted_.give_up) {
            auto applied = co_await apply(group, letter.what);
            if (!applied) co_return co_await failed(letter, std::move(applied).error());
        }
        STOA_CO_TRY_VOID(co_await with_.letters.redriven(letter.what));
        log_info(wanted_.give_up ? "dead_letter_given_up" : "dead_letter_applied",
                 {{"group", letter.what.group},
                  {"topic", letter.what.message.topic},
                  {"key", letter.what.message.key},
                  {"event_id", letter.what.message.id}});
        co_return wanted_.give_up ? letter_outcome::given_up : letter_outcome::applied;
    }

    static task<result<void>> apply(const event_consumer& group, delivery what) {
        const auto* row = handler_of(group, what.message);
        if (!row)
            co_return fail(
                errc::invalid, "no_handler",
                "this version applies no `" + what.message.type + "` of " + what.message.topic);
        co_return co_await apply_event(*row, group.service, std::move(what));
    }

    // An engine that is away says nothing about the event: its cause stays.
    task<result<letter_outcome>> failed(dead_letter& letter, error why) {
        letter.code = why.code;
        letter.detail = why.detail;
        if (!is_transient(why.kind)) {
            ++letter.attempts;
            STOA_CO_TRY_VOID(co_await with_.log.park(letter.what, std::move(why), 1));
        }
        co_return letter_outcome::failed;
    }

    redrive_needs& with_;
    const redrive_request& wanted_;
    redrive_report out_;
};

}  // namespace

task<result<redrive_report>> redrive(redrive_needs with, redrive_request wanted) {
    if (wanted.give_up && !wanted.key && !wanted.id)
        co_return fail(errc::invalid, "redrive_too_wide",
                       "giving up needs --key or --id: what is forgotten is never applied");
    std::string known;
    for (const auto& each : with.groups) ((known += known.empty() ? "" : ", ") += each.group);
    const bool there = !wanted.group || std::ranges::any_of(with.groups, [&](const auto& each) {
        return each.group == *wanted.group;
    });
    if (!there)
        co_return fail(errc::invalid, "unknown_group",
                       "there is no group `" + *wanted.group + "` here; there are: " + known);
    run now(with, wanted);
    co_return co_await now.all();
}

}  // namespace stoa
