#include "transport/lambda/embedded_metrics.hpp"

#include "base/json.hpp"

#include <charconv>

namespace stoa::lambda {
namespace {

void append_number(std::string& to, double n) {
    char digits[32];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

void append_member(std::string& to, std::string_view name, std::string_view text) {
    to += ',';
    append_json_string(to, name);
    to += ':';
    append_json_string(to, text);
}

}  // namespace

std::vector<std::string> embedded_metrics::lines(timestamp now) {
    std::map<metric_labels, std::map<std::string, double>> grown;
    for (const auto& each : of_.counters()) {
        auto& told = told_[{each.name, each.labels}];
        if (each.value > told) grown[each.labels][each.name] = each.value - told;
        told = each.value;
    }
    std::vector<std::string> out;
    for (const auto& [labels, values] : grown) out.push_back(line(labels, values, now));
    return out;
}

std::string embedded_metrics::line(const metric_labels& labels,
                                   const std::map<std::string, double>& grown,
                                   timestamp now) const {
    std::string out = R"({"_aws":{"Timestamp":)" + std::to_string(now.micros / 1000) +
                      R"(,"CloudWatchMetrics":[{"Namespace":)";
    append_json_string(out, metric_namespace);
    out += R"(,"Dimensions":[["function")";
    for (const auto& [name, value] : labels) {
        out += ',';
        append_json_string(out, name);
    }
    out += R"(]],"Metrics":[)";
    const char* between = "";
    for (const auto& [name, value] : grown) {
        (out += std::exchange(between, ",")) += R"({"Name":)";
        append_json_string(out, name);
        out += name.ends_with("_bytes_total") ? R"(,"Unit":"Bytes"})" : R"(,"Unit":"Count"})";
    }
    out += "]}]}";
    append_member(out, "function", function_);
    for (const auto& [name, value] : labels) append_member(out, name, value);
    for (const auto& [name, value] : grown) {
        out += ',';
        append_json_string(out, name);
        out += ':';
        append_number(out, value);
    }
    return out + '}';
}

}  // namespace stoa::lambda
