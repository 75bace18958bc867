// What can go wrong in one simulated run, and how often. Drawn from the seed; single faults can be
// taken out to find which of them a failure needs.
#pragma once

#include "simulation/world.hpp"

#include <array>
#include <set>
#include <string>

namespace stoa::simulation {

// One process with everything on embedded engines (atomic across ports, nothing stale), or two
// processes a service on engines of their own (stale indexes, lost answers, events apart from
// state).
enum class town_kind : std::uint8_t { house, cluster };

struct faults {
    town_kind kind = town_kind::house;
    nanos slowest_call{0};
    double crash_per_s = 0;      // of some process
    double refuse = 0;           // a store answers unavailable, nothing done
    double lose_answer = 0;      // a store answers unavailable, all done
    double full_disk_per_s = 0;  // windows in which no write succeeds
    nanos index_lag{0};
    double redeliver = 0;        // a batch begins again with events that were handed out before
    double append_twice = 0;     // a relay publishes again what it had published
    nanos publish_lag{0};        // from commit to log
    double rebalance_per_s = 0;  // partitions move while their holder works on
    double lose_request = 0, lose_reply = 0, repeat_request = 0;  // calls between services
    double clock_jump_per_s = 0;
    double provider_fails = 0;  // each of: refused, lost before, lost after, slow
    double impatient = 0;       // clients that give up waiting and ask again at once
    double cancels = 0, deletes = 0;

    static constexpr auto names = std::to_array<std::string_view>(
        {"slow", "crash", "refuse", "lose_answer", "full_disk", "index_lag", "redeliver",
         "append_twice", "publish_lag", "rebalance", "network", "clock_jump", "provider",
         "impatient", "cancels", "deletes"});

    static faults draw(testing::seeded_random& chance, const std::set<std::string>& without);
};

}  // namespace stoa::simulation
