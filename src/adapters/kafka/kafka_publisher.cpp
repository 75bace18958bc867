#include "adapters/kafka/kafka_publisher.hpp"

namespace stoa {
namespace {

constexpr milliseconds one_look{1'500};

// Waiting may mend it; for anything else somebody has to do something.
bool may_pass(const error& what) { return what.code == "kafka_unreachable"; }

}  // namespace

error unknown_kafka_topic(const std::string& topic) {
    return {.kind = errc::invalid,
            .code = "unknown_topic",
            .detail = "topic " + topic + " or its partition was not declared"};
}

kafka_publisher::kafka_publisher(kafka_options options)
    : options_(std::move(options)),
      cluster_(options_),
      producer_(options_, cluster_.troubles()),
      contact_([this]() -> result<void> {
          STOA_TRY_VOID(cluster_.look(one_look));
          producer_.know(cluster_.broker_names());
          return {};
      }) {}

result<void> kafka_publisher::open() {
    STOA_TRY_VOID(check(options_));
    STOA_TRY_VOID(cluster_.open());
    STOA_TRY_VOID(producer_.open());
    if (auto seen = contact_.start(options_.first_contact); !seen && !may_pass(seen.error()))
        return fail(std::move(seen).error());
    return {};
}

result<int> kafka_publisher::partitions_of(const std::string& topic) const {
    if (!cluster_.declared(topic)) return fail(unknown_kafka_topic(topic));
    if (const auto found = cluster_.partitions(topic)) return *found;
    STOA_TRY_VOID(contact_.state());
    return fail(errc::unavailable, "kafka_unreachable", "topic " + topic + " was not seen yet");
}

task<result<void>> kafka_publisher::append(std::vector<event> events) {
    std::vector<kafka_record> records;
    records.reserve(events.size());
    for (const auto& each : events) {
        STOA_CO_TRY(const int count, partitions_of(each.topic));
        records.push_back(
            record_of(each, cluster_.broker_name(each.topic), partition_of(each.key, count)));
        if (const auto size = size_of(records.back()); size > largest_kafka_event)
            co_return fail(errc::too_large, "event_too_large",
                           "an event for " + each.topic + " has " + std::to_string(size) +
                               " bytes; " + std::to_string(largest_kafka_event) + " are allowed");
    }
    STOA_CO_TRY_VOID(co_await producer_.send(std::move(records)));
    co_return result<void>{};
}

}  // namespace stoa
