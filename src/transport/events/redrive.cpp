#include "transport/events/redrive.hpp"

#include "runtime/log.hpp"
#include "transport/events/apply.hpp"

#include <algorithm>
#include <set>

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

class run {
 public:
    run(redrive_needs& with, const redrive_request& wanted) : with_(with), wanted_(wanted) {}

    task<result<redrive_report>> all() {
        for (const auto& group : with_.groups) {
            if (wanted_.group && group.group != *wanted_.group) continue;
            STOA_CO_TRY(const auto keys,
                        co_await with_.letters.parked_keys(std::string(group.group)));
            std::set<std::string> topics;
            for (const auto& each : keys)
                if (!wanted_.topic || each.topic == *wanted_.topic) topics.insert(each.topic);
            for (const auto& topic : topics) {
                STOA_CO_TRY_VOID(co_await one_topic(group, topic));
                if (out_.more) co_return std::move(out_);
            }
        }
        co_return std::move(out_);
    }

 private:
    // A letter's place in its topic.
    using place = std::pair<int, std::int64_t>;
    static place place_of(const dead_letter& of) { return {of.what.partition, of.what.offset}; }

    // The store gives the letters of a key in order, keys mixed; here they go key by key. What the
    // group parks behind them meanwhile is seen by another look.
    task<result<void>> one_topic(const event_consumer& group, std::string topic) {
        std::set<place> seen;           // and still there
        std::set<std::string> stopped;  // keys
        for (;;) {
            const int room = redrive_at_once - static_cast<int>(out_.letters.size());
            const int max = room + static_cast<int>(seen.size()) + 1;
            STOA_CO_TRY(auto letters,
                        co_await with_.letters.dead_letters(std::string(group.group), topic,
                                                            wanted_.key.value_or(""), max));
            std::erase_if(letters, [&](const auto& each) { return seen.contains(place_of(each)); });
            keep_wanted(letters);
            std::ranges::sort(letters, {}, [](const dead_letter& each) {
                return std::pair(std::string_view(each.what.message.key), place_of(each));
            });
            bool went_on = false;
            for (auto& each : letters) {
                if (std::ssize(out_.letters) == redrive_at_once) {
                    out_.more = true;
                    co_return result<void>{};
                }
                const auto& key = each.what.message.key;
                STOA_CO_TRY(const auto outcome, co_await one(group, each, stopped.contains(key)));
                const bool gone =
                    outcome == letter_outcome::applied || outcome == letter_outcome::given_up;
                if (!gone) seen.insert(place_of(each));
                if (outcome == letter_outcome::failed) stopped.insert(key);
                went_on |= gone;
                out_.letters.push_back(line_of(each, outcome));
            }
            if (!went_on || wanted_.id) co_return result<void>{};
        }
    }

    // By id: that letter, and those of its key before it. Given up is that one alone: nothing is
    // applied, so no order can be broken.
    void keep_wanted(std::vector<dead_letter>& letters) const {
        if (wanted_.key)
            std::erase_if(letters,
                          [&](const auto& each) { return each.what.message.key != *wanted_.key; });
        if (!wanted_.id) return;
        const auto found = std::ranges::find_if(
            letters, [&](const auto& each) { return each.what.message.id == *wanted_.id; });
        if (found == letters.end()) return letters.clear();
        const auto key = found->what.message.key;
        const auto last = place_of(*found);
        std::erase_if(letters, [&](const auto& each) {
            const bool before = each.what.message.key == key && place_of(each) < last;
            return place_of(each) != last && (wanted_.give_up || !before);
        });
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
