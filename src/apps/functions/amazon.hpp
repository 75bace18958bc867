// What all adapters of a function share on AWS.
#pragma once

#include "apps/functions/function_row.hpp"
#include "transport/http/client.hpp"

namespace stoa::functions {

// Thread rule: the host's loop.
struct amazon {
    amazon(const host_needs& host, std::int64_t largest_answer_bytes);

    http::async_client client;
    aws::http_here here;
    std::string region;
    aws::credentials_chain credentials;
};

// `at`: the endpoint of one's own, or nothing.
result<void> check_region(const amazon& of, const std::string& at);

}  // namespace stoa::functions
