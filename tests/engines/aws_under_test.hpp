// What tests of the AWS adapters stand on: a client, a clock that goes, and credentials that local
// servers take (deploy/local).
#pragma once

#include "adapters/aws/credentials.hpp"
#include "adapters/system/system_clock.hpp"
#include "engines/engine_address.hpp"
#include "engines/loop_client.hpp"

#include <unistd.h>

namespace stoa::testing {

struct aws_under_test {
    loop_client http;
    system_clock time;
    system_random random;
    aws::fixed_credentials by{{"stoalocal", "stoalocalsecret", {}, {}, "the test"}};
    aws::http_here here = [this]() -> http_client& { return http; };
};

inline constexpr const char* aws_test_region = "us-east-1";

// A name that no other test, run or process uses.
inline std::string new_place(std::string_view what) {
    static int count = 0;
    return std::string(what) + std::to_string(::getpid()) + '-' + std::to_string(++count) + '-';
}

}  // namespace stoa::testing
