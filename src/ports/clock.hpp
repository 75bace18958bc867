// Time and randomness as services see them. The simulator's are driven by its seed.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "runtime/task.hpp"

namespace stoa {

// Thread rule: now() and ticks() from any thread, sleep on the caller's loop.
class clock {
 public:
    virtual ~clock() = default;
    virtual timestamp now() = 0;  // wall clock: may jump
    virtual instant ticks() = 0;  // monotonic
    // Honours cancellation: ends early with the loop's supervised stop.
    virtual task<> sleep(milliseconds) = 0;
};

// Thread rule: any thread.
class random_source {
 public:
    virtual ~random_source() = default;
    virtual std::uint64_t next() = 0;  // unpredictable: also used for tokens and keys
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
};

inline std::string new_id(clock& time, random_source& random) {
    const auto high = random.next();
    return uuid_v7(time.now(), high, random.next());
}

// Half of the wait is certain, half is chance, so that those who wait together do not come back
// together.
inline milliseconds jittered(milliseconds wait, random_source& random) {
    const auto half = static_cast<std::uint64_t>(wait.count() / 2);
    return milliseconds(static_cast<std::int64_t>(half + random.below(half + 1)));
}

}  // namespace stoa
