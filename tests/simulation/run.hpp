// One seed from beginning to end.
#pragma once

#include "simulation/faults.hpp"

#include <map>
#include <set>
#include <string>

namespace stoa {
class metrics;
}

namespace stoa::simulation {

class memory_rows;

struct run_options {
    std::set<std::string> without;  // faults that are taken out
    int customers = 3, orders_each = 2;
    bool tell = false;  // print the trace
};

struct run_report {
    std::uint64_t seed = 0;
    std::string violation;  // empty: every rule held
    std::uint64_t trace_hash = 0, steps = 0;
    std::map<std::string, std::uint64_t, std::less<>> reached;
};

// What outlives a seed because opening it costs more than one.
class laboratory {
 public:
    laboratory();
    ~laboratory();
    run_report run(std::uint64_t seed, const run_options& options = {});
    // Takes faults out of a failing run for as long as it still fails; the faults that are left.
    std::string needed_faults(std::uint64_t seed, run_options& options);

 private:
    std::unique_ptr<memory_rows> rows_;
    std::unique_ptr<metrics> measured_;
};

}  // namespace stoa::simulation
