// Where `./dev test engines` runs an engine.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace stoa::testing {

// `variable`: STOA_TEST_POSTGRES … Throws where it is not set: a test without its engine fails.
inline std::string engine_address(const char* variable) {
    const char* given = std::getenv(variable);
    if (!given || !*given)
        throw std::runtime_error(std::string(variable) +
                                 " is not set: run `./dev test engines`, which starts the engines");
    return given;
}

}  // namespace stoa::testing
