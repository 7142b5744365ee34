// SPDX-License-Identifier: BSD-2-Clause
// The connections to single nodes of a Redis Cluster, as those see them who have to reach the owner
// of a slot. Implemented by the shell; one of these publishes, another one hears.
#pragma once

#include "cluster/redis_line.hpp"
#include "cluster/redis_nodes.hpp"

namespace rt::cluster {

enum class NodeState : std::uint8_t {
    opening, // and has not failed yet
    up,
    down,
};

class NodeLines {
public:
    virtual ~NodeLines() = default;

    // Makes one where there is none.
    virtual NodeState want(const RedisAddress &node) = 0;

    // False: it is not up, or too much waits for it.
    virtual bool command(const RedisAddress &node, Cookie cookie, std::span<const Text> words) = 0;
};

class ShardLines {
public:
    virtual ~ShardLines() = default;

    virtual NodeState want(const RedisAddress &node) = 0;

    // Of one shard channel. False: as above.
    virtual bool subscribe(const RedisAddress &node, Cookie cookie, Text channel) = 0;
    virtual void unsubscribe(const RedisAddress &node, Text channel) = 0;
};

} // namespace rt::cluster
