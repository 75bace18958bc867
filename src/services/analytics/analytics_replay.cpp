#include "services/analytics/analytics_replay.hpp"

#include "ports/event_marks.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>

namespace stoa::analytics {
namespace {

constexpr int read_at_once = 1'000;
constexpr std::size_t rows_at_once = 90;  // of a transaction, of a hundred writes
// How far ahead of the shop's clock an event's time may be when it is taken (POST /events).
constexpr std::int64_t ahead_ms = 300'000;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

auto refused(std::string code, std::string detail) {
    return fail(errc::invalid, std::move(code), std::move(detail));
}

}  // namespace

struct log_replay::part {
    part(const definitions& all, const topic_definition& of, int partition, std::int64_t from,
         std::int64_t until)
        : topic(of), number(partition), next(from), end(until), windows(all, of) {}

    const topic_definition& topic;
    const int number;
    std::int64_t next, end;  // what comes while it is read is the running engine's
    engine windows;
    std::int64_t marks_until_whole = 0;
    std::int64_t whole_from_ms = std::numeric_limits<std::int64_t>::min();

    std::int64_t mark_ms() const { return windows.mark_ms(); }
};

log_replay::log_replay(needs ports, const definitions& all) : ports_(ports), all_(all) {}
log_replay::~log_replay() = default;

template <class Each>
void log_replay::each_part_of(const pipeline& of, Each each) const {
    for (const auto& input : of.is->inputs)
        for (const auto& one : parts_)
            if (one->topic.name == input.topic) each(*one);
}

bool log_replay::is_covered(const pipeline& of) const {
    return std::ranges::all_of(of.is->inputs, [&](const input_definition& input) {
        return std::ranges::any_of(parts_,
                                   [&](const auto& p) { return p->topic.name == input.topic; });
    });
}

task<result<void>> log_replay::open(const replay_request& wanted) {
    if (wanted.from < 0) co_return refused("offset_ill_formed", "offsets begin at 0");
    if (wanted.topic && !all_.find_topic(*wanted.topic))
        co_return refused("unknown_topic", "no pipeline reads topic `" + *wanted.topic + '`');
    std::int64_t longest = 0;
    for (const auto& topic : all_.topics()) {
        if (wanted.topic && *wanted.topic != topic.name) continue;
        STOA_CO_TRY(const auto places, co_await ports_.log.positions(topic.name));
        std::int64_t earliest = 0;
        for (const auto& place : places) {
            earliest = std::max(earliest, place.first);
            longest = std::max(longest, place.end);
            auto made = std::make_unique<part>(all_, topic, place.partition, wanted.from,
                                               std::max(place.end, wanted.from));
            if (wanted.from > 0) {
                made->marks_until_whole = 2;
                made->whole_from_ms = never;
            }
            parts_.push_back(std::move(made));
        }
        if (wanted.from < earliest)
            co_return refused("offset_not_kept",
                              "events of " + topic.name + " below offset " +
                                  std::to_string(earliest) +
                                  " are not kept any more: ask for that one or a later one" +
                                  (wanted.topic ? "" : ", or name another topic"));
    }
    if (wanted.from > longest)
        co_return refused("offset_not_reached",
                          "no partition has come to offset " + std::to_string(wanted.from) +
                              ": the longest ends at " + std::to_string(longest));
    co_return result<void>{};
}

// So that shares of a window wait for each other no longer than a batch.
log_replay::part* log_replay::furthest_behind() {
    part* out = nullptr;
    for (const auto& each : parts_)
        if (each->next < each->end && (!out || each->mark_ms() < out->mark_ms())) out = each.get();
    return out;
}

task<result<replay_report>> log_replay::run(replay_request wanted) {
    STOA_CO_TRY_VOID(co_await open(wanted));
    while (auto* one = furthest_behind()) {
        STOA_CO_TRY_VOID(co_await advance(*one));
        STOA_CO_TRY_VOID(co_await merge());
    }
    co_return told_;
}

task<result<void>> log_replay::advance(part& one) {
    STOA_CO_TRY(const auto events,
                co_await ports_.log.read(one.topic.name, one.number, one.next, read_at_once));
    if (events.empty()) {
        one.end = one.next;
        co_return result<void>{};
    }
    if (one.next == 0 && events.front().offset > 0)
        co_return refused("offset_not_kept",
                          "the first events of " + one.topic.name + " have just gone");
    std::vector<output> out;
    for (const auto& each : events) {
        if (each.offset >= one.end) break;
        const auto& what = each.message;
        const auto time_ms = what.occurred_at.micros / 1'000;
        if (what.type == mark_type && one.marks_until_whole > 0 && --one.marks_until_whole == 0)
            one.whole_from_ms = time_ms + ahead_ms;
        one.windows.apply({each.offset, what.id, what.type, what.payload, time_ms}, out);
        if (what.type != mark_type) ++told_.events;
        for (auto& made : out) take(one, made);
        out.clear();
    }
    one.next = events.back().offset + 1;
    co_return result<void>{};
}

void log_replay::take(part& from, output& one) {
    if (one.what == output::is::late) ++told_.late;
    if (one.what == output::is::bad) ++told_.bad;
    if (!one.of || !is_covered(*one.of)) return;
    if (one.what == output::is::row) {
        if (is_whole(*one.of, one.row.start_ms, from.whole_from_ms, 1))
            rows_.push_back(std::move(one.row));
    } else {
        byte_reader bytes(one.bytes);
        const auto shape = layout_of(*one.of);
        shares_[one.of]
            .try_emplace({one.end_ms, one.start_ms}, shape)
            .first->second.add(cell_table::read(bytes, shape));
    }
}

bool log_replay::is_whole(const pipeline& of, std::int64_t start_ms, std::int64_t whole_from_ms,
                          std::size_t rows) {
    // A session would have begun earlier, had there been an event within its gap before.
    const auto& window = of.is->window;
    const auto first_ms =
        window.kind == window_kind::session ? start_ms - window.size_ms : start_ms;
    if (first_ms >= whole_from_ms) return true;
    told_.left += static_cast<std::int64_t>(rows);
    return false;
}

// The windows that all partitions have passed.
task<result<void>> log_replay::merge() {
    for (auto& [of, windows] : shares_) {
        std::int64_t mark = never, whole_from = std::numeric_limits<std::int64_t>::min();
        each_part_of(*of, [&](const part& each) {
            mark = std::min(mark, each.mark_ms());
            whole_from = std::max(whole_from, each.whole_from_ms);
        });
        if (mark == no_mark) continue;
        const auto over = mark - of->is->out_of_orderness_ms - of->is->allowed_lateness_ms;
        while (!windows.empty() && windows.begin()->first.first <= over) {
            const auto [end_ms, start_ms] = windows.begin()->first;
            auto rows = rows_of(*of, start_ms, end_ms, windows.begin()->second);
            windows.erase(windows.begin());
            if (!is_whole(*of, start_ms, whole_from, rows.size())) continue;
            if (of->is->results.object) {
                STOA_CO_TRY(const auto stored,
                            co_await ports_.blobs.put(std::string(results_bucket),
                                                      object_key(*of, start_ms), object_of(rows)));
            }
            std::ranges::move(rows, std::back_inserter(rows_));
        }
    }
    co_return co_await put_rows();
}

task<result<void>> log_replay::put_rows() {
    for (std::size_t from = 0; from < rows_.size(); from += rows_at_once) {
        write_set all;
        const auto count = std::min(rows_at_once, rows_.size() - from);
        for (const auto& each : std::span(rows_).subspan(from, count))
            all.put(is_by_product(*each.of) ? product_windows_table : windows_table, item_of(each));
        // Nothing is asked of what stands there, so nothing refuses.
        STOA_CO_TRY(const auto done, co_await ports_.items.write(std::move(all)));
        if (!done.committed()) co_return fail(errc::conflict, "windows_not_put");
        told_.windows += static_cast<std::int64_t>(count);
    }
    rows_.clear();
    co_return result<void>{};
}

}  // namespace stoa::analytics
