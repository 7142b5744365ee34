// SPDX-License-Identifier: BSD-2-Clause
// PUBSUB NUMSUB in a Redis Cluster, where each node counts its own connections: asked of all nodes,
// answered once with the sum. A node that is away counts for nothing: so do its connections.
#pragma once

#include "cluster/node_lines.hpp"

#include <string>
#include <unordered_map>

namespace rt::cluster {

class NodeCounts {
public:
    NodeCounts(RedisNodes &nodes, NodeLines &lines) noexcept : nodes_(nodes), lines_(lines) {}

    // `words`: of PUBSUB NUMSUB with one channel. False: nobody could be asked.
    bool send(std::span<const Text> words, std::uint64_t cookie);

    // What is to be told, when this was the last reply of a count: as one node would have said it.
    struct Sum {
        std::uint64_t cookie = 0;
        std::string reply; // RESP; empty: the count goes on
    };
    // Of what the lines were given with this number, a cookie of LineUser::counts. Null: unknown.
    [[nodiscard]] Sum on_reply(std::uint64_t number, const wire::RespValue *reply);

private:
    struct Count {
        std::uint64_t cookie = 0;
        std::string channel;
        std::size_t left = 0; // replies
        std::uint64_t sum = 0;
        std::string refusal; // of a node
    };

    RedisNodes &nodes_;
    NodeLines &lines_;
    std::unordered_map<std::uint64_t, Count> open_; // by number
    std::uint64_t given_ = 0;
};

} // namespace rt::cluster
