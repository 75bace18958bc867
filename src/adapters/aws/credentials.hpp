// Where AWS credentials come from, kept until shortly before they expire.
#pragma once

#include "adapters/aws/sigv4.hpp"
#include "ports/clock.hpp"

#include <functional>
#include <memory>

namespace stoa::aws {

// The client of the loop that calls: connections are shared by origin, a loop's alone.
using http_here = std::function<http_client&()>;
using environment = std::function<std::optional<std::string>(std::string_view name)>;
environment process_environment();

// Thread rule: any loop.
class credentials_source {
 public:
    virtual ~credentials_source() = default;
    virtual task<result<credentials>> get() = 0;
    // A service called these expired before their time: the next get() asks anew.
    virtual void reject(const credentials& which) = 0;
};

// The first of these that is configured; one that is configured and fails is an error, not a reason
// to look further, or the shop would run under a name that nobody meant.
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   2. AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (AWS_ROLE_SESSION_NAME): asked of STS
//      (AWS_ENDPOINT_URL_STS)
//   3. AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials), AWS_PROFILE (default)
//   4. AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI,
//   AWS_CONTAINER_AUTHORIZATION_TOKEN(_FILE)
//   5. the machine's metadata service, unless AWS_EC2_METADATA_DISABLED is true
//      (AWS_EC2_METADATA_SERVICE_ENDPOINT)
// Those that expire are asked for anew five minutes before they do, by one caller while the others
// go on with the old ones. Files are small and read on the caller's loop. Errors: `invalid` with
// code aws_credentials_missing, which names everything that was tried, or
// aws_credentials_ill_formed; `unavailable` with code aws_credentials_unavailable.
class credentials_chain final : public credentials_source {
 public:
    credentials_chain(std::string region, http_here http, clock& time, random_source& random,
                      environment from = process_environment());
    ~credentials_chain() override;
    task<result<credentials>> get() override;
    void reject(const credentials& which) override;

 private:
    struct state;
    std::shared_ptr<state> state_;
};

// Given ones, for tests and for settings that hold them.
class fixed_credentials final : public credentials_source {
 public:
    explicit fixed_credentials(credentials given) : given_(std::move(given)) {}
    task<result<credentials>> get() override { co_return given_; }
    void reject(const credentials&) override {}

 private:
    credentials given_;
};

}  // namespace stoa::aws
