// `stoa load`: what a shop does under a load that does not wait for it.
#pragma once

#include "apps/stoa/load.hpp"
#include "apps/stoa/settings.hpp"

namespace stoa {

struct load_options {
    std::string url = "http://127.0.0.1:8080";
    by_kind<double> per_second{100, 20, 50, 5};
    int for_s = 30, ramp_s = 0, most_in_flight = 1'000, buyers = 50;
    std::uint64_t seed = 1;
    double most_failed_percent = 0;
    std::int64_t p99_ms = 0;  // 0: not looked at
    bool as_json = false;
};

// Prints what it saw. Exit codes: 0 all within bounds, 1 not, or no shop there, 2 misuse.
int run_load(const load_options& options);

}  // namespace stoa
