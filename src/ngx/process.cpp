// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/process.hpp"

#include <array>
#include <atomic>
#include <new>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace rt::ngx {

namespace {

// Written by the master in init_module only (decisions.md, ruling 26); never freed: workers of
// every later generation inherit them.
constinit int *descriptors = nullptr;
constinit std::uint32_t descriptor_count = 0;
constinit std::array<int, 2> channel_ends{-1, -1};
constinit std::uint64_t my_cycle = 0;

// In memory that all workers see.
struct Shared {
    std::uint64_t newest; // configuration
    std::uint64_t ended;  // that a worker of was told to quit while it was the newest
};
constinit Shared *shared = nullptr;

} // namespace

bool open_wake_descriptors(std::uint32_t seats, ngx_log_t *log) noexcept {
    if (descriptors == nullptr) {
        descriptors = new (std::nothrow) int[seats];
    }
    while (descriptors != nullptr && descriptor_count < seats) {
        const int made = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (made == -1) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "realtime: eventfd() failed");
            return false; // and nginx exits
        }
        descriptors[descriptor_count++] = made;
    }
    return descriptors != nullptr;
}

int wake_descriptor(std::uint32_t seat) noexcept { return seat < descriptor_count ? descriptors[seat] : -1; }

std::uint32_t wake_descriptors() noexcept { return descriptor_count; }

bool open_channel(ngx_log_t *log) noexcept {
    if (channel_ends[0] != -1) {
        return true;
    }
    constexpr int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (socketpair(AF_UNIX, type, 0, channel_ends.data()) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "realtime: socketpair() failed");
        return false;
    }
    // More than the system's bound, while there is the right to; without it fewer are under way.
    const int size = 1024 * 1024;
    if (setsockopt(channel_ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == -1) {
        static_cast<void>(setsockopt(channel_ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
    }
    return true;
}

int channel(ChannelEnd end) noexcept { return channel_ends[end == ChannelEnd::send ? 0 : 1]; }

bool next_cycle() noexcept {
    if (shared == nullptr) {
        void *page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) {
            return false;
        }
        shared = static_cast<Shared *>(page);
    }
    std::atomic_ref(shared->newest).store(++my_cycle);
    return true;
}

std::uint64_t cycle_number() noexcept { return my_cycle; }

std::uint64_t newest_cycle() noexcept { return std::atomic_ref(shared->newest).load(); }

void announce_end() noexcept { std::atomic_ref(shared->ended).store(my_cycle); }

bool end_announced() noexcept { return std::atomic_ref(shared->ended).load() == newest_cycle(); }

} // namespace rt::ngx
