// SPDX-License-Identifier: BSD-2-Clause
// What the parts of the bridge see of the connection that publishes: commands go out in order,
// and each is answered once, or told to be unknown when the connection is lost.
#pragma once

#include "base/bytes.hpp"
#include "base/ports.hpp"

#include <cstdint>
#include <span>

namespace rt::wire {
class RespValue;
}

namespace rt::cluster {

// Whose command it is stands in the first byte of its cookie.
enum class LineUser : std::uint8_t {
    nobody,
    outbound,
    registry,
    asks,
    voice,
    // Of a Redis Cluster, below the bridge:
    routes,   // cluster/slot_routes.hpp
    counts,   // cluster/node_counts.hpp
    channels, // cluster/shard_channels.hpp
    map,      // who owns which slot
};

struct Cookie {
    LineUser user = LineUser::nobody;
    std::uint64_t value = 0; // below 2^56

    [[nodiscard]] constexpr std::uint64_t packed() const noexcept {
        return static_cast<std::uint64_t>(user) << 56 | value;
    }
    [[nodiscard]] static constexpr Cookie of(std::uint64_t packed) noexcept {
        return {static_cast<LineUser>(packed >> 56), packed & ((std::uint64_t{1} << 56) - 1)};
    }
};

class RedisLine {
public:
    virtual ~RedisLine() = default;

    // Connected, and what was asked to be heard is heard.
    [[nodiscard]] virtual bool is_up() const noexcept = 0;

    // False: Redis is away, or too much waits for it: nothing was sent, nothing will be answered.
    [[nodiscard]] virtual bool send(std::span<const Text> command, Cookie cookie) = 0;
};

class RedisLineEvents {
public:
    virtual ~RedisLineEvents() = default;
    // Null: the connection was lost, and whether Redis did it nobody knows.
    virtual void on_reply(std::uint64_t value, const wire::RespValue *reply, Millis now) = 0;
};

} // namespace rt::cluster
