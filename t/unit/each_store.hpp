// SPDX-License-Identifier: BSD-2-Clause
// What a kill can leave in shared memory: the memory is write-protected, so that every store
// faults, is made alone, and is followed by a copy of the memory. Much faster than tracing.
#pragma once

#include "shm_env.hpp"

#include <ucontext.h>

namespace rt::test {

// All states that the memory goes through while action() writes to it, without repetitions.
class Snapshots {
public:
    explicit Snapshots(MutableBytes memory) : memory_(memory), copies_(kMax * memory.size()) { keep(); }

    template <class Action> void record(Action action) {
#if defined(__x86_64__)
        active_ = this;
        struct sigaction old_fault {};
        struct sigaction old_trap {};
        install(SIGSEGV, on_fault, old_fault);
        install(SIGTRAP, on_trap, old_trap);
        mprotect(memory_.data(), memory_.size(), PROT_READ);
        action();
        mprotect(memory_.data(), memory_.size(), PROT_READ | PROT_WRITE);
        sigaction(SIGSEGV, &old_fault, nullptr);
        sigaction(SIGTRAP, &old_trap, nullptr);
#else
        each_instruction(action, [this] { keep(); });
#endif
    }

    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] bool overflowed() const { return count_ == kMax; }

    [[nodiscard]] Bytes operator[](std::size_t i) const {
        return copies_.memory().subspan(i * memory_.size(), memory_.size());
    }

private:
    static constexpr std::size_t kMax = 8192;

    void keep() {
        const bool changed =
            count_ == 0 || std::memcmp((*this)[count_ - 1].data(), memory_.data(), memory_.size()) != 0;
        if (changed && count_ < kMax) {
            std::memcpy(copies_.memory().data() + count_ * memory_.size(), memory_.data(), memory_.size());
            ++count_;
        }
    }

#if defined(__x86_64__)
    static constexpr greg_t kTrapFlag = 0x100;

    static void install(int signal, void (*handler)(int, siginfo_t *, void *), struct sigaction &old) {
        struct sigaction how {};
        how.sa_sigaction = handler;
        how.sa_flags = SA_SIGINFO;
        sigaction(signal, &how, &old);
    }

    // A store: let this one instruction through.
    static void on_fault(int signal, siginfo_t *info, void *context) {
        const MutableBytes memory = active_->memory_;
        const auto *at = static_cast<const std::uint8_t *>(info->si_addr);
        if (at < memory.data() || at >= memory.data() + memory.size()) {
            std::signal(signal, SIG_DFL); // a real fault: again, and fatal
            return;
        }
        mprotect(memory.data(), memory.size(), PROT_READ | PROT_WRITE);
        static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
    }

    static void on_trap(int, siginfo_t *, void *context) {
        static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
        active_->keep();
        mprotect(active_->memory_.data(), active_->memory_.size(), PROT_READ);
    }
#endif

    static inline Snapshots *active_ = nullptr;

    MutableBytes memory_;
    Mapping copies_;
    std::size_t count_ = 0;
};

} // namespace rt::test
