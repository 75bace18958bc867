// Requests and responses as everything but the Beast files sees them. Plain data, no Beast
// (docs/adr/0003).
#pragma once

#include "base/context.hpp"
#include "base/result.hpp"
#include "ports/operation.hpp"
#include "runtime/task.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace stoa::http {

struct header {
    std::string name;  // lower case in requests
    std::string value;
};

struct request {
    verb method = verb::get;
    bool head = false;     // HEAD: method is get and the body is not sent
    bool options = false;  // OPTIONS: CORS preflight
    bool unknown_method = false;
    std::string target;                                      // as sent, origin form
    std::string path;                                        // percent-decoded, without the query
    std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
    std::vector<header> headers;
    std::string body;     // read whole, except on routes that stream
    std::string address;  // of the client

    std::string_view find(std::string_view lower_case_name) const;  // empty when absent
};

struct response {
    int status = 200;
    std::string content_type = "application/json";
    std::vector<header> headers;
    // Shared so that cached bodies are sent without a copy. Null: no body.
    std::shared_ptr<const std::string> body;

    void set_body(std::string text) { body = std::make_shared<const std::string>(std::move(text)); }
};

// For routes that stream: the body as it comes, the answer as it is made.
class exchange {
 public:
    virtual ~exchange() = default;
    virtual const request& head() const = 0;
    virtual task<result<std::string>> read_chunk() = 0;   // empty: the end of the body
    virtual task<result<void>> begin(response head) = 0;  // chunked; `body` is ignored
    virtual task<result<void>> write_chunk(std::string chunk) = 0;
    virtual task<result<void>> finish() = 0;
    virtual task<result<void>> answer(response whole) = 0;  // instead of begin … finish
};

// A route that the operation table cannot say: files, pages, streams. `stream` gets the exchange;
// otherwise `answer` gets the whole request. The context is authenticated by the route's policy, as
// for operations.
struct route {
    verb method = verb::get;
    std::string
        path;  // {name} matches one segment, a final {name...} the rest; found in `parameters`
    std::string name;  // for metrics and logs
    who caller = who::nobody_yet;
    std::string summary{};
    bool may_answer_later = false;  // 202, too: taken, and not done yet
    using parameters = std::vector<std::pair<std::string, std::string>>;
    std::function<task<response>(request_context, request, parameters)> answer{};
    std::function<task<>(request_context, exchange&, parameters)> stream{};
    std::int64_t body_limit_bytes = 1 << 20;  // for stream routes: of the whole upload
};

// An RFC 9457 problem document with its headers (base/problem.hpp).
response problem_response(const error& why, std::string_view request_id, int status = 0);

}  // namespace stoa::http
