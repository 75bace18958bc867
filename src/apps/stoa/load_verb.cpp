#include "apps/stoa/load_verb.hpp"

#include "adapters/system/system_clock.hpp"
#include "apps/stoa/commands.hpp"
#include "base/json.hpp"
#include "transport/http/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace stoa {
namespace {

struct answers_like {
    std::string answer;
    std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(answers_like, (), (answer, count))
struct kind_report {
    std::string kind;
    std::int64_t offered = 0, dropped = 0, good = 0, refused = 0, failed = 0;
    std::int64_t p50_us = 0, p90_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
    std::vector<answers_like> answers;
};
BOOST_DESCRIBE_STRUCT(kind_report, (),
                      (kind, offered, dropped, good, refused, failed, p50_us, p90_us, p99_us,
                       p999_us, max_us, answers))
struct load_report {
    std::string url;
    std::int64_t lasted_ms = 0;
    std::vector<kind_report> kinds;
    std::optional<std::int64_t> last_order_settled_ms;
    std::vector<std::string> out_of_bounds;
};
BOOST_DESCRIBE_STRUCT(load_report, (),
                      (url, lasted_ms, kinds, last_order_settled_ms, out_of_bounds))

kind_report report_of(load_kind kind, const load_tally& of) {
    kind_report out{.kind = std::string(load_kind_names[static_cast<std::size_t>(kind)]),
                    .offered = of.offered,
                    .dropped = of.dropped,
                    .good = of.good,
                    .refused = of.refused,
                    .failed = of.failed,
                    .p50_us = of.took.quantile_us(0.5),
                    .p90_us = of.took.quantile_us(0.9),
                    .p99_us = of.took.quantile_us(0.99),
                    .p999_us = of.took.quantile_us(0.999),
                    .max_us = of.took.max_us(),
                    .answers = {}};
    for (const auto& [answer, count] : of.answers) out.answers.push_back({answer, count});
    return out;
}

std::string count_of(std::int64_t n, const std::string& what) {
    return std::to_string(n) + ' ' + what;
}

// In words for a person; none: all was within bounds.
std::vector<std::string> out_of_bounds(const load_options& bounds, const kind_report& of) {
    std::vector<std::string> out;
    if (of.dropped > 0)
        out.push_back(of.kind + ": " + count_of(of.dropped, "arrivals were not sent, as ") +
                      std::to_string(bounds.most_in_flight) +
                      " were in flight: the shop does not keep up, or --in-flight is too low");
    if (static_cast<double>(of.failed) >
        static_cast<double>(of.offered) * bounds.most_failed_percent / 100)
        out.push_back(of.kind + ": " + count_of(of.failed, "failed"));
    if (bounds.p99_ms > 0 && of.p99_us > bounds.p99_ms * 1'000)
        out.push_back(of.kind + ": p99 is over " + std::to_string(bounds.p99_ms) + " ms");
    return out;
}

double ms(std::int64_t us) { return static_cast<double>(us) / 1e3; }

void print(const load_report& all) {
    std::printf("%-8s %9s %9s %9s %8s %8s %8s   %8s %8s %8s %8s %8s ms\n", "", "offered", "good",
                "good/s", "refused", "failed", "dropped", "p50", "p90", "p99", "p99.9", "max");
    for (const auto& each : all.kinds)
        std::printf("%-8s %9lld %9lld %9.1f %8lld %8lld %8lld   %8.2f %8.2f %8.2f %8.2f %8.2f\n",
                    each.kind.c_str(), static_cast<long long>(each.offered),
                    static_cast<long long>(each.good),
                    static_cast<double>(each.good) * 1e3 /
                        static_cast<double>(std::max<std::int64_t>(1, all.lasted_ms)),
                    static_cast<long long>(each.refused), static_cast<long long>(each.failed),
                    static_cast<long long>(each.dropped), ms(each.p50_us), ms(each.p90_us),
                    ms(each.p99_us), ms(each.p999_us), ms(each.max_us));
    for (const auto& each : all.kinds)
        for (const auto& [answer, n] : each.answers)
            if (!answer.starts_with('2'))
                std::printf("%-8s %s: %lld\n", each.kind.c_str(), answer.c_str(),
                            static_cast<long long>(n));
    if (all.last_order_settled_ms)
        std::printf("The last order was settled %lld ms after the end\n",
                    static_cast<long long>(*all.last_order_settled_ms));
    for (const auto& each : all.out_of_bounds) std::printf("OUT OF BOUNDS %s\n", each.c_str());
}

// A line a second, for whoever waits.
task<> tell(const load_run& of, clock& time, const bool& over) {
    for (int s = 1;; ++s) {
        co_await time.sleep(seconds(1));
        if (over) co_return;
        std::int64_t good = 0, other = 0;
        latency_histogram took;
        for (const auto& each : of.tallies()) {
            good += each.good;
            other += each.refused + each.failed + each.dropped;
            took.add(each.took);
        }
        std::fprintf(stderr, "%4d s  %lld good, %lld not, %d in flight, p99 %.1f ms\n", s,
                     static_cast<long long>(good), static_cast<long long>(other), of.in_flight(),
                     ms(took.quantile_us(0.99)));
    }
}

task<result<load_report>> measure(load_run& run, clock& time, const load_options& options) {
    STOA_CO_TRY_VOID(co_await run.prepare());
    bool over = false;
    asio::co_spawn(co_await asio::this_coro::executor, tell(run, time, over), asio::detached);
    co_await run.run();
    over = true;
    load_report out{.url = options.url, .lasted_ms = run.arrived_for().count()};
    for (const auto kind : load_kinds) {
        const auto& of = run.tallies()[static_cast<std::size_t>(kind)];
        if (of.offered == 0) continue;
        out.kinds.push_back(report_of(kind, of));
        for (auto& each : out_of_bounds(options, out.kinds.back()))
            out.out_of_bounds.push_back(std::move(each));
    }
    if (const auto settled = co_await run.settled(seconds(30)))
        out.last_order_settled_ms = settled->count();
    co_return out;
}

}  // namespace

int run_load(const load_options& options) {
    auto url = options.url;
    while (url.ends_with('/')) url.pop_back();
    if (const auto good = http::check_url(url); !good) return complain(good.error()), 2;
    if (std::ranges::all_of(options.per_second, [](double rate) { return rate == 0; }))
        return complain({.detail = "every rate is 0: nothing would be sent"}), 2;
    if (options.ramp_s > options.for_s)
        return complain({.detail = "--ramp is longer than --for: the rates would not be reached"}),
               2;
    std::signal(SIGPIPE, SIG_IGN);
    loop on(1);
    system_clock time;
    system_random random;
    supervisor background(on);
    http::async_client client(on, {.connections_per_origin = options.most_in_flight,
                                   .idle_per_origin = options.most_in_flight});
    load_run run({client, time, background}, {.url = url,
                                              .per_second = options.per_second,
                                              .lasts = seconds(options.for_s),
                                              .ramp = seconds(options.ramp_s),
                                              .most_in_flight = options.most_in_flight,
                                              .buyers = options.buyers,
                                              .seed = options.seed,
                                              .run = std::to_string(random.next())});
    asio::signal_set signals(on, SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code error, int) {
        if (error) return;
        run.stop();
        signals.clear();  // a second one ends the process
    });
    result<load_report> told = fail(errc::internal, "load_ended_early");
    asio::co_spawn(on, measure(run, time, options),
                   [&](const std::exception_ptr& thrown, result<load_report> outcome) {
                       signals.cancel();
                       if (thrown) std::rethrow_exception(thrown);
                       told = std::move(outcome);
                       on.stop();
                   });
    on.run();
    if (!told) {
        auto why = told.error();
        why.detail = url + ": " + (why.detail.empty() ? why.code : why.detail);
        return complain(why);
    }
    if (options.as_json) std::printf("%s\n", to_json(*told).c_str());
    else print(*told);
    return told->out_of_bounds.empty() ? 0 : 1;
}

}  // namespace stoa
