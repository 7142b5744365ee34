// SPDX-License-Identifier: BSD-2-Clause
// The connections of one role to single nodes of a Redis Cluster: made when they are wanted, each
// tried again by itself until nobody uses it. The connection that finds the Cluster (the base) serves
// as the one to its node.
#pragma once

#include "base/fn.hpp"
#include "cluster/node_lines.hpp"
#include "ngx/redis_box.hpp"
#include "ngx/redis_link.hpp"

#include <memory>
#include <vector>

namespace rt::ngx {

class NodeLinksEvents {
public:
    virtual ~NodeLinksEvents() = default;
    virtual void on_node_up(const cluster::RedisAddress &node, Millis now) = 0;
    // Once, until it is up again. What had no answer was told as unknown.
    virtual void on_node_lost(const cluster::RedisAddress &node, Millis now) = 0;
    // Null: unknown.
    virtual void on_node_reply(const cluster::RedisAddress &node, std::uint64_t cookie,
                               const wire::RespValue *reply, Millis now) = 0;
    virtual void on_node_message(Text channel, Bytes payload, Millis now) = 0;
    virtual void on_node_dropped(const cluster::RedisAddress &node, Text channel, Millis now) = 0;
    // As of RedisLink, of those that hear.
    virtual void on_node_torn(unsigned place, bool torn) = 0;
    [[nodiscard]] virtual bool is_ours() const noexcept = 0;
};

class NodeLinks {
public:
    struct Base {
        Text role;        // its own, see RedisLink::Role
        std::string host; // how all ids begin here: in the names, so that they are of no other host
        RedisLink &link;
    };

    NodeLinks(Worker &worker, const RedisBlock &block, const Base &base, NodeLinksEvents &events);
    NodeLinks(const NodeLinks &) = delete;
    NodeLinks &operator=(const NodeLinks &) = delete;
    ~NodeLinks();

    cluster::NodeState want(const cluster::RedisAddress &node);
    // There is one, the base or its own, in whichever state.
    [[nodiscard]] bool knows(const cluster::RedisAddress &node) const {
        return own(node) != nullptr || is_base(node);
    }

    // Goes on with that of another worker to this node, which has none yet.
    void adopt(const cluster::RedisAddress &node, Boxed &left, Millis now);
    // Those that are up, for the box; a number that changes with them. False: not all of them fit.
    struct ForBox {
        std::vector<BoxItem> items;
        bool all = true;
    };
    [[nodiscard]] ForBox for_box() const;
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

    // Null: it is not up.
    [[nodiscard]] RedisLink *find(const cluster::RedisAddress &node);
    // The base, up or lost, serves as the connection to this node.
    [[nodiscard]] bool is_base(const cluster::RedisAddress &node) const;

    [[nodiscard]] bool has(cluster::NodeState state) const noexcept;

    // Not from within an event. What waits for an answer is left: false.
    [[nodiscard]] bool drop_unused(Fn<bool(const cluster::RedisAddress &node)> is_used);
    void reset(Text why, Millis now);
    // As of RedisLink.
    void quit(Millis now);
    void close() noexcept;

    [[nodiscard]] std::uint64_t reconnects() const noexcept;

private:
    class Each;
    [[nodiscard]] Each *own(const cluster::RedisAddress &node) const noexcept;
    [[nodiscard]] unsigned free_place() const noexcept;

    Worker &worker_;
    const RedisBlock &block_;
    Text role_;
    std::string host_;
    RedisLink &base_;
    NodeLinksEvents &events_;
    std::vector<std::unique_ptr<Each>> links_;
    std::uint64_t changes_ = 0;
};

} // namespace rt::ngx
