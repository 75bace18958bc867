// What the process that decodes a stranger's picture may still do: compute, and answer.
#pragma once

#include <cstdint>

namespace stoa::vips {

inline constexpr std::int64_t sandbox_memory_bytes = 200 << 20;  // beside the libraries' 30 MB
inline constexpr int sandbox_cpu_ms = 1'700;

// For this process from now on, and for good: memory and processor time are bounded (SIGPROF,
// SIGXCPU), no file is opened, no socket is made, no process is started or signalled, and no
// privilege can be gained. False: the kernel does not offer it, and nothing must be decoded then.
bool enter_sandbox();

}  // namespace stoa::vips
