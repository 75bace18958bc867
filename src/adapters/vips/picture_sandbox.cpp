#include "adapters/vips/picture_sandbox.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <vector>

namespace stoa::vips {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox does not know this processor's system calls"
#endif

// Memory, threads of this process, time, and what is open already.
constexpr std::uint32_t allowed[] = {
    SYS_read,         SYS_write,           SYS_close,           SYS_mmap,
    SYS_mprotect,     SYS_munmap,          SYS_mremap,          SYS_brk,
    SYS_madvise,      SYS_futex,           SYS_set_robust_list, SYS_rseq,
    SYS_exit,         SYS_exit_group,      SYS_rt_sigaction,    SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_sigaltstack,     SYS_sched_yield,     SYS_sched_getaffinity,
    SYS_getpid,       SYS_gettid,          SYS_clock_gettime,   SYS_gettimeofday,
    SYS_nanosleep,    SYS_clock_nanosleep, SYS_getrandom,       SYS_restart_syscall,
};

sock_filter statement(int code, std::uint32_t value) {
    return {static_cast<std::uint16_t>(code), 0, 0, value};
}
sock_filter jump(int code, std::uint32_t value, int if_true, int if_false) {
    return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
            static_cast<std::uint8_t>(if_false), value};
}

std::vector<sock_filter> program() {
    const auto load = [](std::size_t offset) {
        return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
    };
    const auto answer = [](std::uint32_t action) { return statement(BPF_RET | BPF_K, action); };
    std::vector<sock_filter> out;
    out.push_back(load(offsetof(seccomp_data, arch)));
    out.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
    out.push_back(answer(SECCOMP_RET_KILL_PROCESS));
    out.push_back(load(offsetof(seccomp_data, nr)));
    for (const auto each : allowed) {
        out.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, each, 0, 1));
        out.push_back(answer(SECCOMP_RET_ALLOW));
    }
    // The C library asks for clone3, whose flags a filter cannot see, and then for clone.
    out.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
    out.push_back(answer(SECCOMP_RET_ERRNO | ENOSYS));
    out.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0));
    out.push_back(answer(SECCOMP_RET_ERRNO | EPERM));
    out.push_back(load(offsetof(seccomp_data, args)));  // its low half, on these processors
    out.push_back(jump(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
    out.push_back(answer(SECCOMP_RET_ALLOW));
    out.push_back(answer(SECCOMP_RET_ERRNO | EPERM));
    return out;
}

bool bound(decltype(RLIMIT_DATA) what, std::int64_t most) {
    const rlimit limit{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
    return setrlimit(what, &limit) == 0;
}

}  // namespace

bool enter_sandbox() {
    const itimerval after{{0, 0}, {sandbox_cpu_ms / 1'000, sandbox_cpu_ms % 1'000 * 1'000}};
    std::signal(SIGPROF, SIG_DFL);
    // The address space is mostly libraries that nobody touches; what is written to is counted.
    if (!bound(RLIMIT_DATA, sandbox_memory_bytes) || !bound(RLIMIT_CPU, 2) ||
        !bound(RLIMIT_CORE, 0) || !bound(RLIMIT_NOFILE, 0) || !bound(RLIMIT_FSIZE, 0) ||
        setitimer(ITIMER_PROF, &after, nullptr) != 0)
        return false;
    auto steps = program();
    const sock_fprog filter{static_cast<unsigned short>(steps.size()), steps.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace stoa::vips
