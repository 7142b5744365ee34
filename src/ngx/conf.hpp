// SPDX-License-Identifier: BSD-2-Clause
// What nginx.conf says, in the form that workers use. All of it lives in the configuration's
// pool: nothing here may be pointed to by what outlives a reload.
#pragma once

#include "cluster/redis_settings.hpp"
#include "engine/settings.hpp"
#include "hub/settings.hpp"
#include "ngx/cors.hpp"
#include "ngx/ngx.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rt::ngx {

inline constexpr Text kDefaultApp = "default";

// A place in the configuration.
struct Where {
    ngx_str_t file{0, nullptr};
    ngx_uint_t line = 0;
};

// realtime_redis
struct RedisBlock {
    cluster::RedisSettings settings;
    bool on = true;    // false: its address is in environment variables that are not set
    std::string unset; // then: the first of them
    ngx_ssl_t tls{};   // ctx is null without TLS
};

// What an app's `redis` said.
struct RedisWish {
    std::string block;
    bool bus = true;
    bool state = true;
    std::optional<std::string> prefix;
    std::optional<std::string> key_prefix;
    Where where;
};

struct AppRedis {
    const RedisBlock *block = nullptr; // null: none, or one that is off
    cluster::RedisUse use;
};

// realtime_app
struct AppConf {
    hub::AppSettings settings;
    AppRedis bus;   // how other hosts are heard
    AppRedis state; // where locks, limits and presence of all hosts are
    std::vector<RedisWish> redis_wishes;
    ngx_shm_zone_t *zone = nullptr;     // roster and tables
    ngx_shm_zone_t *log_zone = nullptr; // log and mailboxes
    // nginx's indexes of settings.captured, in that order.
    std::vector<ngx_int_t> captured_indexes;

    // Bytes of one envelope that the log takes (decisions.md, idea 1).
    [[nodiscard]] std::size_t largest_envelope() const noexcept { return settings.zone_size / 2 / 16; }
};

// What a location serves.
enum class Endpoint : std::uint8_t { none, app, echo, publish, status };

struct Cookie {
    std::string name;       // empty: no cookie
    std::string attributes; // "; Path=/; HttpOnly", behind the session's id
};

struct MaxSockets {
    enum class Per : std::uint8_t { none, ip, user };
    std::uint32_t count = 0; // 0: no bound
    Per per = Per::none;
};

struct Transports {
    bool polling = false;
    bool websocket = false;
};

struct Deflate {
    bool on = false;
    std::optional<std::uint32_t> threshold;
};

struct SendBuffer {
    std::uint32_t size = 0;
    std::optional<engine::SlowPolicy> policy;
};

// realtime_limits: the key, what it bounds, and which numbers are taken.
struct LimitRow {
    Text key;
    std::uint32_t engine::Limits::*slot;
    std::uint32_t least;
    std::uint32_t most;
};

// A namespace's number in an image has 16 bits; JSON is read 1024 levels deep at most.
inline constexpr std::array<LimitRow, 5> kLimitRows = {{
    {"namespaces", &engine::Limits::namespaces, 1, 1000},
    {"rooms", &engine::Limits::rooms, 0, 65535},
    {"attachments", &engine::Limits::attachments, 0, 1000},
    {"depth", &engine::Limits::depth, 1, 1024},
    {"acks", &engine::Limits::acks, 0, 1000000},
}};

using LimitSlots = std::array<std::optional<std::uint32_t>, kLimitRows.size()>;

// What the directives at one level said; what is empty is inherited.
struct LocationSlots {
    std::optional<Transports> transports;
    std::optional<Millis> ping_interval;
    std::optional<Millis> ping_timeout;
    std::optional<Millis> upgrade_timeout;
    std::optional<Millis> connect_timeout;
    std::optional<std::uint32_t> max_payload;
    std::optional<std::shared_ptr<const CorsRules>> cors; // null: only variables that are not set
    std::optional<Cookie> cookie;
    std::optional<Deflate> deflate;
    std::optional<SendBuffer> send_buffer;
    std::optional<MaxSockets> max_sockets;
    std::optional<Millis> drain;
    LimitSlots limits;
    std::optional<std::string> serve_client;
};

// A location. The first part is final once the configuration is read, and all that content
// handlers need.
struct LocationConf {
    Endpoint endpoint = Endpoint::none;
    AppConf *app = nullptr; // of every endpoint
    engine::SessionSettings session;
    const CorsRules *cors = nullptr; // null: the server's own origin only
    Cookie cookie;
    MaxSockets max_sockets;
    std::string serve_client; // directory of the client bundle; empty: not served

    LocationSlots slots;
    std::string app_name;      // that the endpoint's directive gave
    Where where;               // of that directive
    void **loc_conf = nullptr; // all modules' settings of this location
};

struct MainConf {
    std::vector<std::unique_ptr<AppConf>> apps;
    std::vector<std::unique_ptr<RedisBlock>> redis;
    std::vector<LocationConf *> endpoints; // locations with one
    ngx_shm_zone_t *seats = nullptr;       // null: nothing of ours is in use

    [[nodiscard]] AppConf *find(Text app) const noexcept;
    [[nodiscard]] const RedisBlock *find_redis(Text name) const noexcept;
};

[[nodiscard]] MainConf *main_conf(ngx_conf_t *cf) noexcept;
// Null if the configuration has no http block.
[[nodiscard]] MainConf *main_conf(ngx_cycle_t *cycle) noexcept;
[[nodiscard]] LocationConf *location_conf(ngx_http_request_t *r) noexcept;

// ngx_http_module_t's slots.
void *create_main_conf(ngx_conf_t *cf) noexcept;
void *create_location_conf(ngx_conf_t *cf) noexcept;
char *merge_location_conf(ngx_conf_t *cf, void *parent, void *child) noexcept;
ngx_int_t finish_conf(ngx_conf_t *cf) noexcept; // postconfiguration

// ngx_core_module_t::init_conf: what can be judged only when the whole file is read.
char *check_whole_conf(ngx_cycle_t *cycle, void *conf) noexcept;

} // namespace rt::ngx
