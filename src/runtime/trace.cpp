#include "runtime/trace.hpp"

#include <algorithm>
#include <utility>

namespace stoa {
namespace {

constexpr std::size_t traceparent_size = 55;

// 16 digits to a number. Upper case is ill-formed in a traceparent.
std::optional<std::uint64_t> read_hex(std::string_view digits) {
    std::uint64_t out = 0;
    for (const char c : digits) {
        if (c >= '0' && c <= '9') out = out << 4 | static_cast<std::uint64_t>(c - '0');
        else if (c >= 'a' && c <= 'f') out = out << 4 | static_cast<std::uint64_t>(c - 'a' + 10);
        else return {};
    }
    return out;
}

void append_hex(std::string& out, std::uint64_t number) {
    static constexpr std::string_view digits = "0123456789abcdef";
    for (int shift = 60; shift >= 0; shift -= 4) out += digits[(number >> shift) & 15];
}

}  // namespace

std::optional<trace_context> read_traceparent(std::string_view text) {
    if (text.size() < traceparent_size) return {};
    const auto version = read_hex(text.substr(0, 2));
    if (!version || *version == 0xff) return {};
    const bool longer = text.size() > traceparent_size;
    if (longer && (*version == 0 || text[traceparent_size] != '-')) return {};
    if (text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
    const auto high = read_hex(text.substr(3, 16)), low = read_hex(text.substr(19, 16)),
               span = read_hex(text.substr(36, 16)), flags = read_hex(text.substr(53, 2));
    if (!high || !low || !span || !flags || (*high | *low) == 0 || *span == 0) return {};
    return trace_context{*high, *low, *span, (*flags & 1) != 0};
}

std::string write_traceparent(const trace_context& of) {
    std::string out;
    out.reserve(traceparent_size);
    out += "00-";
    append_hex(out, of.trace_high);
    append_hex(out, of.trace_low);
    out += '-';
    append_hex(out, of.span_id);
    out += of.sampled ? "-01" : "-00";
    return out;
}

std::string trace_id_text(const trace_context& of) {
    std::string out;
    append_hex(out, of.trace_high);
    append_hex(out, of.trace_low);
    return out;
}

std::string span_id_text(std::uint64_t span_id) {
    std::string out;
    append_hex(out, span_id);
    return out;
}

metric_counter dropped_spans(metrics& measured, const char* reason) {
    return measured.counter("trace_spans_dropped_total", "Spans that no collector got, by reason.",
                            {{"reason", reason}});
}

tracer::tracer(needs ports, double ratio, std::size_t queue_limit, std::size_t remembered)
    : ports_(std::move(ports)),
      ratio_(ratio),
      queue_limit_(queue_limit),
      dropped_(dropped_spans(ports_.measured, "queue_full")),
      remember_limit_(remembered) {}

std::uint64_t tracer::random_not_zero() {
    for (;;)
        if (const auto drawn = ports_.random(); drawn != 0) return drawn;
}

trace_context tracer::next(const std::optional<trace_context>& parent, bool worth_it) {
    trace_context out = parent.value_or(trace_context{});
    if (!parent) {
        out.trace_high = random_not_zero();
        out.trace_low = random_not_zero();
        // From the id itself, so that other parts of the trace with the same ratio decide alike.
        out.sampled =
            exports() ? static_cast<double>(out.trace_low >> 11) * 0x1p-53 < ratio_ : worth_it;
    }
    out.span_id = random_not_zero();
    return out;
}

void tracer::offer(span ended) {
    {
        const std::scoped_lock lock(mutex_);
        if (remembered_.size() < remember_limit_) {
            remembered_.push_back(ended);
        } else if (remember_limit_ > 0) {
            remembered_[oldest_] = ended;
            oldest_ = (oldest_ + 1) % remember_limit_;
        }
        if (!exports()) return;
        if (queue_.size() < queue_limit_) {
            queue_.push_back(std::move(ended));
            return;
        }
    }
    dropped_.add();
}

std::vector<span> tracer::take(std::size_t most) {
    const std::scoped_lock lock(mutex_);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(most, queue_.size()));
    std::vector<span> out(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    return out;
}

std::vector<span> tracer::remembered(const std::vector<trace_context>& traces) const {
    std::vector<span> out;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& each : remembered_)
            if (std::ranges::any_of(traces, [&](const trace_context& wanted) {
                    return wanted.trace_low == each.self.trace_low &&
                           wanted.trace_high == each.self.trace_high;
                }))
                out.push_back(each);
    }
    std::ranges::sort(
        out, {}, [](const span& each) { return std::pair(each.start_nanos, each.self.span_id); });
    return out;
}

std::size_t tracer::waiting() const {
    const std::scoped_lock lock(mutex_);
    return queue_.size();
}

void active_span::begin(tracer& by, std::string_view parent, std::string_view name, span_kind kind,
                        bool worth_it) {
    by_ = &by;
    const auto above = read_traceparent(parent);
    const auto self = by.next(above, worth_it);
    traceparent_ = write_traceparent(self);
    if (!self.sampled) return;
    made_ = std::make_unique<span>();
    made_->self = self;
    made_->parent_id = above ? above->span_id : 0;
    made_->name = name;
    made_->kind = kind;
    made_->start_nanos = by.now().micros * 1'000;
    start_ticks_ = by.ticks();
}

void active_span::end() {
    if (!made_) return;
    // The wall clock may jump meanwhile: what is measured is monotonic.
    made_->end_nanos = made_->start_nanos + (by_->ticks() - start_ticks_).count();
    by_->offer(std::move(*made_));
    made_.reset();
}

}  // namespace stoa
