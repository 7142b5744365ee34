// SPDX-License-Identifier: BSD-2-Clause
// What a Redis Cluster takes beside the two connections of a bridge: who owns which slot, and the
// connections to those nodes. Commands about keys and shard channels go to the owners; with the
// sharded wire all of them have to be reached, with the classic one nothing waits for them.
#pragma once

#include "cluster/node_counts.hpp"
#include "cluster/shard_channels.hpp"
#include "cluster/slot_routes.hpp"
#include "ngx/node_links.hpp"

namespace rt::ngx {

class RedisClusterEvents {
public:
    virtual ~RedisClusterEvents() = default;
    // Commands reach whom they have to; do not any more. In turns.
    virtual void on_cluster_up(Millis now) = 0;
    virtual void on_cluster_lost(Millis now) = 0;
    // Null: unknown. Of commands that send() took.
    virtual void on_cluster_reply(std::uint64_t cookie, const wire::RespValue *reply, Millis now) = 0;
    // All shard channels are heard; one is not for a moment, where its connection stands; a
    // connection is lost.
    virtual void on_shards_heard(Millis now) = 0;
    virtual void on_shards_moved(Millis now) = 0;
    virtual void on_shards_lost(Millis now) = 0;
    virtual void on_shards_refused(Text error, Millis now) = 0;
    virtual void on_shard_message(Text channel, Bytes payload, Millis now) = 0;
    // As of NodeLinks, of a connection that hears.
    virtual void on_shards_torn(unsigned place, bool torn) = 0;
    [[nodiscard]] virtual bool may_publish() const noexcept = 0;
    [[nodiscard]] virtual bool may_hear() const noexcept = 0;
};

class RedisCluster final : private cluster::SlotRoutesEvents,
                           private cluster::ShardChannelsEvents,
                           private Deadline {
public:
    // The two connections of the bridge, which outlive this. `host`: as of NodeLinks.
    struct Base {
        RedisLink &pub;
        RedisLink &sub;
        std::string host;
    };

    RedisCluster(Worker &worker, const RedisBlock &block, const Base &base, RedisClusterEvents &events);
    RedisCluster(const RedisCluster &) = delete;
    RedisCluster &operator=(const RedisCluster &) = delete;
    ~RedisCluster();

    // The connection that publishes is greeted; is lost.
    void on_pub_up(Millis now);
    void on_pub_lost(Millis now);
    // Is the reply for this? Null: unknown.
    [[nodiscard]] bool took(std::uint64_t cookie, const wire::RespValue *reply, Millis now);

    // Between the two, and while the owners of slots are reached.
    [[nodiscard]] bool is_up() const noexcept { return up_; }

    // False: nothing was sent, nothing will be answered.
    [[nodiscard]] bool send(std::span<const Text> command, cluster::Cookie cookie, Millis now);

    // Shard channels. The base's replies and pushes about them come here.
    void subscribe(Text channel, Millis now) { channels_.want(channel, now); }
    void unsubscribe(Text channel, Millis now) { channels_.leave(channel, now); }
    void try_again(Millis now) { channels_.try_again(now); }
    void on_sub_up(Millis now) { channels_.go_on(now); }
    void on_sub_lost(Millis now);
    [[nodiscard]] bool heard(std::uint64_t cookie, const wire::RespValue &reply, Millis now);
    void on_dropped(Text channel, Millis now);
    [[nodiscard]] bool hears_all() const noexcept { return channels_.complete(); }
    [[nodiscard]] bool hears(Text channel) const { return channels_.hears(channel); }

    // Goes on with what another worker heard by, beside the base; before anything is subscribed to.
    void adopt(Boxed &left, Millis now);
    // Everything is heard: what was adopted and is of no use ends. False: something was asked for
    // where nobody of ours had heard, and what was said there is not known.
    [[nodiscard]] bool end_adoption();
    // What hears, beside the base.
    [[nodiscard]] NodeLinks::ForBox for_box() const;
    [[nodiscard]] std::uint64_t changes() const noexcept;

    // Once per turn: connections that nobody uses end.
    void work();
    void reset(Text why, Millis now);
    void quit(Millis now);
    void close_hearing() noexcept;
    [[nodiscard]] std::uint64_t reconnects() const noexcept;

private:
    class Speaking;
    class Hearing;

    // SlotRoutesEvents, ShardChannelsEvents
    void on_routed(std::uint64_t cookie, const wire::RespValue *reply, Millis now) override;
    void on_old_map(Millis now) override;
    void on_all_heard(Millis now) override { events_.on_shards_heard(now); }
    void on_unheard(Millis now) override { events_.on_shards_moved(now); }
    void on_channel_refused(Text error, Millis now) override { events_.on_shards_refused(error, now); }

    void on_deadline(Millis now) override;
    void ask_map(Millis now);
    void learned(const wire::RespValue *reply, Millis now);
    void settle(Millis now);
    void replied(const cluster::RedisAddress &from, std::uint64_t cookie, const wire::RespValue *reply,
                 Millis now);
    void counted(const cluster::NodeCounts::Sum &sum, Millis now);
    void node_lost(Millis now);
    void dropped(const cluster::RedisAddress &node, Text channel, Millis now);
    void look_for_unused();

    Worker &worker_;
    const RedisBlock &block_;
    RedisLink &pub_;
    RedisLink &sub_;
    RedisClusterEvents &events_;
    cluster::RedisNodes nodes_;
    std::unique_ptr<Speaking> speaking_;
    std::unique_ptr<Hearing> hearing_;
    cluster::SlotRoutes routes_;
    cluster::NodeCounts counts_;
    cluster::ShardChannels channels_;
    bool sharded_;
    Millis asked_at_ = 0;
    bool asking_ = false; // for the map
    bool mapped_ = false; // since the last loss
    bool base_up_ = false;
    bool up_ = false;
    bool unused_ = false; // some connection may be
    bool complained_ = false;
    bool keeps_ = false; // what was adopted, until everything is heard
    bool anew_ = false;
};

} // namespace rt::ngx
