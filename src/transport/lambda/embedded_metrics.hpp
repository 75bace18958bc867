// Metrics of a process that nobody can scrape: CloudWatch takes them out of lines of its log
// ("Specification: Embedded metric format" in Amazon's guide).
#pragma once

#include "base/time.hpp"
#include "runtime/metrics.hpp"

#include <map>
#include <string>
#include <vector>

namespace stoa::lambda {

inline constexpr std::string_view metric_namespace = "Stoa";

// Thread rule: one thread.
class embedded_metrics {
 public:
    // `function`: the name under which CloudWatch shows them, as a dimension.
    embedded_metrics(const metrics& of, std::string function)
        : of_(of), function_(std::move(function)) {}

    // What counters grew by since the last call: a JSON object, without its line end, for each set
    // of labels, which are dimensions. None where nothing grew.
    std::vector<std::string> lines(timestamp now);

 private:
    std::string line(const metric_labels& labels, const std::map<std::string, double>& grown,
                     timestamp now) const;

    const metrics& of_;
    std::string function_;
    std::map<std::pair<std::string, metric_labels>, double> told_;
};

}  // namespace stoa::lambda
