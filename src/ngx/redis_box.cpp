// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_box.hpp"

#include "base/text.hpp"
#include "ngx/descriptors.hpp"

#include <array>
#include <memory>
#include <new>
#include <unistd.h>

namespace rt::ngx {

namespace {

constexpr std::size_t kBoxText = 16U << 10; // names of nodes are longer only where nobody wants to know

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

// What lies there, line by line.
std::vector<Boxed> labelled(Text lines, Descriptors &came) {
    std::vector<Boxed> all;
    while (!lines.empty() && all.size() < kMostDescriptors) {
        const auto [line, rest] = split_once(lines, '\n');
        const auto [place, node] = split_once(line, ' ');
        const Result<std::uint64_t> number = parse_number(place);
        all.emplace_back(std::string(node), number ? static_cast<unsigned>(*number) : 0,
                         came.release(all.size()));
        lines = rest;
    }
    return all;
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

// One message: the label, and a line for each of its descriptors.
bool put_in_box(Text app, std::span<const BoxItem> items, Text label) {
    const Box *box = find(app);
    if (box == nullptr || label.size() != kBoxLabel || items.empty() || items.size() > kMostDescriptors) {
        return false;
    }
    std::string text(label);
    std::vector<int> sockets;
    for (const BoxItem &item : items) {
        text += std::to_string(item.place) + " " + item.node + "\n";
        sockets.push_back(item.socket);
    }
    if (text.size() > kBoxText) {
        return false;
    }
    empty_box(app);
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    DescriptorRoom room;
    attach_descriptors(message, room, sockets);
    return sendmsg(box->ends[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

std::vector<Boxed> look_into_box(Text app, Text label) {
    const Box *box = find(app);
    if (box == nullptr) {
        return {};
    }
    std::string text(kBoxText, '\0');
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    DescriptorRoom room{};
    message.msg_control = room.bytes.data();
    message.msg_controllen = room.bytes.size();
    const ssize_t got = recvmsg(box->ends[1], &message, MSG_DONTWAIT | MSG_PEEK | MSG_CMSG_CLOEXEC);
    if (got <= 0) {
        return {};
    }
    Descriptors came;
    detach_descriptors(message, came);
    text.resize(static_cast<std::size_t>(got));
    if (!text.starts_with(label)) {
        empty_box(app);
        return {};
    }
    return labelled(Text(text).substr(label.size()), came);
}

} // namespace rt::ngx
