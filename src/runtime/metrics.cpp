#include "runtime/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace stoa {
namespace {

prometheus::Labels as_labels(const metric_labels& labels) { return {labels.begin(), labels.end()}; }

struct asked_series {
    std::string name, help;
    prometheus::MetricType type;
    std::function<std::vector<std::pair<metric_labels, double>>()> read;
};

}  // namespace

struct metrics::state {
    prometheus::Registry registry;
    std::mutex mutex;  // guards the tables below, not the metrics: those are atomic
    std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
    std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms;
    std::vector<asked_series> asked;
};

void metric_counter::add(double n) const {
    if (counter_) static_cast<prometheus::Counter*>(counter_)->Increment(n);
}
void metric_histogram::observe(double value) const {
    if (histogram_) static_cast<prometheus::Histogram*>(histogram_)->Observe(value);
}

metrics::metrics() : state_(std::make_unique<state>()) {}
metrics::~metrics() = default;

metric_counter metrics::counter(const std::string& name, const std::string& help,
                                const metric_labels& labels) {
    const std::scoped_lock lock(state_->mutex);
    auto*& known = state_->counters[name];
    if (!known)
        known = &prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry);
    metric_counter out;
    out.counter_ = &known->Add(as_labels(labels));
    return out;
}

metric_histogram metrics::duration(const std::string& name, const std::string& help,
                                   const metric_labels& labels) {
    static const prometheus::Histogram::BucketBoundaries bounds{
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
        0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
    const std::scoped_lock lock(state_->mutex);
    auto*& known = state_->histograms[name];
    if (!known)
        known = &prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry);
    metric_histogram out;
    out.histogram_ = &known->Add(as_labels(labels), bounds);
    return out;
}

void metrics::gauge(const std::string& name, const std::string& help, const metric_labels& labels,
                    std::function<double()> read) {
    gauges(name, help, [labels, read = std::move(read)] {
        return std::vector<std::pair<metric_labels, double>>{{labels, read()}};
    });
}

void metrics::gauges(const std::string& name, const std::string& help,
                     std::function<std::vector<std::pair<metric_labels, double>>()> read) {
    const std::scoped_lock lock(state_->mutex);
    state_->asked.push_back({name, help, prometheus::MetricType::Gauge, std::move(read)});
}

void metrics::counts(const std::string& name, const std::string& help,
                     std::function<std::vector<std::pair<metric_labels, double>>()> read) {
    const std::scoped_lock lock(state_->mutex);
    state_->asked.push_back({name, help, prometheus::MetricType::Counter, std::move(read)});
}

std::vector<metrics::counted> metrics::counters() const {
    std::vector<counted> out;
    for (const auto& family : state_->registry.Collect()) {
        if (family.type != prometheus::MetricType::Counter) continue;
        for (const auto& each : family.metric) {
            auto& one = out.emplace_back(family.name, metric_labels(), each.counter.value);
            for (const auto& label : each.label) one.labels.emplace_back(label.name, label.value);
        }
    }
    return out;
}

std::string metrics::text() const {
    auto families = state_->registry.Collect();
    const std::scoped_lock lock(state_->mutex);
    std::map<std::string, prometheus::MetricFamily> asked;
    for (const auto& each : state_->asked) {
        auto& out = asked[each.name];
        out.name = each.name;
        out.help = each.help;
        out.type = each.type;
        for (const auto& [labels, value] : each.read()) {
            prometheus::ClientMetric sample;
            for (const auto& [key, text] : labels) sample.label.push_back({key, text});
            (each.type == prometheus::MetricType::Counter ? sample.counter.value
                                                          : sample.gauge.value) = value;
            out.metric.push_back(std::move(sample));
        }
    }
    for (auto& [name, made] : asked) families.push_back(std::move(made));
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace stoa
