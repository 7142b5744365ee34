// SPDX-License-Identifier: BSD-2-Clause
// What a realtime location says about its sessions. Plain values: a session that moves to
// another worker carries them along, so no reference to a configuration is needed.
#pragma once

#include "base/ports.hpp"
#include "base/result.hpp"

#include <cstdint>

namespace rt::engine {

// What happens when a client reads more slowly than it is written to.
enum class SlowPolicy : std::uint8_t {
    close,         // volatile packets are dropped while the transport is not writable
    drop_volatile, // volatile packets are queued too, and dropped once the buffer is full
};

// Per connection; realtime_limits.
struct Limits {
    std::uint32_t namespaces = 16;
    std::uint32_t rooms = 256;
    std::uint32_t attachments = 10;
    std::uint32_t depth = 64;
    std::uint32_t acks = 1000;

    bool operator==(const Limits &) const noexcept = default;
};

struct SessionSettings {
    Millis ping_interval = 25000;
    Millis ping_timeout = 20000;
    Millis upgrade_timeout = 10000;
    Millis connect_timeout = 45000;
    Millis drain = 30000;                 // over which sessions leave that cannot move
    std::uint64_t send_buffer = 1u << 20; // bytes queued for one client
    std::uint64_t max_per_user = 0;       // connections of one user on this host; 0: no bound
    std::uint32_t max_payload = 1000000;  // bytes of one message or POST body
    SlowPolicy slow_policy = SlowPolicy::close;
    bool polling = true;
    bool websocket = true;
    bool deflate = false;
    std::uint32_t deflate_threshold = 1024; // bytes; smaller messages are sent as they are
    Limits limits;

    bool operator==(const SessionSettings &) const noexcept = default;
};

// As part of a session's image (engine/image.cpp).
void freeze_settings(Writer &out, const SessionSettings &settings);
// protocol: the image makes no sense.
[[nodiscard]] Result<SessionSettings> thaw_settings(Reader &in);

} // namespace rt::engine
