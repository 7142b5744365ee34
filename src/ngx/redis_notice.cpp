// SPDX-License-Identifier: BSD-2-Clause
// What the master says of Redis when a configuration is final.
#include "ngx/redis_conf.hpp"

namespace rt::ngx {

namespace {

constexpr Text kUsualVariable = "REDIS_URL";

void say(ngx_log_t *log, Text words) noexcept {
    ngx_log_error(NGX_LOG_NOTICE, log, 0, "realtime: %*s", words.size(), words.data());
}

void announce_app(const AppConf &app, ngx_log_t *log) {
    const std::string &name = app.settings.name;
    const cluster::RedisSettings &settings = *app.bus.use.redis;
    say(log, "app \"" + name + "\": Redis adapter configured for WebSocket scalability, realtime_redis \"" +
                 settings.name + "\"");
    if (app.bus.use.prefix != settings.adapter.prefix || app.bus.use.key_prefix != settings.key_prefix) {
        say(log,
            "app \"" + name + "\": prefix " + app.bus.use.prefix + ", key_prefix " + app.bus.use.key_prefix);
    }
}

} // namespace

void announce_redis(const MainConf &main, ngx_log_t *log) {
    Text variable = kUsualVariable;
    bool alone = true;
    for (const auto &block : main.redis) {
        if (block->on) {
            say(log, "realtime_redis \"" + block->settings.name + "\": " + block->settings.text());
        } else {
            variable = block->unset;
        }
    }
    for (const auto &app : main.apps) {
        if (app->bus.block != nullptr) {
            announce_app(*app, log);
            alone = false;
        }
    }
    if (alone) {
        say(log, std::string(variable) + " not configured. Running in single-instance mode");
    }
}

} // namespace rt::ngx
