// The ways of finding credentials.
#pragma once

#include "adapters/aws/credentials.hpp"

namespace stoa::aws {

// One search. Each way gives nothing where it is not configured, and `tried` is told why.
struct credentials_search {
    std::string region;
    http_here http;
    clock& time;
    random_source& random;
    environment from;
    std::string tried{};

    using found = result<std::optional<credentials>>;
    found from_environment();
    found from_shared_file();
    task<found> from_web_identity();
    task<found> from_container();
    task<found> from_metadata();

 private:
    std::optional<std::string> set(std::string_view name) const;  // absent where empty
    void not_there(std::string_view why);
    task<result<http_response>> ask(http_request what, std::string whom);
    std::string sts_url() const;
};

}  // namespace stoa::aws
