// SPDX-License-Identifier: BSD-2-Clause
// One realtime_redis block as the core sees it: where Redis is, who we are there, how long is
// waited, and what is spoken. Built by the shell; lives as long as the cycle.
#pragma once

#include "base/ports.hpp"
#include "cluster/dialect.hpp"
#include "cluster/redis_nodes.hpp"
#include "cluster/redis_schedule.hpp"

#include <cstdint>
#include <string>

namespace rt::cluster {

inline constexpr std::uint16_t kRedisPort = 6379;

enum class Adapter : std::uint8_t { off, classic, sharded };

// `static`, `dynamic`, `dynamic-private`: what createShardedAdapter calls its subscriptionMode.
[[nodiscard]] Text mode_name(DialectSettings::Mode mode) noexcept;
[[nodiscard]] std::optional<DialectSettings::Mode> sharded_mode_of(Text name) noexcept;

struct RedisAdapter {
    Adapter kind = Adapter::classic;
    DialectSettings::Mode mode = DialectSettings::Mode::dynamic; // sharded
    std::string prefix = "socket.io";
    Millis request_timeout = 5000; // of what other servers ask of clients here without a time
    bool rooms = false;            // `subscribe rooms`
};

struct RedisTls {
    bool on = false;
    bool verify = true;
    bool server_name = true; // SNI
    std::uint32_t depth = 1;
    std::string name; // for SNI and verification in place of the address's host
};

struct RedisSettings {
    std::string name; // of the block
    RedisNodesSettings nodes;
    std::uint32_t db = 0;
    std::string user;     // empty: `default`
    std::string password; // empty: none
    RedisTls tls;
    RedisAdapter adapter;
    std::string key_prefix = "rt:"; // with its hash tag in cluster mode
    RedisScheduleSettings reconnect;
    Millis connect_timeout = 5000; // name, connect, TLS and AUTH together
    Millis command_timeout = 5000;

    // Effective options for a person, without secrets: `redis://app:***@host:6379/2, adapter classic, …`.
    [[nodiscard]] std::string text() const;
};

// "redis.example:6379", "[::1]:6379", "unix:/run/redis.sock"
[[nodiscard]] std::string text_of(const RedisAddress &address);
// Then its host is `unix:` and the path.
[[nodiscard]] bool is_unix(const RedisAddress &address) noexcept;

// In cluster mode all keys of one prefix must fall into one slot: "rt:" becomes "{rt:}", unless it
// has a hash tag already.
[[nodiscard]] std::string tagged_prefix(Text prefix, RedisMode mode);

// What one app does with one Redis.
struct RedisUse {
    const RedisSettings *redis = nullptr; // null: nothing, single-instance
    std::string prefix;                   // of the adapter's channels
    std::string key_prefix;               // of everything else; tagged
};

} // namespace rt::cluster
