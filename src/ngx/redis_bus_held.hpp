// SPDX-License-Identifier: BSD-2-Clause
// What only the worker that holds the bridge has: its two connections, and the bridge. For the
// sources of redis_bus.hpp alone.
#pragma once

#include "ngx/app.hpp"
#include "ngx/bridge_settings.hpp"
#include "ngx/redis_box.hpp"
#include "ngx/redis_bus.hpp"
#include "ngx/redis_cluster.hpp"
#include "ngx/worker.hpp"

namespace rt::ngx {

class RedisBus::Publishing final : public RedisLinkEvents {
public:
    explicit Publishing(RedisBus &bus) noexcept : bus_(bus) {}

    void on_greeted(Millis now) override;
    void on_lost(const cluster::RedisLoss &loss, Millis now) override;
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override;
    void on_unknown(std::uint64_t cookie, Millis now) override;
    void on_message(Text, Bytes, Millis) override {}
    void on_dropped(Text, Millis) override {}
    [[nodiscard]] bool is_ours() const noexcept override { return bus_.may_speak(); }

private:
    RedisBus &bus_;
};

class RedisBus::Hearing final : public RedisLinkEvents {
public:
    explicit Hearing(RedisBus &bus) noexcept : bus_(bus) {}

    void on_greeted(Millis now) override { bus_.end_former(now); }
    void on_lost(const cluster::RedisLoss &loss, Millis now) override;
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override;
    void on_unknown(std::uint64_t, Millis) override {}
    void on_message(Text channel, Bytes payload, Millis now) override;
    void on_dropped(Text channel, Millis now) override;
    void on_torn(bool torn) override { bus_.on_shards_torn(0, torn); }
    [[nodiscard]] bool is_ours() const noexcept override { return bus_.is_mine(); }

private:
    RedisBus &bus_;
};

struct RedisBus::Held {
    Held(RedisBus &bus, App &app, const RedisBlock &block)
        : publishing(bus), hearing(bus), dialect(make_dialect(app, app.conf().bus.use)),
          pub(app.worker(), block, {"pub", false, bus.app_in_names()}, publishing),
          sub(app.worker(), block, {"sub", true, bus.app_in_names(), nullptr, is_parted(block)}, hearing),
          cluster(make_cluster(bus, app, block)),
          bridge({*dialect, bus, bus, app.bus(), app.directory().roster(), app.questions(),
                  app.worker().deadlines(), app.metrics(), app.worker().core_log(), bus},
                 bridge_settings(app, app.conf().bus.use), app.bus().stream(), bus.table_) {}

    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;
    ~Held() = default;

    std::unique_ptr<RedisCluster> make_cluster(RedisBus &bus, App &app, const RedisBlock &block) {
        const bool is_one = block.settings.nodes.mode == cluster::RedisMode::cluster;
        const RedisCluster::Base base{pub, sub, std::string(app.host())};
        RedisClusterEvents &events = bus;
        return is_one ? std::make_unique<RedisCluster>(app.worker(), block, base, events) : nullptr;
    }
    // A Cluster's shard channels, each of which comes over the connection to its owner: what was heard
    // twice cannot be told.
    [[nodiscard]] static bool is_parted(const RedisBlock &block) noexcept {
        return block.settings.nodes.mode == cluster::RedisMode::cluster &&
               block.settings.adapter.kind == cluster::Adapter::sharded;
    }

    Publishing publishing;
    Hearing hearing;
    std::unique_ptr<cluster::Dialect> dialect;
    RedisLink pub;
    RedisLink sub;
    std::unique_ptr<RedisCluster> cluster; // null: one Redis
    cluster::Bridge bridge;
    std::vector<Boxed> left; // duplicates of what is in the box; the base is the first
    std::uint64_t ends = 0;  // a connection that heard before this one: Redis must not count both
    bool whole = false;      // this connection heard before, at another worker
    bool asked = false;      // for everything that is to be heard
    // What was subscribed to is numbered: 1, 2, 3, ... Up to here; and confirmed.
    std::uint64_t subscribed = 0;
    std::uint64_t confirmed = 0;
    bool hears = false;  // everything
    bool filled = false; // the box, when RedisCluster::changes() was this:
    std::uint64_t boxed_at = 0;
    bool boxed = false; // all of it: whoever comes next goes on hearing
};

} // namespace rt::ngx
