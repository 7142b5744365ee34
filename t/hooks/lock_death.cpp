// SPDX-License-Identifier: BSD-2-Clause
// Linked around the module for tests only (build.sh, build_hooks), which itself knows nothing of
// it: a worker that gets signal 40 is killed at a random instruction of its next locked section,
// or at its end; one that gets signal 41 stops there.
#include <csignal>
#include <cstdint>
#include <ctime>
#include <ucontext.h>
#include <unistd.h>

namespace {

constexpr int kDie = 40;
constexpr int kStop = 41;
constexpr int kLongest = 13; // a section has up to some thousands of instructions: 2^13 at most

volatile std::sig_atomic_t armed = 0; // the signal that the process then sends itself
volatile std::uint32_t left = 0;      // instructions until it does; 0: not in a section

void on_order(int signal) { armed = signal == kDie ? SIGKILL : SIGSTOP; }

void strike() {
    const int signal = armed;
    armed = 0;
    left = 0;
    kill(getpid(), signal);
}

// The processor's trap flag brings us here after every instruction; to clear it in the saved
// flags ends that.
void on_step(int, siginfo_t *, void *context) {
    if (left > 1) {
        left = left - 1;
        return;
    }
    static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] &= ~0x100LL;
    strike();
}

// Short ways and long ones alike: the exponent is random, too.
std::uint32_t random_steps() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    std::uint64_t dice = static_cast<std::uint64_t>(now.tv_nsec) * 0x9e3779b97f4a7c15U;
    dice ^= dice >> 29;
    return 1 + static_cast<std::uint32_t>((dice >> 8) % (std::uint64_t{2} << (dice % kLongest)));
}

__attribute__((constructor)) void install() {
    struct sigaction order = {};
    order.sa_handler = on_order;
    order.sa_flags = SA_RESTART;
    sigaction(kDie, &order, nullptr);
    sigaction(kStop, &order, nullptr);
    struct sigaction step = {};
    step.sa_sigaction = on_step;
    step.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGTRAP, &step, nullptr);
}

} // namespace

// The linker's names (--wrap): what the module calls, and what nginx has.
extern "C" {
void __real_ngx_shmtx_lock(void *mutex);
void __real_ngx_shmtx_unlock(void *mutex);

void __wrap_ngx_shmtx_lock(void *mutex) {
    __real_ngx_shmtx_lock(mutex);
    if (armed != 0 && left == 0) {
        left = random_steps();
        asm volatile("leaq -128(%%rsp), %%rsp\n\t" // the red zone
                     "pushfq\n\t"
                     "orq $0x100, (%%rsp)\n\t"
                     "popfq\n\t"
                     "leaq 128(%%rsp), %%rsp" ::
                         : "memory", "cc");
    }
}

// A section that was shorter than its steps: everything is done, and it is still locked.
void __wrap_ngx_shmtx_unlock(void *mutex) {
    if (left != 0) {
        asm volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushfq\n\t"
                     "andq $~0x100, (%%rsp)\n\t"
                     "popfq\n\t"
                     "leaq 128(%%rsp), %%rsp" ::
                         : "memory", "cc");
        strike();
    }
    __real_ngx_shmtx_unlock(mutex);
}
}
