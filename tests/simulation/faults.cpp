#include "simulation/faults.hpp"

namespace stoa::simulation {

faults faults::draw(testing::seeded_random& chance, const std::set<std::string>& without) {
    faults out;
    out.kind = chance.below(2) ? town_kind::cluster : town_kind::house;
    const bool apart = out.kind == town_kind::cluster;
    // Every fault is drawn, so that taking one out leaves the others as they were.
    const auto strength = [&](std::string_view name, double strongest, bool possible = true) {
        const auto on = chance.below(100) < 60;
        const auto part = static_cast<double>(1 + chance.below(100)) / 100.0;
        return on && possible && !without.contains(std::string(name)) ? strongest * part : 0.0;
    };
    const auto longest = [&](std::string_view name, milliseconds most, bool possible = true) {
        return nanos(static_cast<std::int64_t>(
            strength(name, static_cast<double>(nanos(most).count()), possible)));
    };
    out.slowest_call = longest("slow", milliseconds(apart ? 200 : 20));
    out.crash_per_s = strength("crash", 0.6);
    out.refuse = strength("refuse", 0.1);
    out.lose_answer = strength("lose_answer", 0.1, apart);
    out.full_disk_per_s = strength("full_disk", 0.05);
    out.index_lag = longest("index_lag", milliseconds(2'000), apart);
    out.redeliver = strength("redeliver", 0.4);
    out.append_twice = strength("append_twice", 0.4, apart);
    out.publish_lag = longest("publish_lag", milliseconds(1'000), apart);
    out.rebalance_per_s = strength("rebalance", 0.3, apart);
    out.lose_request = strength("network", 0.1, apart);
    out.lose_reply = strength("network", 0.1, apart);
    out.repeat_request = strength("network", 0.05, apart);
    out.clock_jump_per_s = strength("clock_jump", 0.05);
    out.provider_fails = strength("provider", 0.25);
    out.impatient = strength("impatient", 0.3);
    out.cancels = strength("cancels", 0.3);
    out.deletes = strength("deletes", 0.2);
    return out;
}

}  // namespace stoa::simulation
