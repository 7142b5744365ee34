// SPDX-License-Identifier: BSD-2-Clause
#include "loop/relay.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <poll.h>
#include <sys/socket.h>

namespace bench {

namespace {

constexpr std::uint32_t kLoopback = 0x7F000001;
constexpr std::size_t kRead = 1 << 16;
constexpr Text kSubscribe = "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\nbench\r\n";
constexpr Text kSubscribed = "*3\r\n$9\r\nsubscribe\r\n$5\r\nbench\r\n:1\r\n";
constexpr Text kPublish = "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$";
constexpr Text kMessage = "*3\r\n$7\r\nmessage\r\n$5\r\nbench\r\n$";
constexpr Text kEnd = "\r\n";

} // namespace

Relay::Relay(std::uint16_t port)
    : says_(connect_from(kLoopback, {kLoopback, port})), hears_(connect_from(kLoopback, {kLoopback, port})),
      chunk_(kRead, '\0') {
    send_all(hears_, kSubscribe);
    while (buffer_.size() < kSubscribed.size()) {
        pollfd readable{hears_, POLLIN, 0};
        poll(&readable, 1, -1);
        receive();
    }
    if (buffer_ != kSubscribed) {
        fail("Redis");
    }
    buffer_.clear();
}

void Relay::say(Text frame) const {
    std::string command(kPublish);
    command += std::to_string(frame.size());
    command += kEnd;
    command += frame;
    command += kEnd;
    send_all(says_, command);
}

void Relay::skip_answers() {
    std::array<char, 4096> answers{};
    while (recv(says_, answers.data(), answers.size(), 0) > 0) {
    }
}

void Relay::receive() {
    for (bool more = true; more;) {
        const ssize_t got = recv(hears_, chunk_.data(), chunk_.size(), 0);
        if (got == 0 || (got == -1 && errno != EAGAIN)) {
            fail("Redis");
        }
        buffer_.append(chunk_, 0, static_cast<std::size_t>(got > 0 ? got : 0));
        more = got == static_cast<ssize_t>(kRead);
    }
}

Text Relay::first(Text &bytes) {
    const std::size_t digits = bytes.find(kEnd, kMessage.size());
    if (!bytes.starts_with(kMessage) || digits == Text::npos) {
        return {};
    }
    std::size_t size = 0;
    std::from_chars(bytes.data() + kMessage.size(), bytes.data() + digits, size);
    const std::size_t begin = digits + kEnd.size();
    const std::size_t end = begin + size + kEnd.size();
    if (bytes.size() < end) {
        return {};
    }
    const Text frame = bytes.substr(begin, size);
    bytes.remove_prefix(end);
    return frame;
}

} // namespace bench
