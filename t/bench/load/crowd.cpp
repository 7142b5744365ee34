// SPDX-License-Identifier: BSD-2-Clause
#include "load/crowd.hpp"

#include <ctime>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

namespace {

constexpr std::size_t kBuffer = 1 << 18; // one read takes what a burst brings
constexpr std::size_t kEvents = 1024;
constexpr std::uint32_t kWatched = UINT32_MAX;

std::string request_for(Address server) {
    std::string request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n";
    request += "Host: 127.0.0.1:" + std::to_string(server.port) + "\r\n";
    request +=
        "User-Agent: load\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    request += "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n\r\n";
    return request;
}

} // namespace

Crowd::Crowd(const Options &options)
    : options_(options), source_(0x7F000001 | options.source << 8), epoll_(epoll_create1(EPOLL_CLOEXEC)),
      request_(request_for(options.server)), buffer_(kBuffer, '\0'), events_(kEvents) {}

void Crowd::grow_to(std::size_t count) {
    while (joined_ < count) {
        while (peers_.size() < count && peers_.size() - joined_ < options_.ramp) {
            open_one();
        }
        poll(1000000, [](const Peer &, Text) {});
    }
}

void Crowd::close_all() {
    for (const Peer &peer : peers_) {
        close(peer.fd);
    }
    peers_.clear();
    joined_ = 0;
}

void Crowd::open_one() {
    Peer peer;
    const bool speaks = peers_.empty() && options_.speaker.port != 0;
    peer.fd = connect_from(source_, speaks ? options_.speaker : options_.server);
    peer.index = static_cast<std::uint32_t>(peers_.size());
    expect(peer, EPOLLOUT, EPOLL_CTL_ADD);
    peers_.push_back(std::move(peer));
}

void Crowd::expect(Peer &peer, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.u32 = peer.index;
    if (epoll_ctl(epoll_, operation, peer.fd, &event) == -1) {
        fail("epoll_ctl");
    }
}

void Crowd::watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = kWatched;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == -1) {
        fail("epoll_ctl");
    }
}

// The watched descriptor's event is taken out.
int Crowd::wait(std::int64_t timeout_us) {
    timeout_us = options_.spin != 0 ? 0 : timeout_us;
    const timespec timeout{timeout_us / 1000000, timeout_us % 1000000 * 1000};
    const int ready = epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()),
                                   timeout_us < 0 ? nullptr : &timeout, nullptr);
    if (ready == -1) {
        return 0;
    }
    int kept = 0;
    for (int i = 0; i < ready; ++i) {
        const epoll_event event = events_[static_cast<std::size_t>(i)];
        if (event.data.u32 == kWatched) {
            watched_ = true;
        } else {
            events_[static_cast<std::size_t>(kept++)] = event;
        }
    }
    return kept;
}

// What the socket has, behind what was left of earlier reads; in the buffer of all peers.
Text Crowd::receive(Peer &peer) {
    if (peer.stage == Stage::connecting) {
        send_all(peer.fd, request_);
        peer.stage = Stage::upgrading;
        expect(peer, EPOLLIN, EPOLL_CTL_MOD);
        return {};
    }
    const std::size_t before = peer.rest.copy(buffer_.data(), peer.rest.size());
    const ssize_t got = recv(peer.fd, buffer_.data() + before, buffer_.size() - before, 0);
    if (got <= 0) {
        fail("a client was disconnected");
    }
    return {buffer_.data(), before + static_cast<std::size_t>(got)};
}

// What stands behind the answer to the upgrade; nothing if that is not whole.
Text Crowd::shake_hands(Peer &peer, Text bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == Text::npos) {
        keep(peer, bytes);
        return {};
    }
    if (!bytes.starts_with("HTTP/1.1 101")) {
        fail(bytes.substr(0, bytes.find('\r')));
    }
    peer.stage = Stage::opening;
    return bytes.substr(end + 4);
}

void Crowd::go_on(Peer &peer, Text packet) {
    if (peer.stage == Stage::opening && packet[0] == '0') {
        peer.stage = Stage::joining;
        send(peer, "40");
    } else if (peer.stage == Stage::joining && packet.starts_with("40")) {
        peer.stage = Stage::joined;
        ++joined_;
    }
}

void Crowd::keep(Peer &peer, Text rest) {
    if (!rest.empty() || !peer.rest.empty()) {
        peer.rest.assign(rest);
    }
}

} // namespace bench
