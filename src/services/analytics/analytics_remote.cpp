#include "services/analytics/analytics_remote.hpp"

#include "runtime/log.hpp"
#include "services/analytics/analytics_service.hpp"

namespace stoa::analytics {
namespace {

constexpr milliseconds answers_within{500};
constexpr milliseconds known_for{100};  // as often as the live stream looks

constexpr operation table[] = {
    serve<&analytics_rpcs::open_windows>(verb::post, "", "OpenWindows")
        .allows(who::services)
        .says("The windows that are open in the partitions of this process."),
};

}  // namespace

service rpcs_of(analytics_rpcs& implementation) { return {"analytics", table, &implementation}; }

task<result<open_partitions>> analytics_rpcs::open_windows(request_context, open_request what) {
    const auto* of = all_.find(what.pipeline);
    if (!of)
        co_return fail(errc::not_found, "unknown_pipeline",
                       "this version runs no pipeline `" + what.pipeline + '`');
    open_partitions out{.process = process_};
    for (const auto& each : board_.all())
        if (each->is_of(*of))
            out.partitions.push_back(each->open(*of, what.key ? &*what.key : nullptr));
    co_return out;
}

task<std::vector<open_partition>> analytics_peers::ask(open_request what) {
    const auto now = time_.ticks();
    if (const auto found = known_.find(what.pipeline);
        !what.key && found != known_.end() && now - found->second.at < known_for)
        co_return found->second.partitions;
    std::vector<open_partition> out;
    for (auto* each : all_) {
        request_context context;
        context.caller = {.is = role::service};
        context.deadline = time_.ticks() + answers_within;
        auto told = co_await each->ask<open_partitions>("OpenWindows", std::move(context),
                                                        open_request(what));
        if (!told)
            log_warning("analytics_peer_away",
                        {{"code", told.error().code}, {"detail", told.error().detail}});
        else if (told->process != process_)
            std::ranges::move(told->partitions, std::back_inserter(out));
    }
    if (!what.key) known_[what.pipeline] = {now, out};
    co_return out;
}

result<void> add_furthest(const pipeline& of, std::vector<open_partition> all,
                          std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to) {
    std::map<std::pair<std::string, int>, const open_partition*> furthest;
    for (const auto& each : all) {
        auto& one = furthest[{each.topic, each.partition}];
        if (!one || each.next_offset > one->next_offset) one = &each;
    }
    const auto shape = layout_of(of);
    for (const auto& [place, one] : furthest)
        for (const auto& window : one->windows) {
            const auto bytes = read_base64(window.cells);
            byte_reader from(bytes ? *bytes : std::string_view{});
            const auto cells = cell_table::read(from, shape);
            if (!from.good() || !from.at_end())
                return fail(
                    errc::internal, "analytics_state_ill_formed",
                    "open windows of " + of.is->name + " from another process cannot be read");
            to.try_emplace({window.start_ms, window.end_ms}, shape).first->second.add(cells);
        }
    return {};
}

}  // namespace stoa::analytics
