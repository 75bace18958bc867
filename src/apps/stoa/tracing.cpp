#include "apps/stoa/tracing.hpp"

namespace stoa {
namespace {

constexpr std::size_t most_waiting = 8'192;  // spans, for the collector

}  // namespace

result<std::unique_ptr<tracing>> tracing::open(const settings& from, needs ports) {
    if (!from.given("otlp_endpoint") && from.number("trace_memory") == 0) return nullptr;
    if (!from.given("otlp_endpoint")) return std::make_unique<tracing>(from, std::move(ports));
    if (auto fits = http::check_url(from.text("otlp_endpoint")); !fits)
        return fail(errc::invalid, "bad_setting", "`otlp_endpoint` is " + fits.error().detail);
    return std::make_unique<tracing>(from, std::move(ports));
}

tracing::tracing(const settings& from, needs ports)
    : spans_({.now = [&time = ports.time] { return time.now(); },
              .ticks = [&time = ports.time] { return time.ticks(); },
              .random = [&random = ports.random] { return random.next(); },
              .measured = ports.measured},
             from.ratio("trace_ratio"), from.given("otlp_endpoint") ? most_waiting : 0,
             static_cast<std::size_t>(from.number("trace_memory"))) {
    if (!spans_.exports()) return;
    client_ = std::make_unique<http::async_client>(ports.on);
    sends_ = std::make_unique<otlp::exporter>(
        otlp::exporter::needs{spans_, *client_, ports.time, ports.random, ports.measured},
        otlp::exporter_settings{.endpoint = from.text("otlp_endpoint"),
                                .self = {.service_name = from.text("service_name"),
                                         .service_version = STOA_VERSION,
                                         .instance_id = ports.epoch}});
}

void tracing::start(supervisor& background) {
    if (sends_) background.spawn("traces", [this] { return sends_->run(); });
}

task<> tracing::flush(milliseconds within) {
    if (sends_) co_await sends_->flush(within);
}

}  // namespace stoa
