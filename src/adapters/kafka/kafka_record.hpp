// An event as a record: key and JSON payload as they are, all else in headers.
#pragma once

#include "adapters/kafka/kafka_handle.hpp"
#include "ports/event_log.hpp"

namespace stoa {

// A record on its way in or out. Topics here are the brokers' names, with the prefix.
struct kafka_record {
    std::string topic;
    int partition = 0;
    std::string key, value;
    std::vector<std::pair<std::string, std::string>> headers;
};

// What this binary writes, and the newest that it reads.
inline constexpr int kafka_schema_version = 1;

// With everything. A dead letter is larger than its event, and a dead letter must always fit.
inline constexpr std::size_t largest_kafka_event = 1'000'000, largest_kafka_record = 2'000'000;
std::size_t size_of(const kafka_record& what);

kafka_record record_of(const event& what, std::string topic, int partition);

// What a consumer took. Where `wrong` is not empty the record is no event: `what` holds as much as
// could be read, `as_it_came` all of it.
struct kafka_arrival {
    delivery what;
    std::string wrong;
    std::unique_ptr<kafka_record> as_it_came;
};
// `topic` is ours, without the prefix.
kafka_arrival read_record(const rd_kafka_message_t& message, const std::string& group,
                          const std::string& topic);

// Why and from where a record of `<topic>.dlq` is there, as its headers say it.
struct dead_letter_origin {
    std::string group, code, detail;
    int attempts = 0;
    int partition = 0;
    std::int64_t offset = 0;
    timestamp at;
};
void add_origin(kafka_record& to, const dead_letter_origin& from);

}  // namespace stoa
