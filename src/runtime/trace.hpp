// Traces: contexts that travel as W3C traceparent, spans as OpenTelemetry has them, the bounded
// queue between the loops that end spans and the exporter that sends them, and the latest of them
// for whoever asks this process. Off is a null tracer: an active_span on it costs one test.
#pragma once

#include "base/time.hpp"
#include "runtime/metrics.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace stoa {

// Where a caller stands: its trace, its span, and whether the trace is kept.
struct trace_context {
    std::uint64_t trace_high = 0,
                  trace_low = 0;  // the 16 bytes of the id, big-endian; never both 0
    std::uint64_t span_id = 0;
    bool sampled = false;

    friend bool operator==(const trace_context&, const trace_context&) = default;
};

// W3C Trace Context: <version>-<32 hex>-<16 hex>-<2 hex>, lower case. Later versions may go on
// after a further dash. Nothing for anything else, for version ff and for ids of zeros.
std::optional<trace_context> read_traceparent(std::string_view text);
std::string write_traceparent(const trace_context& of);  // version 00, 55 characters
std::string trace_id_text(const trace_context& of);      // 32 hexadecimal digits
std::string span_id_text(std::uint64_t span_id);         // 16 hexadecimal digits

// The numbers are OTLP's.
enum class span_kind : std::uint8_t { internal = 1, server, client, producer, consumer };

struct span_attribute {
    std::string key;
    std::variant<std::int64_t, std::string> value;
};

struct span {
    trace_context self;
    std::uint64_t parent_id = 0;  // 0: the first of its trace
    std::string name;
    span_kind kind = span_kind::internal;
    std::int64_t start_nanos = 0, end_nanos = 0;  // since 1970, by the wall clock at the start
    std::optional<std::string> failure;  // status error, with what to say about it (may be empty)
    std::vector<span_attribute> attributes;  // never personal: routes, types and codes, no ids
};

// Thread rule: any thread. Outlives every active_span.
class tracer {
 public:
    // Time and chance as the ports give them.
    struct needs {
        std::function<timestamp()> now;
        std::function<instant()> ticks;
        std::function<std::uint64_t()> random;
        metrics& measured;
    };
    // `ratio` of the traces that begin here is kept (0 … 1); a trace that began elsewhere is kept
    // as its traceparent says. At most `queue_limit` spans wait; more are dropped and counted. The
    // latest `remembered` spans can be asked for.
    //
    // With a queue limit of 0 nobody takes spans away: what is kept of the traces beginning here is
    // what is marked as worth it, whatever the ratio.
    tracer(needs ports, double ratio, std::size_t queue_limit = 8'192, std::size_t remembered = 0);
    tracer(const tracer&) = delete;
    tracer& operator=(const tracer&) = delete;

    // A new span's context under `parent`, or of a new trace where there is none.
    trace_context next(const std::optional<trace_context>& parent, bool worth_it = false);
    // Never waits: a full queue drops the span.
    void offer(span ended);
    std::vector<span> take(std::size_t most);  // oldest first
    std::size_t waiting() const;
    bool exports() const { return queue_limit_ > 0; }
    // Those remembered of these traces, in the order of their starts.
    std::vector<span> remembered(const std::vector<trace_context>& traces) const;

    timestamp now() const { return ports_.now(); }
    instant ticks() const { return ports_.ticks(); }

 private:
    std::uint64_t random_not_zero();

    needs ports_;
    double ratio_;
    std::size_t queue_limit_;
    metric_counter dropped_;
    mutable std::mutex mutex_;  // held for a push or a cut, never while anything waits
    std::deque<span> queue_;
    std::size_t remember_limit_;
    std::vector<span> remembered_;  // a ring, once it is full
    std::size_t oldest_ = 0;        // in it
};

// The counter of spans that never arrive anywhere, by reason.
metric_counter dropped_spans(metrics& measured, const char* reason);

// A span under way: begins with the object and ends with it, whatever ends the frame. On a null
// tracer, or in a trace that is not kept, it records nothing.
class active_span {
 public:
    active_span() = default;
    // `parent` is a traceparent; ill-formed or empty begins a new trace.
    active_span(tracer* by, std::string_view parent, std::string_view name, span_kind kind,
                bool worth_it = false) {
        if (by) begin(*by, parent, name, kind, worth_it);
    }
    ~active_span() { end(); }
    active_span(active_span&&) noexcept = default;
    active_span& operator=(active_span&& other) noexcept {
        end();
        by_ = other.by_;
        traceparent_ = std::move(other.traceparent_);
        made_ = std::move(other.made_);
        start_ticks_ = other.start_ticks_;
        return *this;
    }

    bool recording() const { return made_ != nullptr; }
    // For what is called under this span; empty on a null tracer only.
    const std::string& traceparent() const { return traceparent_; }
    void set(std::string_view key, std::string_view text) {
        if (made_) made_->attributes.push_back({std::string(key), std::string(text)});
    }
    void set(std::string_view key, std::int64_t number) {
        if (made_) made_->attributes.push_back({std::string(key), number});
    }
    void fail(std::string_view why) {
        if (made_) made_->failure = why;
    }
    void end();

 private:
    void begin(tracer& by, std::string_view parent, std::string_view name, span_kind kind,
               bool worth_it);

    tracer* by_ = nullptr;
    std::string traceparent_;
    std::unique_ptr<span> made_;
    instant start_ticks_;
};

}  // namespace stoa
