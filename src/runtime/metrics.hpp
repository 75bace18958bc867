// Metrics, kept by prometheus-cpp and served by the admin listener. Names follow the requirements
// (R212, R214); labels are bounded: routes and topics, never users.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace stoa {

using metric_labels = std::vector<std::pair<std::string, std::string>>;

// Handles are cheap to copy, live as long as the registry, and may be used from any thread.
class metric_counter {
 public:
    void add(double n = 1) const;

 private:
    friend class metrics;
    void* counter_ = nullptr;
};
class metric_histogram {
 public:
    void observe(double value) const;

 private:
    friend class metrics;
    void* histogram_ = nullptr;
};

class metrics {
 public:
    metrics();
    ~metrics();
    metrics(const metrics&) = delete;
    metrics& operator=(const metrics&) = delete;

    metric_counter counter(const std::string& name, const std::string& help,
                           const metric_labels& labels = {});
    // Buckets for durations in seconds.
    metric_histogram duration(const std::string& name, const std::string& help,
                              const metric_labels& labels = {});
    // Asked at each scrape; must not block.
    void gauge(const std::string& name, const std::string& help, const metric_labels& labels,
               std::function<double()> read);
    // Several series of one name whose labels are known only at the scrape.
    void gauges(const std::string& name, const std::string& help,
                std::function<std::vector<std::pair<metric_labels, double>>()> read);

    // The same for what only grows.
    void counts(const std::string& name, const std::string& help,
                std::function<std::vector<std::pair<metric_labels, double>>()> read);

    struct counted {
        std::string name;
        metric_labels labels;
        double value;
    };
    std::vector<counted> counters() const;  // those of counter()

    std::string text() const;  // Prometheus text exposition format 0.0.4

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace stoa
