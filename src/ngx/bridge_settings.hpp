// SPDX-License-Identifier: BSD-2-Clause
// What an application's configuration says of its bridge to other hosts.
#pragma once

#include "cluster/bridge.hpp"
#include "cluster/redis_settings.hpp"

#include <memory>

namespace rt::ngx {

class App;

// `use`: of an application with a Redis.
[[nodiscard]] std::unique_ptr<cluster::Dialect> make_dialect(const App &app, const cluster::RedisUse &use);
[[nodiscard]] cluster::BridgeSettings bridge_settings(App &app, const cluster::RedisUse &use);

} // namespace rt::ngx
