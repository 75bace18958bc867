#include "apps/functions/amazon.hpp"

#include "adapters/aws/aws_client.hpp"

namespace stoa::functions {

amazon::amazon(const host_needs& host, std::int64_t largest_answer_bytes)
    : client(host.on, {.answer_limit_bytes = largest_answer_bytes, .ca_file = host.ca_file}),
      here([this]() -> http_client& { return client; }),
      region(text_of(host, "AWS_REGION")),
      credentials(region, here, host.time, host.random, host.from) {}

result<void> check_region(const amazon& of, const std::string& at) {
    return aws::check_options({.service = "s3", .region = of.region, .endpoint = at});
}

}  // namespace stoa::functions
