// SPDX-License-Identifier: BSD-2-Clause
// Sockets and time for the benchmark's two programs. Whatever fails ends the program with a
// line on stderr: a measurement that went on would be wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

using Text = std::string_view;

[[noreturn]] void fail(Text what);

// Microseconds of the monotonic clock.
[[nodiscard]] std::int64_t now_us() noexcept;

struct Address {
    std::uint32_t host; // IPv4, in host order
    std::uint16_t port;
};

// A non-blocking connection to `to` from loopback address `from`, which may be under way.
// Addresses of their own give a process ports of its own: one address has only some 28,000.
[[nodiscard]] int connect_from(std::uint32_t from, Address to);

// Non-blocking, on all addresses, shared by processes if they all ask for it.
[[nodiscard]] int listen_on(std::uint16_t port);

// Small frames do not wait for acknowledgements.
void set_nodelay(int fd);

// As much as the socket takes: bytes, 0 if it takes nothing, -1 if it is broken.
[[nodiscard]] long send_some(int fd, Text bytes) noexcept;

// The whole of it, or the program ends: for small messages on sockets that are read.
void send_all(int fd, Text bytes);

// As many descriptors as the system allows.
void raise_limits() noexcept;

} // namespace bench
