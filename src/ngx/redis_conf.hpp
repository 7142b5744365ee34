// SPDX-License-Identifier: BSD-2-Clause
// realtime_redis { } as a whole, and which application uses which one for what.
#pragma once

#include "ngx/conf.hpp"
#include "ngx/redis_tls.hpp"

#include "cluster/redis_url.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rt::ngx {

// What the directives of an open block said. Lives on the stack of its directive.
struct RedisDraft {
    void *no_conf = nullptr; // nginx looks here for settings per module (ngx_conf_handler)
    RedisBlock &block;
    std::vector<std::string> seen = {};
    bool has_address = false; // some directive was to say where it is
    std::optional<cluster::RedisUrl> url = {};
    std::optional<std::string> host = {};
    std::optional<std::uint16_t> port = {};
    std::optional<std::uint32_t> db = {};
    std::vector<std::string> servers = {};
    std::optional<std::string> user = {};
    std::optional<std::string> password = {};
    std::optional<bool> ssl = {};
    TlsWords tls = {};
};

// The http-level directive.
char *set_redis(ngx_conf_t *cf, MainConf &main);

// `redis` inside realtime_app.
char *add_redis_wish(ngx_conf_t *cf, AppConf &app);

// When the whole http block is read: gives every application its blocks. False: refused, logged.
[[nodiscard]] bool bind_redis(ngx_conf_t *cf, MainConf &main);

// One notice per start and application: with which Redis it is one of many, or that it is alone.
void announce_redis(const MainConf &main, ngx_log_t *log);

} // namespace rt::ngx
