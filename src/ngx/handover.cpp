// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/handover.hpp"

#include "ngx/descriptors.hpp"
#include "ngx/process.hpp"

#include <array>
#include <linux/sockios.h>
#include <span>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace rt::ngx {

namespace {

constexpr std::uint32_t kVersion = 0x72740001; // of the image; sender and receiver run one binary
constexpr std::size_t kInline = 32 * 1024;     // a larger image travels in a file without a name
constexpr int kLeastMessage = 768;             // what the kernel counts for the smallest

struct Head {
    std::uint32_t version;
    std::uint32_t size; // of the image
};

// Writes all of it; false: there is no memory.
bool fill(int file, Bytes image) noexcept {
    while (!image.empty()) {
        const ssize_t written = ::write(file, image.data(), image.size());
        if (written <= 0) {
            return false;
        }
        image = image.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

bool read_file(int file, std::string &image) noexcept {
    std::size_t got = 0;
    while (got < image.size()) {
        const ssize_t count = ::pread(file, image.data() + got, image.size() - got, static_cast<off_t>(got));
        if (count <= 0) {
            return false;
        }
        got += static_cast<std::size_t>(count);
    }
    return true;
}

} // namespace

std::uint32_t messages_under_way() noexcept {
    int waiting = 0;
    if (ioctl(channel(ChannelEnd::send), SIOCOUTQ, &waiting) == -1) {
        return UINT32_MAX;
    }
    return static_cast<std::uint32_t>((waiting + kLeastMessage - 1) / kLeastMessage);
}

Result<void> send_socket(int socket, Bytes image) noexcept {
    Descriptors own;
    std::array<int, 2> descriptors{socket, -1};
    std::size_t count = 1;
    Head head{kVersion, static_cast<std::uint32_t>(image.size())};
    if (image.size() > kInline) {
        own.hold(0, memfd_create("realtime", MFD_CLOEXEC));
        if (own[0] == -1 || !fill(own[0], image)) {
            return {Code::busy, "no memory for a large image"};
        }
        descriptors[count++] = own[0];
        image = {};
    }
    std::array<iovec, 2> pieces{iovec{&head, sizeof(head)},
                                iovec{const_cast<std::uint8_t *>(image.data()), image.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    DescriptorRoom room;
    attach_descriptors(message, room, std::span<const int>(descriptors).first(count));
    // EAGAIN, ENOBUFS, ETOOMANYREFS: too much is under way; whatever it is, the
    // socket is still here.
    if (sendmsg(channel(ChannelEnd::send), &message, MSG_DONTWAIT | MSG_NOSIGNAL) == -1) {
        return {Code::busy, "the channel takes no more"};
    }
    return {};
}

Result<Parcel> receive_socket() {
    Parcel parcel;
    parcel.image.resize(kInline);
    Head head{};
    std::array<iovec, 2> pieces{iovec{&head, sizeof(head)}, iovec{parcel.image.data(), parcel.image.size()}};
    DescriptorRoom room{};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    message.msg_control = room.bytes.data();
    message.msg_controllen = room.bytes.size();
    const ssize_t got = recvmsg(channel(ChannelEnd::receive), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0) {
        return {Code::not_found, "the channel is empty"};
    }
    Descriptors came;
    detach_descriptors(message, came);
    const bool whole = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && came[0] != -1;
    if (!whole || static_cast<std::size_t>(got) < sizeof(head) || head.version != kVersion) {
        return {Code::protocol, "a message of the channel makes no sense"};
    }
    const std::size_t here = static_cast<std::size_t>(got) - sizeof(head);
    parcel.image.resize(came[1] == -1 ? here : head.size);
    if (parcel.image.size() != head.size || (came[1] != -1 && !read_file(came[1], parcel.image))) {
        return {Code::protocol, "an image of the channel is cut short"};
    }
    parcel.socket = came.release(0);
    return parcel;
}

} // namespace rt::ngx
