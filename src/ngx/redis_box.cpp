// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_box.hpp"

#include <array>
#include <memory>
#include <new>
#include <unistd.h>

namespace rt::ngx {

namespace {

struct Box {
    std::string app;
    std::array<int, 2> ends{-1, -1};
    std::unique_ptr<Box> next;
};

// Written by the master in init_module only (decisions.md, ruling 26); never freed: workers of
// every later generation inherit it.
constinit Box *boxes = nullptr;

Box *find(Text app) noexcept {
    Box *box = boxes;
    while (box != nullptr && box->app != app) {
        box = box->next.get();
    }
    return box;
}

} // namespace

bool open_box(Text app, ngx_log_t *log) noexcept {
    if (find(app) != nullptr) {
        return true;
    }
    std::unique_ptr<Box> made(new (std::nothrow) Box);
    constexpr int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (made == nullptr || socketpair(AF_UNIX, type, 0, made->ends.data()) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "realtime: socketpair() failed");
        return false;
    }
    made->app = app;
    made->next.reset(boxes);
    boxes = made.release();
    return true;
}

// Descriptors of a message that nobody receives with them are closed by the kernel.
void empty_box(Text app) noexcept {
    const Box *box = find(app);
    std::array<char, kBoxLabel> old;
    while (box != nullptr && recv(box->ends[1], old.data(), old.size(), MSG_DONTWAIT) > 0) {
    }
}

void empty_unused_boxes(Fn<bool(Text app)> is_used) {
    for (const Box *box = boxes; box != nullptr; box = box->next.get()) {
        if (!is_used(box->app)) {
            empty_box(box->app);
        }
    }
}

bool put_in_box(Text app, int socket, Text label) noexcept {
    const Box *box = find(app);
    if (box == nullptr || label.size() != kBoxLabel) {
        return false;
    }
    empty_box(app);
    std::string text(label);
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    DescriptorRoom room;
    attach_descriptors(message, room, {&socket, 1});
    return sendmsg(box->ends[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

int look_into_box(Text app, Text label) {
    const Box *box = find(app);
    if (box == nullptr) {
        return -1;
    }
    std::array<char, kBoxLabel> text{};
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    DescriptorRoom room{};
    message.msg_control = room.bytes.data();
    message.msg_controllen = room.bytes.size();
    const ssize_t got = recvmsg(box->ends[1], &message, MSG_DONTWAIT | MSG_PEEK | MSG_CMSG_CLOEXEC);
    if (got <= 0) {
        return -1;
    }
    Descriptors came;
    detach_descriptors(message, came);
    if (Text(text.data(), static_cast<std::size_t>(got)) == label) {
        return came.release(0);
    }
    empty_box(app);
    return -1;
}

} // namespace rt::ngx
