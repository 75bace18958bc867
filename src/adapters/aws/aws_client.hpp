// Signed requests to one AWS service, sent again where that is safe.
#pragma once

#include "adapters/aws/aws_error.hpp"
#include "adapters/aws/credentials.hpp"
#include "adapters/aws/outage.hpp"

namespace stoa::aws {

struct client_options {
    std::string service;   // as signatures name it: dynamodb, s3, sqs, sns
    std::string region;    // AWS_REGION
    std::string endpoint;  // AWS_ENDPOINT_URL(_<SERVICE>), without a path; empty: Amazon's own
    milliseconds attempt_within{3'000};
    milliseconds answer_within{8'000};  // a call with everything that is repeated
    milliseconds first_wait{25}, longest_wait{1'000};
    path_rule paths = path_rule::normalised;
};

// https://dynamodb.eu-west-1.amazonaws.com, or the endpoint without a slash at its end.
std::string endpoint_of(const client_options& options);
// `invalid`, naming AWS_REGION or AWS_ENDPOINT_URL.
result<void> check_options(const client_options& options);

// What may be asked twice.
enum class repeats : std::uint8_t {
    always,        // reads, writes under a token, writes that end the same
    if_not_begun,  // where it is certain that nothing happened
};

// Thread rule: any loop. Throttled calls and those that are known not to have happened are sent
// again with full jitter until answer_within; so are lost ones under repeats::always. A service
// that is away (outage.hpp) is not waited for.
class client {
 public:
    // An answer that is an error by its status may still ask for another try.
    using wants_another = std::function<bool(const http_response&)>;

    client(client_options options, credentials_source& by, http_here http, clock& time,
           random_source& random);

    // `path` begins with a slash and may have a query, or is a whole address. Gives every answer of
    // the service that is not about transport or access: read_error() tells what went wrong.
    // Errors: `unavailable` with code aws_throttled, aws_unavailable (nothing happened, or it may
    // be asked again) or aws_outcome_unknown (it may have happened); `internal` with code
    // aws_refused; those of the credentials; `invalid` (url).
    task<result<http_response>> call(std::string method, std::string path,
                                     std::vector<http_header> headers, std::string body,
                                     repeats how, wants_another again = {});
    // `invalid`, code presigned_too_long, beyond a week.
    result<std::string> presigned_with(const credentials& by, std::string_view method,
                                       std::string_view url, seconds lasts) const;
    task<result<credentials>> current_credentials() { return by_.get(); }

    const client_options& options() const { return options_; }
    clock& time() { return time_; }
    random_source& random() { return random_; }

 private:
    struct attempt;
    task<attempt> try_once(http_request what, repeats how, milliseconds within);
    attempt judge(result<http_response> answer, const credentials& by, repeats how);

    client_options options_;
    std::string endpoint_;
    credentials_source& by_;
    http_here http_;
    clock& time_;
    random_source& random_;
    outage away_;
};

}  // namespace stoa::aws
