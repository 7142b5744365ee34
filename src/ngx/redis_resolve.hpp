// SPDX-License-Identifier: BSD-2-Clause
// The addresses of a host, found without blocking and without nginx's `resolver`: the C library
// asks what the system asks (/etc/hosts, nsswitch.conf, DNS) in a thread of its own that exists
// only meanwhile, and that a worker need not wait for when it ends.
#pragma once

#include "base/bytes.hpp"
#include "cluster/redis_settings.hpp"

#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace rt::ngx {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    // "127.0.0.1:6379", "unix:/path"
    [[nodiscard]] std::string text() const;
};

// Of a unix socket or of an address in numbers; empty: it is a name.
[[nodiscard]] std::vector<SocketAddress> written_address(const cluster::RedisAddress &address);

class NameLookup {
public:
    enum class State : std::uint8_t { idle, pending, done };

    NameLookup() noexcept;
    NameLookup(const NameLookup &) = delete;
    NameLookup &operator=(const NameLookup &) = delete;
    ~NameLookup();

    // Asks anew; or, if the same name is still being asked for since earlier, goes on waiting.
    void begin(const std::string &name);

    // To be called again after a while as long as it is pending; nobody tells.
    [[nodiscard]] State look() noexcept;

    // When done: in the order in which they are to be tried; empty: complaint() says why.
    [[nodiscard]] std::vector<SocketAddress> addresses(std::uint16_t port) const;
    [[nodiscard]] const char *complaint() const noexcept;

private:
    struct Request;

    void let_go() noexcept;
    static void free_abandoned() noexcept;

    std::unique_ptr<Request> request_; // null: idle
    int error_ = 0;
};

} // namespace rt::ngx
