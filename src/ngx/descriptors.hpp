// SPDX-License-Identifier: BSD-2-Clause
// Descriptors in a message of a unix socket (SCM_RIGHTS): what is held is closed.
#pragma once

#include "ngx/ngx.hpp"

#include <array>
#include <span>
#include <sys/socket.h>
#include <utility>

namespace rt::ngx {

inline constexpr std::size_t kMostDescriptors = 64; // in one message; Linux takes 253

// Those that came with a message, until somebody takes them.
class Descriptors {
public:
    Descriptors() noexcept { held_.fill(-1); }
    Descriptors(const Descriptors &) = delete;
    Descriptors &operator=(const Descriptors &) = delete;
    ~Descriptors();

    void hold(std::size_t at, int descriptor) noexcept { held_[at] = descriptor; }
    [[nodiscard]] int operator[](std::size_t at) const noexcept { return held_[at]; }
    [[nodiscard]] int release(std::size_t at) noexcept { return std::exchange(held_[at], -1); }

private:
    std::array<int, kMostDescriptors> held_{};
};

// Room for them in a message; it must outlive the call.
union DescriptorRoom {
    std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> bytes;
    cmsghdr alignment;
};

void attach_descriptors(msghdr &message, DescriptorRoom &room, std::span<const int> descriptors) noexcept;
void detach_descriptors(msghdr &message, Descriptors &into) noexcept;

} // namespace rt::ngx
