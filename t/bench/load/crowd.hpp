// SPDX-License-Identifier: BSD-2-Clause
// Many Socket.IO clients on one epoll: they connect over WebSocket, join the namespace /,
// answer pings, and hand over what else they hear.
#pragma once

#include "load/options.hpp"
#include "net/frames.hpp"
#include "net/sockets.hpp"

#include <cstdint>
#include <string>
#include <sys/epoll.h>
#include <vector>

namespace bench {

enum class Stage : std::uint8_t { connecting, upgrading, opening, joining, joined };

struct Peer {
    int fd = -1;
    std::uint32_t index = 0;
    Stage stage = Stage::connecting;
    std::string rest; // the beginning of a frame
};

class Crowd {
public:
    explicit Crowd(const Options &options);
    ~Crowd() { close_all(); }
    Crowd(const Crowd &) = delete;
    Crowd &operator=(const Crowd &) = delete;

    // Connects until there are so many, and returns when all have joined.
    void grow_to(std::size_t count);
    void close_all();

    [[nodiscard]] std::size_t size() const noexcept { return peers_.size(); }
    [[nodiscard]] Peer &operator[](std::size_t i) noexcept { return peers_[i]; }

    // Sends an Engine.IO packet.
    void send(const Peer &peer, Text packet) { send_all(peer.fd, text_frame(packet, true)); }

    // Waits for at most so many microseconds (-1: for ever) and calls on_event(peer, packet)
    // for each Socket.IO packet; also returns early, so that the caller can look at the clock.
    template <class OnEvent> void poll(std::int64_t timeout_us, OnEvent on_event) {
        const int ready = wait(timeout_us);
        for (int i = 0; i < ready; ++i) {
            Peer &peer = peers_[events_[static_cast<std::size_t>(i)].data.u32];
            Text bytes = receive(peer);
            if (peer.stage < Stage::opening) {
                bytes = shake_hands(peer, bytes);
            }
            const Text rest = each_frame(bytes, [&](Text whole, const Frame &frame) {
                const Text packet = whole.substr(frame.head);
                if (packet[0] == '2') {
                    send(peer, "3");
                } else if (peer.stage == Stage::joined) {
                    on_event(peer, packet);
                } else {
                    go_on(peer, packet);
                }
            });
            if (peer.stage >= Stage::opening) {
                keep(peer, rest);
            }
        }
    }

    // Another descriptor that ends a wait when it is readable; watched() says that it was.
    void watch(int fd);
    [[nodiscard]] bool watched() const noexcept { return watched_; }

private:
    [[nodiscard]] int wait(std::int64_t timeout_us);
    void open_one();
    void expect(Peer &peer, std::uint32_t events, int operation) const;
    [[nodiscard]] Text receive(Peer &peer);
    [[nodiscard]] Text shake_hands(Peer &peer, Text bytes);
    void go_on(Peer &peer, Text packet);
    static void keep(Peer &peer, Text rest);

    Options options_;
    std::uint32_t source_;
    int epoll_;
    bool watched_ = false;
    std::size_t joined_ = 0;
    std::string request_;
    std::string buffer_;
    std::vector<Peer> peers_;
    std::vector<epoll_event> events_;
};

} // namespace bench
