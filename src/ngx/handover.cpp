// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/handover.hpp"

#include "ngx/ngx.hpp"
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

// Descriptors of one message: the socket, and the file if there is one.
class Descriptors {
public:
    Descriptors() = default;
    Descriptors(const Descriptors &) = delete;
    Descriptors &operator=(const Descriptors &) = delete;
    ~Descriptors() {
        for (const int each : held_) {
            if (each != -1) {
                ::close(each);
            }
        }
    }

    void hold(std::size_t at, int descriptor) noexcept { held_[at] = descriptor; }
    [[nodiscard]] int operator[](std::size_t at) const noexcept { return held_[at]; }
    [[nodiscard]] int release(std::size_t at) noexcept { return std::exchange(held_[at], -1); }

private:
    std::array<int, 2> held_{-1, -1};
};

union Control {
    std::array<char, CMSG_SPACE(2 * sizeof(int))> bytes;
    cmsghdr alignment;
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

void attach(msghdr &message, Control &control, std::span<const int> descriptors) noexcept {
    control = {};
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
}

void detach(msghdr &message, Descriptors &into) noexcept {
    const cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
        return;
    }
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 2); ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
        into.hold(i, descriptor);
    }
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
    Control control;
    attach(message, control, std::span<const int>(descriptors).first(count));
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
    Control control{};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const ssize_t got = recvmsg(channel(ChannelEnd::receive), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0) {
        return {Code::not_found, "the channel is empty"};
    }
    Descriptors came;
    detach(message, came);
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
