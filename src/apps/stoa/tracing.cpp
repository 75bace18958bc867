#include "apps/stoa/tracing.hpp"

namespace stoa {

result<std::unique_ptr<tracing>> tracing::open(const settings& from, needs ports) {
    if (!from.given("otlp_endpoint")) return nullptr;
    if (auto fits = http::check_url(from.text("otlp_endpoint")); !fits)
        return fail(errc::invalid, "bad_setting", "`otlp_endpoint` is " + fits.error().detail);
    return std::make_unique<tracing>(from, std::move(ports));
}

tracing::tracing(const settings& from, needs ports)
    : spans_({.now = [&time = ports.time] { return time.now(); },
              .ticks = [&time = ports.time] { return time.ticks(); },
              .random = [&random = ports.random] { return random.next(); },
              .measured = ports.measured},
             from.ratio("trace_ratio")),
      client_(std::make_unique<http::async_client>(ports.on)),
      sends_({spans_, *client_, ports.time, ports.random, ports.measured},
             {.endpoint = from.text("otlp_endpoint"),
              .self = {.service_name = from.text("service_name"),
                       .service_version = STOA_VERSION,
                       .instance_id = ports.epoch}}) {}

void tracing::start(supervisor& background) {
    background.spawn("traces", [this] { return sends_.run(); });
}

}  // namespace stoa
