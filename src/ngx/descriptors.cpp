// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/descriptors.hpp"

#include <algorithm>
#include <unistd.h>

namespace rt::ngx {

Descriptors::~Descriptors() {
    for (const int each : held_) {
        if (each != -1) {
            ::close(each);
        }
    }
}

void attach_descriptors(msghdr &message, DescriptorRoom &room, std::span<const int> descriptors) noexcept {
    room = {};
    message.msg_control = room.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
}

void detach_descriptors(msghdr &message, Descriptors &into) noexcept {
    const cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
        return;
    }
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < std::min(count, kMostDescriptors); ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
        into.hold(i, descriptor);
    }
}

} // namespace rt::ngx
