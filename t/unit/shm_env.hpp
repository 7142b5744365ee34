// SPDX-License-Identifier: BSD-2-Clause
// What tests of src/shm share: real shared memory, a lock that outlives its holder, children
// that die at a chosen moment, and a look at the memory after every single instruction.
#pragma once

#include "shm/arena.hpp"

#include <algorithm>
#include <bit>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace rt::test {

// Shared by this process and its later children; view() maps the same bytes somewhere else.
class Mapping {
public:
    explicit Mapping(std::size_t size) : file_(memfd_create("rt-test", MFD_CLOEXEC)), size_(size) {
        if (ftruncate(file_, static_cast<off_t>(size)) != 0) {
            _exit(99);
        }
        memory_ = view();
    }

    Mapping(const Mapping &) = delete;
    Mapping &operator=(const Mapping &) = delete;

    ~Mapping() {
        for (void *at : mapped_) {
            munmap(at, size_);
        }
        close(file_);
    }

    MutableBytes view() {
        void *at = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
        mapped_.push_back(at);
        return {static_cast<std::uint8_t *>(at), size_};
    }

    [[nodiscard]] MutableBytes memory() const { return memory_; }

private:
    int file_;
    std::size_t size_;
    std::vector<void *> mapped_;
    MutableBytes memory_;
};

// A robust mutex in shared memory: as with nginx's, a dead holder's lock is released for it.
class RobustLock final : public shm::Lock {
public:
    RobustLock() : page_(4096), mutex_(new (page_.memory().data()) pthread_mutex_t) {
        pthread_mutexattr_t how;
        pthread_mutexattr_init(&how);
        pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(mutex_, &how);
    }

    void lock() noexcept override {
        if (pthread_mutex_lock(mutex_) == EOWNERDEAD) {
            pthread_mutex_consistent(mutex_);
        }
    }

    void unlock() noexcept override { pthread_mutex_unlock(mutex_); }

private:
    Mapping page_;
    pthread_mutex_t *mutex_;
};

class NoLock final : public shm::Lock {
public:
    void lock() noexcept override {}
    void unlock() noexcept override {}
};

// A region whose header is ready, with its body.
struct Arena {
    explicit Arena(MutableBytes memory) : region(*shm::Region::create(memory, 1, 2)), body(region.body()) {}
    shm::Region region;
    MutableBytes body;
};

// The memory as a kill would leave it at this moment.
class Wreck {
public:
    explicit Wreck(MutableBytes left) : bytes_(left.size() + shm::kLine) {
        const std::size_t past = std::bit_cast<std::uintptr_t>(bytes_.data()) % shm::kLine;
        memory_ = MutableBytes(bytes_).subspan(shm::kLine - past, left.size());
        std::copy(left.begin(), left.end(), memory_.begin());
    }

    [[nodiscard]] MutableBytes memory() const { return memory_; }

private:
    std::vector<std::uint8_t> bytes_;
    MutableBytes memory_;
};

// Runs body() in a child, which then leaves without running this process's exit handlers.
template <class Body> pid_t spawn(Body body) {
    std::fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody is left behind
        body();
        _exit(0);
    }
    return pid;
}

// The wait status of a child: 0 is a clean exit.
inline int reap(pid_t pid) {
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

inline bool killed_by(int status, int signal) { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }

// Bytes whose last part cannot be read: copying them kills the process in the middle, unless
// a sanitizer catches the signal (hence SIG_DFL).
inline Bytes deadly_bytes(std::size_t readable) {
    constexpr std::size_t kPage = 4096;
    std::signal(SIGSEGV, SIG_DFL);
    auto *at = static_cast<std::uint8_t *>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(at + kPage, kPage, PROT_NONE);
    return {at + kPage - readable, 2 * readable + 64};
}

// Runs action() in a child, one instruction at a time, and calls look() after each: what look()
// finds in shared memory is what a kill at that instruction leaves. Returns the number of looks;
// 0 where the system forbids tracing.
template <class Action, class Look> int each_instruction(Action action, Look look) {
    const pid_t pid = spawn([&] {
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
            _exit(1);
        }
        raise(SIGSTOP);
        action();
        raise(SIGSTOP);
    });
    int status = reap(pid);
    ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_EXITKILL);
    int looks = 0;
    while (WIFSTOPPED(status) && (looks == 0 || WSTOPSIG(status) == SIGTRAP)) {
        look();
        ++looks;
        if (ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) {
            break;
        }
        waitpid(pid, &status, 0);
    }
    if (WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        reap(pid);
    }
    return looks;
}

} // namespace rt::test
