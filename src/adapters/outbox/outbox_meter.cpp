#include "adapters/outbox/outbox_meter.hpp"

#include <algorithm>

namespace stoa {

outbox_meter::outbox_meter(metrics& to, clock& time, const std::vector<std::string>& topics)
    : time_(time) {
    const auto count = [&](const std::string& topic, const char* status) {
        return to.counter("kafka_events_published_total", "Events made durable in the log.",
                          {{"topic", topic}, {"status", status}});
    };
    for (const auto& topic : topics)
        by_topic_[topic] = {count(topic, "success"), count(topic, "error")};
}

void outbox_meter::brought(const std::vector<event>& batch, bool taken) {
    for (const auto& each : batch) {
        const auto found = by_topic_.find(each.topic);
        if (found == by_topic_.end()) continue;
        (taken ? found->second.taken : found->second.refused).add();
    }
}

void outbox_meter::oldest(int shard, std::optional<timestamp> of) {
    waits_since_[static_cast<std::size_t>(shard)] = of ? of->micros : 0;
}

double outbox_meter::oldest_seconds() const {
    std::int64_t first = 0;
    for (const auto& each : waits_since_) {
        const auto since = each.load();
        if (since != 0 && (first == 0 || since < first)) first = since;
    }
    if (first == 0) return 0;
    const auto waits = time_.now() - timestamp{first};
    return std::max(0.0, std::chrono::duration<double>(waits).count());
}

}  // namespace stoa
