#include "services/gateway/circuit_breaker.hpp"

namespace stoa::gateway {

circuit_breaker::state circuit_breaker::now() const {
    if (!opened_) return state::closed;
    return time_.ticks() < *opened_ + settings_.open_for ? state::open : state::half_open;
}

std::optional<circuit_breaker::pass> circuit_breaker::admit() {
    const auto is = now();
    if (is == state::open || (is == state::half_open && probing_)) return {};
    const bool probe = is == state::half_open;
    probing_ = probe;
    return pass(*this, probe);
}

void circuit_breaker::record(bool probe, bool success) {
    const auto at = time_.ticks();
    if (probe) {
        probing_ = false;
        failures_.clear();
        opened_ = success ? std::nullopt : std::optional(at);
        return;
    }
    // A call that began before it opened tells nothing new.
    if (success || opened_) return;
    while (!failures_.empty() && failures_.front() + settings_.window <= at) failures_.pop_front();
    failures_.push_back(at);
    if (std::ssize(failures_) >= settings_.failures) opened_ = at;
}

}  // namespace stoa::gateway
