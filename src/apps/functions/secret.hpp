// A secret of AWS Secrets Manager, or one that was given.
#pragma once

#include "adapters/aws/aws_client.hpp"

#include <memory>

namespace stoa::functions {

struct secret_place {
    std::string given;  // not empty: this is it
    std::string arn, region, endpoint;
};

// Thread rule: one loop.
class secret_source {
 public:
    secret_source(secret_place where, aws::credentials_source& by, aws::http_here http, clock& time,
                  random_source& random);
    // Kept after it was read. Errors: `internal` with code secret_unreadable or aws_refused;
    // `unavailable`.
    task<result<std::string>> get();
    void forget() { known_.clear(); }  // it was changed

 private:
    secret_place where_;
    std::unique_ptr<aws::client> client_;
    std::string known_;
};

}  // namespace stoa::functions
