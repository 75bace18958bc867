#include "apps/stoa/audit_engines.hpp"

#include "apps/stoa/audit_moment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

namespace stoa {
namespace {

// What one look may doubt before the second says which of it stands.
constexpr std::size_t most_suspicions = 100'000, most_findings = 1'000;
// Changes that were on their way have ended by then.
constexpr seconds settling{10};

struct look {
    audit_report report;
    bool served = false;
};

result<look> look_once(house& of, house_plan plan, const kv_table* intents,
                       const audit_progress& told) {
    STOA_TRY(const auto place, temporary_copy::make());
    plan.directory = place->path();
    plan.told = [&](std::string_view step, std::int64_t done, std::int64_t all) {
        if (told) told(step, done, all);
    };
    STOA_TRY(const auto copied, copy_house(of, plan));
    STOA_TRY(const auto shop, sqlite_shop::open(copied.shop, of.time()));
    STOA_TRY(const auto provider, sqlite_shop::open(copied.provider, of.time()));
    STOA_TRY(const auto at, take_moment(*shop, *provider));
    STOA_TRY(auto report, audit({.shop = *at.shop,
                                 .provider = intents ? at.provider.get() : nullptr,
                                 .intents = intents,
                                 .now = of.time().now(),
                                 .late_from = copied.served ? &copied.before : nullptr,
                                 .pipelines = of.from().list("analytics_pipelines"),
                                 .most_findings = most_suspicions},
                                told));
    return look{std::move(report), copied.served};
}

using doubt = std::tuple<std::string, std::string, std::string>;
doubt doubt_of(const audit_finding& of) { return {of.name, of.subject, of.what}; }

// What both looks found, told by the second.
audit_report settled(const audit_report& first, audit_report second) {
    std::set<doubt> before;
    for (const auto& each : first.findings) before.insert(doubt_of(each));
    const auto all = std::ssize(second.findings);
    std::erase_if(second.findings,
                  [&](const audit_finding& each) { return !before.contains(doubt_of(each)); });
    const auto gone = all - std::ssize(second.findings);
    second.unsettled = gone;
    second.broken -= gone;
    return second;
}

}  // namespace

result<std::unique_ptr<temporary_copy>> temporary_copy::make() {
    std::error_code why;
    const auto parent = std::filesystem::temp_directory_path(why);
    auto path = (parent / "stoa-house-XXXXXX").string();
    if (why || !mkdtemp(path.data()))
        return fail(errc::internal, "no_directory",
                    path + ": " + (why ? why.message() : std::strerror(errno)) +
                        ". Set TMPDIR to a directory with room for a copy of the shop");
    return std::unique_ptr<temporary_copy>(new temporary_copy(std::move(path)));
}

temporary_copy::~temporary_copy() {
    std::error_code ignored;  // a leftover in the temporary directory harms nobody
    std::filesystem::remove_all(path_, ignored);
}

result<audit_report> audit_house(house& of, house_plan plan, const kv_table* intents,
                                 const audit_progress& told) {
    STOA_TRY(auto once, look_once(of, plan, intents, told));
    if (once.report.broken > 0 && once.served) {
        try {
            if (told) told("what settles", 0, 0);
            of.pause(settling);
        } catch (const sql_failure& failure) {
            return fail(failure.why);
        }
        STOA_TRY(auto again, look_once(of, plan, intents, told));
        once.report = settled(once.report, std::move(again.report));
        once.report.clean = once.report.broken == 0;
    }
    if (once.report.findings.size() > most_findings) once.report.findings.resize(most_findings);
    return std::move(once.report);
}

}  // namespace stoa
