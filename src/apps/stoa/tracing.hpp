// Traces of one process: the tracer that the loops end their spans in and that remembers the latest
// `trace_memory` of them; where `otlp_endpoint` is set, the exporter with its client, too.
#pragma once

#include "apps/stoa/settings.hpp"
#include "runtime/supervisor.hpp"
#include "transport/http/client.hpp"
#include "transport/otlp/exporter.hpp"

namespace stoa {

// Thread rule: start(), flush() and close() on the loop it was made for; spans() from any.
class tracing {
 public:
    struct needs {
        loop& on;
        clock& time;
        random_source& random;
        metrics& measured;
        std::string epoch;  // of this process
    };
    // Null where traces are off. Errors name the setting that does not fit.
    static result<std::unique_ptr<tracing>> open(const settings& from, needs ports);
    tracing(const settings& from, needs ports);

    tracer& spans() { return spans_; }
    void start(supervisor& background);
    // After the supervisor has stopped: sends what waits, within the time.
    task<> flush(milliseconds within);
    void close() { client_.reset(); }  // before the loop goes; the rest goes after it

 private:
    tracer spans_;
    std::unique_ptr<http::async_client> client_;
    std::unique_ptr<otlp::exporter> sends_;  // null: nobody collects
};

}  // namespace stoa
