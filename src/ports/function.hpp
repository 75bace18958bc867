// Functions: work that is started from outside by objects that appeared in a bucket, or by
// messages that somebody else keeps. One handler has two hosts: AWS Lambda (transport/lambda) and
// the shop itself, on its own bucket and event log.
#pragma once

#include "ports/clock.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::functions {

// An object that was written whole. `key` is the object's own, not as a URL has it.
struct object_created {
    std::string bucket, key;
    std::string version;  // empty: the bucket keeps none
    std::string etag;     // empty: unknown
    std::string
        sequencer;  // of the same key, a later write has the greater text (see comes_before)
    std::int64_t size_bytes = 0;
};

// A message that came by a queue, a topic or a log, freed of whatever wrapped it.
struct message {
    std::string topic;  // Kafka's topic, the name of the queue or of the SNS topic
    std::string key;    // Kafka's record key
    std::string body;
};

// What comes and goes as one: it is done, or it is delivered again.
struct record {
    std::string id;  // unique in its event: what a host is told about in `outcome::failed`
    std::vector<object_created> objects;  // what it announces; else `said` holds its message
    message said;
    int deliveries = 1;  // this one included, where the host knows
};

enum class event_source : std::uint8_t { s3, sqs, sns, kafka };

struct trigger {
    event_source from{};
    std::vector<record> records;  // of one Kafka partition: in the order of their offsets
};

// What a handler may know of the call that it answers.
struct invocation {
    std::string request_id;       // the same when the host calls again for the same event
    std::string traceparent;      // W3C; empty: none
    instant deadline{INT64_MAX};  // by `clock::ticks`; the host gives up then
};

struct failed_record {
    std::string id;
    error why;  // `unavailable`, `timeout`, `conflict`: it may go well later; others: it never will
};
// Records that are not named are done.
struct outcome {
    std::vector<failed_record> failed;
};

// Delivery is at least once and in any order: a handler ends in the same state however often and
// however late it is called, and wherever it was killed before. Thread rule: its loop's thread, one
// call at a time. An error instead of an outcome says that nothing of the event is done.
class function {
 public:
    virtual ~function() = default;
    virtual task<result<outcome>> handle(trigger what, invocation call) = 0;
};

// Whether another delivery may end better.
inline bool worth_another_try(const error& why) {
    return why.kind == errc::unavailable || why.kind == errc::timeout ||
           why.kind == errc::conflict || why.kind == errc::rate_limited ||
           why.kind == errc::internal || why.kind == errc::storage_full;
}

// Of two sequencers of one key: hexadecimal numbers, of which the shorter is padded on the right
// ("Event message structure" in Amazon S3's guide). Without either, nothing comes before anything.
inline bool comes_before(std::string_view one, std::string_view other) {
    if (one.empty() || other.empty()) return false;
    const auto digit = [](std::string_view text, std::size_t at) {
        return at < text.size() ? text[at] : '0';
    };
    for (std::size_t i = 0; i < std::max(one.size(), other.size()); ++i)
        if (digit(one, i) != digit(other, i)) return digit(one, i) < digit(other, i);
    return false;
}

}  // namespace stoa::functions
