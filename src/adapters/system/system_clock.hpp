// The machine's clock and its cryptographic generator, behind the ports.
#pragma once

#include "ports/clock.hpp"

namespace stoa {

class system_clock final : public clock {
 public:
    timestamp now() override;
    instant ticks() override;
    task<> sleep(milliseconds) override;
};

// Buffered getrandom(2): 4 KiB at a time for each thread.
class system_random final : public random_source {
 public:
    std::uint64_t next() override;
};

}  // namespace stoa
