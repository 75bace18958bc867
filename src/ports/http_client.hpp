// HTTP as a client: how adapters and exporters reach what is not ours. The answer comes whole and
// bounded; every status is an answer, failures are about getting one.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/task.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace stoa {

struct http_header {
    std::string name;  // lower case in responses
    std::string value;
};

struct http_request {
    std::string method = "GET";
    std::string url;  // http(s)://host[:port]/path?query, percent-encoded; no user, no fragment
    std::vector<http_header> headers;  // Host, lengths and connection headers are the client's own
    std::string body;
};

struct http_response {
    int status = 0;
    std::vector<http_header> headers;
    std::string body;

    std::string_view find(std::string_view lower_case_name) const {  // empty when absent
        const auto found = std::ranges::find(headers, lower_case_name, &http_header::name);
        return found == headers.end() ? std::string_view() : std::string_view(found->value);
    }
};

// Thread rule: one instance a loop, and it outlives its calls.
class http_client {
 public:
    virtual ~http_client() = default;
    // `deadline` covers everything: name, connection, request and answer. Errors: `invalid` (the
    // request cannot be sent by anybody), `unavailable` (no connection, connection lost, an answer
    // that is malformed or over the limit), `timeout`. After a failure it is unknown whether the
    // server acted. Honours cancellation: the connection is closed and operation_aborted thrown.
    virtual task<result<http_response>> send(http_request what, milliseconds deadline) = 0;
};

}  // namespace stoa
