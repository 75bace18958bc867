#include "services/analytics/analytics_merge.hpp"

#include "base/planted.hpp"

#include <algorithm>

namespace stoa::analytics {
namespace {

item pointer_of(const pipeline& of) {
    return key_of("id", "merge/" + of.is->name, "part", "pointer");
}

auto taken_over(const pipeline& of) {
    return fail(errc::conflict, "analytics_taken_over",
                "another process merges the windows of " + of.is->name);
}

}  // namespace

merger::merger(needs ports, const definitions& all, std::size_t rows_at_once)
    : ports_(ports), all_(all), rows_at_once_(rows_at_once) {}

task<result<int>> merger::round() {
    int out = 0;
    for (const auto& each : all_.pipelines()) {
        if (each.local || !each.runs) continue;
        const auto merged = co_await merge(each);
        // Somebody else was quicker: it is done.
        if (!merged && merged.error().kind != errc::conflict)
            co_return std::unexpected(merged.error());
        out += merged.value_or(0);
    }
    co_return out;
}

// Nothing while a partition has had no mark yet.
task<result<std::optional<std::int64_t>>> merger::mark_of_all(const pipeline& of) {
    std::optional<std::int64_t> least;
    for (const auto& input : of.is->inputs) {
        auto& partitions = partitions_[input.topic];
        if (partitions == 0) {
            STOA_CO_TRY(const auto all, co_await ports_.log.positions(input.topic));
            partitions = static_cast<int>(all.size());
        }
        for (int p = 0; p < partitions; ++p) {
            STOA_CO_TRY(const auto found, co_await ports_.items.get(
                                              state_table, source::pointer_key(input.topic, p)));
            const auto mark = found ? found->integer("mark_ms", no_mark) : no_mark;
            if (mark == no_mark) co_return std::optional<std::int64_t>{};
            if (!least || !planted(planted_bug::merge_takes_the_first_mark))
                least = std::min(least.value_or(mark), mark);
        }
    }
    co_return least;
}

task<result<std::vector<merger::share>>> merger::shares(const pipeline& of, std::int64_t until_ms) {
    std::vector<share> out;
    kv_query query{.table = &state_table, .hash = "share/" + of.is->name};
    for (;;) {
        STOA_CO_TRY(auto page, co_await ports_.items.query(query));
        for (auto& each : page.items) {
            share one{each.integer("start_ms"), each.integer("end_ms"), {}};
            if (one.end_ms > until_ms) co_return out;
            one.stored = std::move(each);
            out.push_back(std::move(one));
        }
        if (!page.next) break;
        query.after = std::move(page.next);
    }
    co_return out;
}

task<result<int>> merger::merge(const pipeline& of) {
    STOA_CO_TRY(const auto mark, co_await mark_of_all(of));
    if (!mark) co_return 0;
    const auto over = *mark - of.is->out_of_orderness_ms - of.is->allowed_lateness_ms;
    STOA_CO_TRY(const auto ready, co_await shares(of, over));
    if (ready.empty()) co_return 0;
    STOA_CO_TRY(const auto found, co_await ports_.items.get(state_table, pointer_of(of)));
    pointer at;
    if (found)
        at = {found->integer("end_ms"), found->integer("emitted"), found->integer("whole") != 0,
              true};
    int windows = 0;
    for (std::size_t from = 0; from < ready.size();) {
        std::size_t until = from;
        while (until < ready.size() && ready[until].end_ms == ready[from].end_ms) ++until;
        const auto of_window = std::span(ready).subspan(from, until - from);
        const auto end_ms = ready[from].end_ms;
        const bool done = end_ms < at.end_ms || (end_ms == at.end_ms && at.whole);
        if (planted(planted_bug::shares_go_before_their_window))
            STOA_CO_TRY_VOID(co_await erase(of_window));
        if (!done) {
            STOA_CO_TRY_VOID(co_await bring_out(of, at, of_window));
            ++windows;
        }
        STOA_CO_TRY_VOID(co_await erase(of_window));
        from = until;
    }
    co_return windows;
}

task<result<void>> merger::bring_out(const pipeline& of, pointer& at,
                                     std::span<const share> of_window) {
    cell_table sum(layout_of(of));
    for (const auto& each : of_window) {
        STOA_CO_TRY(const auto bytes, co_await ports_.bytes.get(each.stored));
        byte_reader from(bytes);
        const auto cells = cell_table::read(from, layout_of(of));
        if (!from.good() || !from.at_end())
            co_return fail(errc::internal, "analytics_state_ill_formed",
                           "a share of " + of.is->name + " cannot be read");
        sum.add(cells);
    }
    const auto start_ms = of_window.front().start_ms, end_ms = of_window.front().end_ms;
    const auto rows = rows_of(of, start_ms, end_ms, sum);
    if (of.is->results.object) {
        STOA_CO_TRY(const auto stored,
                    co_await ports_.blobs.put(std::string(results_bucket), object_key(of, start_ms),
                                              object_of(rows)));
    }
    std::size_t from = end_ms == at.end_ms ? static_cast<std::size_t>(at.emitted) : 0;
    do {
        const auto count = std::min(rows_at_once_, rows.size() - std::min(from, rows.size()));
        // The window is this one from the first write on.
        auto next = at;
        next.end_ms = end_ms;
        next.emitted = static_cast<std::int64_t>(from + count);
        next.whole = from + count >= rows.size();
        write_set all;
        auto pointer = pointer_of(of);
        pointer.set("end_ms", next.end_ms);
        pointer.set("emitted", next.emitted);
        pointer.set("whole", next.whole ? 1 : 0);
        all.put(state_table, std::move(pointer),
                at.stored ? std::vector{equals("end_ms", at.end_ms), equals("emitted", at.emitted),
                                        equals("whole", at.whole ? 1 : 0)}
                          : std::vector{absent("id")});
        for (const auto& each : std::span(rows).subspan(std::min(from, rows.size()), count)) {
            all.put(windows_table, item_of(each));
            if (of.is->results.topic) all.publish(event_of(each));
        }
        STOA_CO_TRY(const auto done, co_await ports_.items.write(std::move(all)));
        if (!done.committed()) co_return taken_over(of);
        at = next;
        at.stored = true;
        from += count;
    } while (!at.whole);
    co_return result<void>{};
}

task<result<void>> merger::erase(std::span<const share> done) {
    for (std::size_t from = 0; from < done.size(); from += rows_at_once_) {
        write_set all;
        for (const auto& each : done.subspan(from, std::min(rows_at_once_, done.size() - from)))
            all.erase(state_table, key_of("id", std::string(each.stored.text("id")), "part",
                                          std::string(each.stored.text("part"))));
        STOA_CO_TRY(const auto gone, co_await ports_.items.write(std::move(all)));
        if (!gone.committed()) co_return result<void>{};
    }
    for (const auto& each : done) co_await ports_.bytes.forget(each.stored);
    co_return result<void>{};
}

task<result<void>> merger::add_shares(
    const pipeline& of, std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to) {
    STOA_CO_TRY(const auto all, co_await shares(of, INT64_MAX));
    for (const auto& each : all) {
        STOA_CO_TRY(const auto bytes, co_await ports_.bytes.get(each.stored));
        byte_reader from(bytes);
        const auto cells = cell_table::read(from, layout_of(of));
        if (from.good())
            to.try_emplace({each.start_ms, each.end_ms}, layout_of(of)).first->second.add(cells);
    }
    co_return result<void>{};
}

}  // namespace stoa::analytics
