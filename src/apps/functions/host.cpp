#include "apps/functions/host.hpp"

#include "adapters/system/system_clock.hpp"
#include "runtime/log.hpp"
#include "runtime/supervisor.hpp"
#include "transport/http/client.hpp"
#include "transport/lambda/embedded_metrics.hpp"
#include "transport/lambda/lambda_runtime.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <optional>

namespace stoa::functions {
namespace {

constexpr std::string_view usage =
    "A function of the shop for AWS Lambda. It is started by Lambda, with _HANDLER or the argument "
    "naming it:\n";

std::string names(std::span<const function_row> rows) {
    std::string out;
    for (const auto& each : rows) (out += out.empty() ? "" : ", ") += each.name;
    return out;
}

void print(std::FILE* to, std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); }

struct process {  // outlives its tasks
    process(aws::environment given, std::span<const function_row> its_rows, std::string its_name)
        : from(std::move(given)),
          rows(its_rows),
          handler(std::move(its_name)),
          runtime_http(on, {.answer_limit_bytes = lambda::largest_event_bytes}) {}

    std::string variable(std::string_view name) const { return from(name).value_or(""); }
    result<std::unique_ptr<function>> open() {
        const auto* const row = find_function(rows, handler);
        if (!row)
            return fail(
                errc::invalid, "handler_unknown",
                "the function's handler is '" + handler + "'; it must be one of " + names(rows));
        return row->open({on, time, random, pool, measured, from, variable("STOA_CA_FILE")});
    }

    aws::environment from;
    std::span<const function_row> rows;
    std::string handler;
    loop on{1};
    system_clock time;
    system_random random;
    metrics measured;
    http::async_client runtime_http;
    supervisor tasks{on};
    asio::signal_set signals{on, SIGTERM, SIGINT};
    blocking_pool pool{"blocking", 1, 64};
};

// An event that is being handled is answered first; Lambda kills what takes too long.
task<> watch_signals(process& here, lambda::runtime& runtime) {
    boost::system::error_code none;
    co_await here.signals.async_wait(asio::redirect_error(use_task, none));
    if (none) co_return;
    runtime.end();
    if (!runtime.busy()) co_await here.tasks.stop();
}

// Says after each event what its counters grew by: nobody scrapes a function.
class told_function final : public function {
 public:
    told_function(function& of, process& here)
        : of_(of),
          here_(here),
          metrics_(here.measured, here.from("AWS_LAMBDA_FUNCTION_NAME").value_or(here.handler)) {}
    task<result<outcome>> handle(trigger what, invocation call) override {
        auto out = co_await of_.handle(std::move(what), std::move(call));
        for (const auto& line : metrics_.lines(here_.time.now())) print(stdout, line + '\n');
        std::fflush(stdout);
        co_return out;
    }

 private:
    function& of_;
    process& here_;
    lambda::embedded_metrics metrics_;
};

task<> serve(process& here, lambda::runtime& runtime, std::optional<error>& ended) {
    auto opened = here.open();
    if (opened) {
        told_function with(**opened, here);
        if (auto told = co_await runtime.serve(with); !told) ended = std::move(told).error();
    } else {
        (void)co_await runtime.fail_start(opened.error());
        ended = std::move(opened).error();
    }
    here.signals.cancel();
}

int serve_lambda(process& here, std::string address) {
    lambda::runtime runtime(std::move(address), here.runtime_http, here.time);
    std::optional<error> ended;
    supervisor signals(here.on);
    signals.spawn("signals", [&] { return watch_signals(here, runtime); });
    here.tasks.spawn("serve", [&] { return serve(here, runtime, ended); });
    here.on.run();
    if (ended) log_error("function_ended", {{"code", ended->code}, {"detail", ended->detail}});
    flush_log();
    return ended ? 1 : 0;
}

}  // namespace

int run(int count, char** arguments, std::span<const function_row> rows) {
    const std::string_view word = count > 1 ? arguments[1] : "";
    if (word == "--list") {
        for (const auto& each : rows) print(stdout, std::string(each.name) + '\n');
        return 0;
    }
    if (word == "--requirements" && count == 3) {
        const auto* const row = find_function(rows, arguments[2]);
        if (row) print(stdout, requirements_json(*row));
        else print(stderr, "no function is called so; they are " + names(rows) + '\n');
        return row ? 0 : 2;
    }
    const auto from = aws::process_environment();
    const auto address = from("AWS_LAMBDA_RUNTIME_API").value_or("");
    if (count > 2 || word.starts_with('-') || address.empty()) {
        print(stderr, std::string(usage) + names(rows) + '\n' +
                          (address.empty() ? "AWS_LAMBDA_RUNTIME_API is not set.\n" : ""));
        return 2;
    }
    // Lambda stops a process as soon as its event is answered.
    start_log(from("LOG_LEVEL").value_or("info") == "debug" ? log_level::debug : log_level::info,
              log_writing::at_once);
    process here(from, rows, word.empty() ? from("_HANDLER").value_or("") : std::string(word));
    return serve_lambda(here, address);
}

}  // namespace stoa::functions
