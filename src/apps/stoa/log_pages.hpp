// The event log as operators see it: its topics with how far each group is, and a topic's latest
// events. Topics whose events carry secrets are left out.
#pragma once

#include "base/described.hpp"
#include "ports/event_log.hpp"
#include "transport/http/router.hpp"

namespace stoa {

struct logged_event {
    std::string id, topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string key, type;
    std::int64_t version = 0;
    timestamp occurred_at;
    std::optional<std::string> trace_id, span_id;  // of what published it
    json_text payload;
};
BOOST_DESCRIBE_STRUCT(logged_event, (),
                      (id, topic, partition, offset, key, type, version, occurred_at, trace_id,
                       span_id, payload))
logged_event as_logged(delivery from);

struct log_needs {
    event_log* log = nullptr;
    std::vector<std::string> topics;  // that may be shown
};

// GET /api/v1/log and GET /api/v1/log/{topic}?limit=, newest first. The needs may be empty where
// the routes are only passed on.
std::vector<http::route> log_pages(log_needs from);

}  // namespace stoa
