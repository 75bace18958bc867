// The client of AWS Lambda's runtime API: a function's process asks for an event, answers it, and
// asks for the next, until it is told to end. Paths, headers and shapes: "Using the Lambda runtime
// API for custom runtimes" in Amazon's guide.
#pragma once

#include "ports/function.hpp"
#include "ports/http_client.hpp"

#include <optional>

namespace stoa::lambda {

// Lambda stops a process between two events; a response is at most this large, an event too.
inline constexpr std::int64_t largest_event_bytes = 6 * 1024 * 1024 + 512 * 1024;

// As the runtime API and its logs show a failure.
std::string write_error(const error& why);

// Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0|1> as W3C's traceparent; empty: none.
std::string traceparent_of(std::string_view xray);

// Thread rule: one loop; `http` must let answers of largest_event_bytes through.
class runtime {
 public:
    // `address`: AWS_LAMBDA_RUNTIME_API, host:port.
    runtime(std::string address, http_client& http, clock& time)
        : base_("http://" + std::move(address) + "/2018-06-01/runtime"), http_(http), time_(time) {}

    // The process cannot take events: it ends after this, and Lambda says so in the log.
    task<result<void>> fail_start(error why);

    // Takes events until the runtime API fails it; honours cancellation while it waits for one.
    // What is not read well, or not done, is Lambda's to deliver again.
    task<result<void>> serve(functions::function& with);

    bool busy() const { return busy_; }  // an event is being handled
    void end() { ending_ = true; }       // serve() returns after that event

 private:
    struct call;
    task<result<call>> next();
    task<result<void>> handle(functions::function& with, call what);
    task<result<void>> answer(std::string request_id, std::string body);
    task<result<void>> fail_call(std::string request_id, error why);
    task<result<void>> post(std::string path, std::string body, std::string error_type);

    std::string base_;
    http_client& http_;
    clock& time_;
    bool busy_ = false, ending_ = false;
};

}  // namespace stoa::lambda
