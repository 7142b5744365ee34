// SPDX-License-Identifier: BSD-2-Clause
#include "net/sockets.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

namespace {

void set(int fd, int level, int name) {
    const int on = 1;
    if (setsockopt(fd, level, name, &on, sizeof(on)) == -1) {
        fail("setsockopt");
    }
}

sockaddr_in address_of(Address at) noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(at.port);
    address.sin_addr.s_addr = htonl(at.host);
    return address;
}

int make_socket() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        fail("socket");
    }
    return fd;
}

} // namespace

void fail(Text what) {
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
    std::exit(1);
}

std::int64_t now_us() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

void set_nodelay(int fd) { set(fd, IPPROTO_TCP, TCP_NODELAY); }

int connect_from(std::uint32_t from, Address to) {
    const int fd = make_socket();
    set_nodelay(fd);
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    const sockaddr_in here = address_of({from, 0});
    const sockaddr_in there = address_of(to);
    if (bind(fd, static_cast<const sockaddr *>(static_cast<const void *>(&here)), sizeof(here)) == -1) {
        fail("bind");
    }
    if (connect(fd, static_cast<const sockaddr *>(static_cast<const void *>(&there)), sizeof(there)) == -1 &&
        errno != EINPROGRESS) {
        fail("connect");
    }
    return fd;
}

int listen_on(std::uint16_t port) {
    const int fd = make_socket();
    set(fd, SOL_SOCKET, SO_REUSEADDR);
    set(fd, SOL_SOCKET, SO_REUSEPORT);
    const sockaddr_in here = address_of({INADDR_ANY, port});
    if (bind(fd, static_cast<const sockaddr *>(static_cast<const void *>(&here)), sizeof(here)) == -1 ||
        listen(fd, SOMAXCONN) == -1) {
        fail("listen");
    }
    return fd;
}

long send_some(int fd, Text bytes) noexcept {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
        return sent;
    }
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void send_all(int fd, Text bytes) {
    while (!bytes.empty()) {
        const long sent = send_some(fd, bytes);
        if (sent < 0) {
            fail("send");
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        if (!bytes.empty()) {
            pollfd writable{fd, POLLOUT, 0};
            poll(&writable, 1, -1);
        }
    }
}

void raise_limits() noexcept {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace bench
