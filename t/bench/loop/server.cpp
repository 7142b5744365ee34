// SPDX-License-Identifier: BSD-2-Clause
#include "loop/server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace bench {

namespace {

constexpr std::size_t kEvents = 4096;
constexpr std::size_t kBuffer = 1 << 16;

const std::string kOpen = text_frame(
    R"(0{"sid":"0123456789abcdef","upgrades":[],"pingInterval":300000,"pingTimeout":20000,"maxPayload":1000000})",
    false);
const std::string kConnected = text_frame(R"(40{"sid":"0123456789abcdef0123"})", false);
const std::string kAnswer = text_frame(R"(437[{"ok":true}])", false);

std::string upgrade_answer() {
    std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    return answer + "Sec-WebSocket-Accept: " + std::string(kKeyAnswer) + "\r\n\r\n" + kOpen;
}

} // namespace

Loop::Loop(const LoopSettings &settings)
    : settings_(settings), epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on(settings.port)),
      buffer_(kBuffer, '\0') {
    expect(listener_, static_cast<std::uint64_t>(listener_), EPOLLIN);
    if (settings_.sibling != -1) {
        expect(settings_.sibling, static_cast<std::uint64_t>(settings_.sibling), EPOLLIN);
    }
    if (settings_.redis != 0) {
        relay_ = std::make_unique<Relay>(settings_.redis);
        expect(relay_->says(), static_cast<std::uint64_t>(relay_->says()), EPOLLIN);
        expect(relay_->hears(), static_cast<std::uint64_t>(relay_->hears()), EPOLLIN);
    }
}

void Loop::run() {
    std::vector<epoll_event> events(kEvents);
    for (;;) {
        const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            const epoll_event &event = events[static_cast<std::size_t>(i)];
            take(event.data.u64, event.events);
        }
        if (!collected_.empty()) {
            write_all(collected_);
            collected_.clear();
        }
    }
}

void Loop::take(std::uint64_t what, std::uint32_t events) {
    const int fd = static_cast<int>(what);
    if (fd == listener_) {
        accept_all();
    } else if (fd == settings_.sibling) {
        hear_sibling();
    } else if (relay_ && fd == relay_->says()) {
        relay_->skip_answers();
    } else if (relay_ && fd == relay_->hears()) {
        hear_redis();
    } else {
        Client &client = clients_[static_cast<std::size_t>(fd)];
        if (client.blocked && (events & EPOLLOUT) != 0) {
            unblock(client);
        }
        if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
            hear(client);
        }
    }
}

void Loop::accept_all() {
    for (int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); fd != -1;
         fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
        const auto index = static_cast<std::size_t>(fd);
        clients_.resize(std::max(clients_.size(), index + 1));
        clients_[index] = Client{};
        clients_[index].fd = fd;
        set_nodelay(fd);
        expect(fd, index, EPOLLIN | EPOLLOUT | EPOLLET);
    }
}

void Loop::hear_sibling() {
    for (;;) {
        const ssize_t got = recv(settings_.sibling, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (got <= 0) {
            return;
        }
        cast_here({buffer_.data(), static_cast<std::size_t>(got)});
    }
}

void Loop::hear_redis() {
    relay_->each([this](Text frame) { cast_here(frame); });
}

void Loop::hear(Client &client) {
    for (;;) {
        const std::size_t before = client.rest.copy(buffer_.data(), client.rest.size());
        const std::size_t room = buffer_.size() - before;
        const ssize_t got = recv(client.fd, buffer_.data() + before, room, 0);
        if (got == -1 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            drop(client);
            return;
        }
        Text bytes(buffer_.data(), before + static_cast<std::size_t>(got));
        if (!client.upgraded) {
            bytes = upgrade(client, bytes);
        }
        const Text rest = each_frame(
            bytes, [&](Text whole, const Frame &frame) { on_packet(client, payload_of(whole, frame)); });
        client.rest.assign(rest);
        if (static_cast<std::size_t>(got) < room) {
            return;
        }
    }
}

// The request comes in one piece: the generator sends it so.
Text Loop::upgrade(Client &client, Text bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == Text::npos) {
        fail("a request in pieces");
    }
    client.upgraded = true;
    write(client, upgrade_answer());
    return bytes.substr(end + 4);
}

void Loop::on_packet(Client &client, Text packet) {
    if (packet.starts_with("42[\"c")) {
        cast(text_frame(packet, false));
    } else if (packet.starts_with("427[")) {
        write(client, kAnswer);
    } else if (packet == "40") {
        client.place = targets_.size();
        targets_.push_back({client.fd, client.blocked});
        write(client, kConnected);
    }
}

// Through Redis it comes back to us, too.
void Loop::cast(Text frame) {
    if (relay_) {
        relay_->say(frame);
        return;
    }
    if (settings_.sibling != -1 && send(settings_.sibling, frame.data(), frame.size(), 0) == -1) {
        fail("the other process");
    }
    cast_here(frame);
}

void Loop::cast_here(Text frame) {
    if (settings_.joining) {
        collected_.append(frame);
    } else {
        write_all(frame);
    }
}

void Loop::write_all(Text bytes) {
    for (const Target &target : targets_) {
        const long sent = target.blocked ? 0 : send_some(target.fd, bytes);
        if (sent != static_cast<long>(bytes.size())) {
            keep(clients_[static_cast<std::size_t>(target.fd)], bytes, sent);
        }
    }
}

void Loop::write(Client &client, Text bytes) {
    const long sent = client.blocked ? 0 : send_some(client.fd, bytes);
    if (sent != static_cast<long>(bytes.size())) {
        keep(client, bytes, sent);
    }
}

void Loop::keep(Client &client, Text bytes, long sent) {
    client.pending.append(bytes.substr(static_cast<std::size_t>(std::max(sent, 0L))));
    set_blocked(client, true);
}

void Loop::unblock(Client &client) {
    const std::string pending = std::exchange(client.pending, {});
    set_blocked(client, false);
    write(client, pending);
}

void Loop::set_blocked(Client &client, bool blocked) {
    client.blocked = blocked;
    if (client.place < targets_.size() && targets_[client.place].fd == client.fd) {
        targets_[client.place].blocked = blocked;
    }
}

// The last target takes the place.
void Loop::drop(Client &client) {
    if (client.place < targets_.size() && targets_[client.place].fd == client.fd) {
        targets_[client.place] = targets_.back();
        clients_[static_cast<std::size_t>(targets_.back().fd)].place = client.place;
        targets_.pop_back();
    }
    close(client.fd);
    client = Client{};
}

void Loop::expect(int fd, std::uint64_t what, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = what;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == -1) {
        fail("epoll_ctl");
    }
}

} // namespace bench
