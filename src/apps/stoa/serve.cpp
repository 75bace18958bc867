#include "apps/stoa/commands.hpp"
#include "apps/stoa/shoppers.hpp"
#include "apps/stoa/targets.hpp"
#include "apps/stoa/wiring.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;

struct run_state {
    std::unique_ptr<shop> all;
    std::optional<error> failed;
    std::unique_ptr<shoppers> crowd;
    bool draining = false;
};

// Where a person goes next. `demo`: what loading it told; nothing where there is none.
void tell_pages(const run_state& run, const settings& from,
                const std::optional<std::string>& demo) {
    const auto served = target_set::read(from);
    if (!served || !served->has(target::gateway)) return;
    const auto base =
        "http://" + from.address("http").host + ':' + std::to_string(run.all->public_port());
    std::string who = "sign in as an operator; `stoa operator EMAIL` makes one";
    if (demo && demo->find("Operator:") != std::string::npos) who = "sign in as the operator above";
    else if (demo)
        who =
            "sign in as operator@example.com with the password of the first start, or as another "
            "operator: `stoa operator EMAIL` makes one";
    std::printf("Storefront: %s/\nConsole:    %s/console  (%s)\nAPI:        %s/docs\n",
                base.c_str(), base.c_str(), who.c_str(), base.c_str());
}

task<> start_up(run_state& run, const settings& from, serve_options options,
                steady::time_point began) {
    auto started = co_await run.all->start();
    if (!started) {
        run.failed = std::move(started).error();
        co_await run.all->drain();
        run.all->loops().stop();
        co_return;
    }
    const auto took_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began).count();
    const auto http = from.address("http"), admin = from.address("admin");
    std::printf("Stoa is ready at http://%s:%u (in %lld ms; metrics at http://%s:%u/metrics)\n",
                http.host.c_str(), run.all->public_port(), static_cast<long long>(took_ms),
                admin.host.c_str(), run.all->admin_port());
    std::fflush(stdout);
    if (const auto& hidden = run.all->hidden()) {
        log_warning("run_file_not_written", {{"why", hidden->detail}});
        std::fprintf(stderr,
                     "stoa: %s. The shop serves; but `stoa audit`, `backup`, `import` and the like "
                     "will not find it until it is started again with room\n",
                     hidden->detail.c_str());
    }
    log_info("ready", {{"port", run.all->public_port()}, {"after_ms", took_ms}});
    std::optional<std::string> demo;
    if (options.demo) {
        auto told = co_await run.all->load_demo();
        demo = told.value_or("");
        if (!told)
            log_error("demo_failed",
                      {{"code", told.error().code}, {"detail", told.error().detail}});
        else std::fputs(told->c_str(), stdout);
    }
    tell_pages(run, from, demo);
    std::fflush(stdout);
    if (const auto can = co_await run.all->check_pictures(); !can && !run.draining) {
        log_warning("pictures_cannot_be_made",
                    {{"code", can.error().code}, {"detail", can.error().detail}});
        std::fprintf(stderr,
                     "stoa: pictures that are uploaded stay `processing` here. %s. The events wait "
                     "in the dead letters until `stoa redrive`\n",
                     can.error().detail.c_str());
    }
    if (options.shoppers > 0 && !run.draining)
        run.crowd = std::make_unique<shoppers>(run.all->reached_at().http,
                                               run.all->reached_at().token, options.shoppers);
}

task<> shut_down(run_state& run) {
    // Joined on a thread of its own: a shopper may wait for an answer from this very loop.
    std::jthread leaving([crowd = std::move(run.crowd)] {});
    co_await run.all->drain();
    run.all->loops().stop();
}

// The first SIGTERM or SIGINT drains; the second ends at once.
void watch_signals(asio::signal_set& signals, run_state& run) {
    signals.async_wait([&](boost::system::error_code error, int) {
        if (error) return;
        if (run.draining) std::_Exit(130);
        run.draining = true;
        std::puts("Stopping: requests in flight are finished first (again to stop at once)");
        std::fflush(stdout);
        asio::co_spawn(run.all->loops().at(0), shut_down(run),
                       [](const std::exception_ptr& thrown) {
                           if (thrown) std::rethrow_exception(thrown);
                       });
        watch_signals(signals, run);
    });
}

log_level level_of(const std::string& word) {
    if (word == "debug") return log_level::debug;
    if (word == "warning") return log_level::warning;
    if (word == "error") return log_level::error;
    return word == "off" ? log_level::off : log_level::info;
}

}  // namespace

int serve(const settings& from, const serve_options& options) {
    const auto began = steady::now();
    if (const auto fits = target_set::read(from); !fits) return complain(fits.error()), 2;
    std::signal(SIGPIPE, SIG_IGN);
    start_log(level_of(from.text("log_level")));
    auto opened = shop::open(from);
    if (!opened) return complain(opened.error());
    run_state run{.all = *std::move(opened)};
    auto& first = run.all->loops().at(0);
    asio::signal_set signals(first, SIGINT, SIGTERM);
    watch_signals(signals, run);
    asio::co_spawn(first, start_up(run, from, options, began),
                   [](const std::exception_ptr& thrown) {
                       if (thrown) std::rethrow_exception(thrown);
                   });
    run.all->loops().run();
    signals.cancel();
    run.all.reset();
    flush_log();
    if (run.failed) return complain(*run.failed);
    std::puts("Stopped; everything acknowledged is on disk");
    return 0;
}

}  // namespace stoa
