// Sends ended spans to an OTLP/HTTP collector. It never holds anybody up: the tracer's queue is
// bounded, a batch is tried a bounded number of times, and what does not arrive is dropped and
// counted.
#pragma once

#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "transport/otlp/otlp_json.hpp"

namespace stoa::otlp {

struct exporter_settings {
    std::string endpoint;  // http://host:4318, with or without a path; /v1/traces is added
    identity self;
    std::size_t batch = 512;          // spans in a request
    milliseconds collect_for{1'000};  // a smaller batch waits no longer
    milliseconds answer_within{10'000};
    int attempts = 5;  // of a batch, on 429, 502, 503, 504 and where no answer came
    milliseconds first_wait{500}, longest_wait{5'000};  // between them, jittered
};

// Metrics: trace_spans_exported_total, trace_spans_dropped_total{reason}: queue_full,
// no_answer (attempts used up), refused (any other status: the collector will never take it).
//
// Thread rule: one loop. run() is a supervised task; flush() after it was stopped.
class exporter {
 public:
    struct needs {
        tracer& from;
        http_client& to;
        clock& time;
        random_source& random;
        metrics& measured;
    };
    exporter(needs ports, exporter_settings settings);

    // Until cancelled. A batch that is on its way then is kept for flush().
    task<> run();
    // All that waits, within the time; the rest is dropped and counted. A collector that does not
    // answer at all is asked twice, so that a shop beside a dead one still stops quickly.
    task<> flush(milliseconds within);

 private:
    enum class fate : std::uint8_t { taken, refused, again };

    task<> wait_for_batch();
    task<> deliver();  // pending_, to its end
    task<fate> try_once(milliseconds within);
    void settle(fate how);
    void note(bool reachable, std::string_view why);

    needs ports_;
    exporter_settings settings_;
    std::string url_;
    metric_counter exported_, refused_, unanswered_;
    std::vector<span> pending_;     // the batch on its way
    milliseconds told_to_wait_{0};  // by the last answer's Retry-After
    bool reachable_ = true;         // said in the log when it changes
};

}  // namespace stoa::otlp
