// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/bridge_door.hpp"

#include "ngx/app.hpp"
#include "ngx/worker.hpp"

namespace rt::ngx {

shm::SeatRef BridgeDoor::holder() const noexcept {
    return app_.redis_bus() != nullptr ? app_.bridge_table().holder() : shm::SeatRef{};
}

cluster::Bridge *BridgeDoor::mine() const noexcept {
    return holder() == app_.worker().seat() ? app_.redis_bus()->bridge() : nullptr;
}

Result<void> BridgeDoor::tell(Text host, cluster::Topic topic, std::span<const Bytes> pieces) {
    cluster::Bridge *bridge = mine();
    return bridge != nullptr ? bridge->tell(host, topic, pieces)
                             : Result<void>(Code::unavailable, "another worker holds the bridge");
}

bool BridgeDoor::is_up() const noexcept { return app_.reach() == cluster::Reach::reachable; }

bool BridgeDoor::is_live(Text host, Millis now) const {
    const cluster::Bridge *bridge = mine();
    return bridge == nullptr || bridge->may_live(host, now);
}

hub::Position BridgeDoor::sent() const noexcept {
    const cluster::Bridge *bridge = mine();
    return bridge != nullptr ? bridge->sent() : 0;
}

void BridgeDoor::leaves(Text sid) {
    if (cluster::Bridge *bridge = mine(); bridge != nullptr) {
        bridge->roll_calls().leaves(sid);
    }
}

void BridgeDoor::comes(Text sid, std::uint64_t barrier) {
    if (cluster::Bridge *bridge = mine(); bridge != nullptr) {
        bridge->roll_calls().comes(sid, barrier);
    }
}

// The masters of a Redis Cluster have no common order, and what is not heard of a room that has no
// member yet would be missed.
bool BridgeDoor::is_ordered() const noexcept {
    const cluster::RedisSettings *redis = app_.conf().bus.use.redis;
    return redis != nullptr && redis->nodes.mode != cluster::RedisMode::cluster &&
           redis->adapter.kind == cluster::Adapter::classic && !redis->adapter.rooms;
}

} // namespace rt::ngx
