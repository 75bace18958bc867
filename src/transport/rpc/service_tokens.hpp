// How the parts of a shop know each other: tokens of role `service`, signed with the shop's own
// keys, worth a few minutes.
#pragma once

#include "ports/clock.hpp"
#include "ports/security.hpp"

#include <map>
#include <mutex>
#include <string>

namespace stoa::rpc {

struct service_token_settings {
    seconds worth{300};
    seconds renewed_before{120};  // its end: the other side's clock may be ahead
};

// Thread rule: any thread.
class service_tokens {
 public:
    // `target`: what this process is, for the other side's logs.
    service_tokens(token_authority& keys, clock& time, std::string target,
                   service_token_settings settings = {})
        : keys_(keys), time_(time), target_(std::move(target)), settings_(settings) {}

    // For `Authorization: Bearer`.
    std::string own();
    // Whether the token was signed by a part of this shop. Everybody else's are not for here.
    bool is_service(std::string_view token);

 private:
    token_authority& keys_;
    clock& time_;
    std::string target_;
    service_token_settings settings_;
    std::mutex mutex_;
    std::string current_;
    timestamp current_ends_{};
    // Other processes' tokens that were found good: a signature costs more than most calls.
    std::map<std::string, timestamp, std::less<>> known_;  // to when it ends
};

}  // namespace stoa::rpc
