// SPDX-License-Identifier: BSD-2-Clause
// Where a Redis is, as people write it: redis://user:password@host:port/db, rediss:// for TLS,
// unix:/path, and host:port.
#pragma once

#include "base/result.hpp"
#include "cluster/redis_settings.hpp"

#include <optional>
#include <string>

namespace rt::cluster {

struct RedisUrl {
    RedisAddress address; // port 0: none is said
    bool tls = false;
    std::string user; // percent-decoded, as the password
    std::string password;
    std::optional<std::uint32_t> db;
};

// Errors are `protocol` with words for the log; they never hold a part of the URL, which has a
// password in it.
[[nodiscard]] Result<RedisUrl> parse_redis_url(Text url);

// `name`, `name:port`, `[::1]:port`, `unix:/path`.
[[nodiscard]] Result<RedisAddress> parse_redis_server(Text text, std::uint16_t default_port = kRedisPort);

// 1 to 65535.
[[nodiscard]] Result<std::uint16_t> parse_port(Text text);

} // namespace rt::cluster
