// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/bridge_settings.hpp"

#include "base/version.hpp"
#include "ngx/app.hpp"
#include "ngx/worker.hpp"

namespace rt::ngx {

namespace {

cluster::DialectSettings dialect_settings(const App &app, const cluster::RedisUse &use) {
    const cluster::RedisAdapter &adapter = use.redis->adapter;
    cluster::DialectSettings settings;
    settings.prefix = use.prefix;
    settings.uid = app.uid();
    settings.host = app.host();
    settings.rooms = adapter.rooms;
    settings.mode = adapter.mode;
    return settings;
}

} // namespace

std::unique_ptr<cluster::Dialect> make_dialect(const App &app, const cluster::RedisUse &use) {
    const bool sharded = use.redis->adapter.kind == cluster::Adapter::sharded;
    const cluster::DialectSettings settings = dialect_settings(app, use);
    return sharded ? make_sharded(settings) : make_classic(settings);
}

cluster::BridgeSettings bridge_settings(App &app, const cluster::RedisUse &use) {
    cluster::BridgeSettings settings;
    settings.registry = {use.key_prefix, std::string(kModuleVersion), app.host(),
                         std::string(app.worker().hostname()), app.uid()};
    settings.asker = app.uid() + std::to_string(app.worker().seat().generation) + ".";
    settings.ask_timeout = static_cast<std::uint32_t>(use.redis->adapter.request_timeout);
    settings.namespaces = app.conf().settings.names();
    settings.disorder = use.redis->nodes.mode == cluster::RedisMode::cluster &&
                        use.redis->adapter.kind == cluster::Adapter::sharded;
    return settings;
}

} // namespace rt::ngx
