#include "apps/stoa/wiring_house.hpp"

#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/audit_engines.hpp"
#include "apps/stoa/house_out.hpp"
#include "services/activity/activity_events.hpp"
#include "services/analytics/analytics_source.hpp"
#include "services/analytics/pipeline.hpp"

#include <algorithm>
#include <fstream>

namespace stoa {
namespace {

// Loops that turn for as long as it lives, on a thread of its own where nobody else runs them.
class turning_loops {
 public:
    turning_loops(loop_set& loops, bool they_run) : loops_(loops) {
        if (!they_run) thread_ = std::jthread([this] { loops_.run(); });
    }
    ~turning_loops() {
        if (!thread_.joinable()) return;
        loops_.stop();
        thread_.join();
    }

 private:
    loop_set& loops_;
    std::jthread thread_;
};

std::vector<reader_group> groups_of(const std::vector<event_consumer>& consumers) {
    std::vector<reader_group> out;
    for (const auto& each : consumers) {
        auto& group = out.emplace_back(reader_group{std::string(each.group), {}});
        for (const auto& row : each.handlers)
            if (std::ranges::find(group.topics, row.topic) == group.topics.end())
                group.topics.emplace_back(row.topic);
    }
    auto& windows = out.emplace_back(reader_group{std::string(analytics::group), {}});
    for (const auto& each : analytics::definitions::built_in().topics())
        windows.topics.push_back(each.name);
    return out;
}

house_plan plan_of(const std::vector<event_consumer>& consumers) {
    return {.directory = {},
            .groups = groups_of(consumers),
            .direct = {std::string(activities::topic::raw_events)}};
}

const kv_table* intents_of(const settings& from) {
    return from.text("payments") == "simulator" ? &simulator_tables().front() : nullptr;
}

error still_served() {
    return {.kind = errc::conflict,
            .code = "shop_is_served",
            .detail =
                "processes serve this shop, and its engines have no moment in common while they "
                "do: end them all (those behind a gateway, too), then back up"};
}

// A shop that was copied, with the directory that it is in.
struct copied_shop {
    std::unique_ptr<temporary_copy> place;
    std::unique_ptr<sqlite_shop> shop, provider;
};

std::string digest_of(const std::string& path) {
    sha256_digest out;
    std::ifstream in(path, std::ios::binary);
    for (std::string bytes(1 << 20, '\0'); in;) {
        in.read(bytes.data(), std::ssize(bytes));
        out.add(std::string_view(bytes).substr(0, static_cast<std::size_t>(in.gcount())));
    }
    return out.hex();
}

}  // namespace

result<audit_report> audit_remote(remote_shop of, const audit_progress& told) {
    const turning_loops turning(of.loops, of.loops_run);
    STOA_TRY(const auto from, house::open({of.from, of.stores, of.loops, of.time, of.ending}));
    return audit_house(*from, plan_of(of.consumers), intents_of(of.from), told);
}

result<std::unique_ptr<backup_stream>> backup_remote(remote_shop of, const audit_progress& told) {
    const turning_loops turning(of.loops, of.loops_run);
    STOA_TRY(const auto from, house::open({of.from, of.stores, of.loops, of.time, of.ending}));
    const auto taken_at = of.time.now();
    auto kept = std::make_shared<copied_shop>();
    try {
        if (from->is_served(from->see_beats(), of.time.ticks())) return fail(still_served());
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    STOA_TRY(kept->place, temporary_copy::make());
    auto plan = plan_of(of.consumers);
    plan.directory = kept->place->path();
    plan.whole = true;
    plan.told = told;
    STOA_TRY(const auto copied, copy_house(*from, plan));
    if (copied.served) return fail(still_served());
    STOA_TRY(kept->shop, sqlite_shop::open(copied.shop, of.time));
    STOA_TRY(kept->provider, sqlite_shop::open(copied.provider, of.time));
    STOA_TRY(auto at, take_moment(*kept->shop, *kept->provider));
    const auto directory = kept->place->path();
    return std::make_unique<backup_stream>(
        std::move(at), directory,
        backups::header{
            .stoa = STOA_VERSION, .taken_at = taken_at, .currency = of.from.currency("currency")},
        std::move(kept));
}

result<restore_report> restore_into_engines(const settings& from, const std::string& file,
                                            const audit_progress& told) {
    system_clock time;
    system_random random;
    STOA_TRY(const auto place, temporary_copy::make());
    const auto directory = place->path() + "/shop";
    const auto under = [&](const std::string& where) { return provider_options(from, where); };
    // All of it is read and found whole before anything is written elsewhere.
    STOA_TRY(
        const auto report,
        restore_backup(
            {.file = file,
             .directory = directory,
             .shop = [&](const std::string& where) { return shop_options(from, where); },
             .provider = under,
             .currency = from.currency("currency")},
            time, [&](std::int64_t done, std::int64_t all) { told("the backup", done, all); }));
    STOA_TRY_VOID(engines::make(from));
    STOA_TRY(const auto shop, sqlite_shop::open(shop_options(from, directory), time));
    STOA_TRY(const auto provider,
             sqlite_shop::open(under(directory + '/' + std::string(provider_directory)), time));
    STOA_TRY(const auto at, take_moment(*shop, *provider));
    loop_set loops(1);
    blocking_pool files("files", 2, 256);
    STOA_TRY(const auto whole, from.with({{"target", "all"}}));
    STOA_TRY(const auto targets, target_set::read(whole));
    STOA_TRY(const auto stores, engines::open(whole, {.loops = loops,
                                                      .time = time,
                                                      .random = random,
                                                      .files = files,
                                                      .epoch = new_id(time, random),
                                                      .targets = targets,
                                                      .restores = true}));
    result<void> filled;
    {
        const turning_loops turning(loops, false);
        auto to = house::open({whole, *stores, loops, time});
        if (!to) return std::unexpected(std::move(to).error());
        filled = fill_house(**to, {.shop = *at.shop,
                                   .provider = *at.provider,
                                   .directory = directory,
                                   .backup_id = digest_of(file),
                                   .told = told});
    }
    stores->close();
    if (!filled) return std::unexpected(std::move(filled).error());
    return report;
}

}  // namespace stoa
