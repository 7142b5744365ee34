// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_cluster.hpp"

#include "ngx/worker.hpp"

#include <algorithm>
#include <array>

namespace rt::ngx {

using cluster::LineUser;
using cluster::NodeState;
using cluster::RedisAddress;
using cluster::Subscription;

namespace {

constexpr Millis kAskSoon = 100;   // for the map, while somebody cannot be reached
constexpr Millis kAskAgain = 5000; // a slot may have moved away from a node that cannot say so

// The one that answers on a connection of any name.
RedisAddress address_of(const RedisLink &link) {
    const auto address = cluster::parse_redis_address(link.status().address, {});
    return address ? *address : RedisAddress{};
}

} // namespace

// Connections that publish.
class RedisCluster::Speaking final : public cluster::NodeLines, public NodeLinksEvents {
public:
    Speaking(RedisCluster &bus, const std::string &host)
        : links(bus.worker_, bus.block_, {"pub", host, bus.pub_}, *this), bus_(bus) {}

    NodeState want(const RedisAddress &node) override { return links.want(node); }
    bool command(const RedisAddress &node, cluster::Cookie cookie, std::span<const Text> words) override {
        RedisLink *link = links.find(node);
        return link != nullptr && link->wire().command(cookie.packed(), words, bus_.worker_.now());
    }

    void on_node_up(const RedisAddress &, Millis now) override {
        bus_.routes_.go_on();
        bus_.settle(now);
    }
    void on_node_lost(const RedisAddress &, Millis now) override { bus_.node_lost(now); }
    void on_node_reply(const RedisAddress &node, std::uint64_t cookie, const wire::RespValue *reply,
                       Millis now) override {
        bus_.replied(node, cookie, reply, now);
    }
    void on_node_message(Text, Bytes, Millis) override {}
    void on_node_dropped(const RedisAddress &, Text, Millis) override {}
    void on_node_torn(unsigned, bool) override {}
    [[nodiscard]] bool is_ours() const noexcept override { return bus_.events_.may_publish(); }

    NodeLinks links;

private:
    RedisCluster &bus_;
};

// Connections that hear.
class RedisCluster::Hearing final : public cluster::ShardLines, public NodeLinksEvents {
public:
    Hearing(RedisCluster &bus, const std::string &host)
        : links(bus.worker_, bus.block_, {"sub", host, bus.sub_}, *this), bus_(bus) {}

    NodeState want(const RedisAddress &node) override {
        bus_.anew_ = bus_.anew_ || !links.knows(node);
        return links.want(node);
    }
    bool subscribe(const RedisAddress &node, cluster::Cookie cookie, Text channel) override {
        RedisLink *link = links.find(node);
        return link != nullptr && link->wire().subscribe(cookie.packed(), Subscription::Kind::shard,
                                                         {&channel, 1}, bus_.worker_.now());
    }
    void unsubscribe(const RedisAddress &node, Text channel) override {
        if (RedisLink *link = links.find(node); link != nullptr) {
            static_cast<void>(
                link->wire().unsubscribe(0, Subscription::Kind::shard, {&channel, 1}, bus_.worker_.now()));
        }
    }

    void on_node_up(const RedisAddress &, Millis now) override { bus_.channels_.go_on(now); }
    void on_node_lost(const RedisAddress &node, Millis now) override {
        bus_.look_for_unused();
        bus_.channels_.on_lost(node, now);
        bus_.events_.on_shards_lost(now);
    }
    void on_node_reply(const RedisAddress &node, std::uint64_t cookie, const wire::RespValue *reply,
                       Millis now) override {
        if (const cluster::Cookie mine = cluster::Cookie::of(cookie);
            reply != nullptr && mine.user == LineUser::channels) {
            bus_.channels_.on_reply(node, mine.value, *reply, now);
        }
    }
    void on_node_message(Text channel, Bytes payload, Millis now) override {
        bus_.events_.on_shard_message(channel, payload, now);
    }
    void on_node_dropped(const RedisAddress &node, Text channel, Millis now) override {
        bus_.dropped(node, channel, now);
    }
    void on_node_torn(unsigned place, bool torn) override { bus_.events_.on_shards_torn(place, torn); }
    [[nodiscard]] bool is_ours() const noexcept override { return bus_.events_.may_hear(); }

    NodeLinks links;

private:
    RedisCluster &bus_;
};

RedisCluster::RedisCluster(Worker &worker, const RedisBlock &block, const Base &base,
                           RedisClusterEvents &events)
    : worker_(worker), block_(block), pub_(base.pub), sub_(base.sub), events_(events),
      nodes_(block.settings.nodes), speaking_(std::make_unique<Speaking>(*this, base.host)),
      hearing_(std::make_unique<Hearing>(*this, base.host)),
      routes_({nodes_, *speaking_, worker.deadlines(), *this}), counts_(nodes_, *speaking_),
      channels_({nodes_, *hearing_, worker.deadlines(), *this}),
      sharded_(block.settings.adapter.kind == cluster::Adapter::sharded) {}

// Silent: what is told when a connection goes would come to what is gone.
RedisCluster::~RedisCluster() {
    hearing_->links.close();
    speaking_->links.close();
}

// --- the map ---

void RedisCluster::on_pub_up(Millis now) {
    base_up_ = true;
    asking_ = false;
    ask_map(now);
}

void RedisCluster::on_pub_lost(Millis now) {
    base_up_ = asking_ = false;
    node_lost(now);
}

void RedisCluster::on_old_map(Millis now) {
    if (now - asked_at_ >= kAskSoon) {
        ask_map(now);
    } else if (due() > now + kAskSoon) {
        worker_.deadlines().start(*this, now, kAskSoon);
    }
}

void RedisCluster::on_deadline(Millis now) { ask_map(now); }

void RedisCluster::ask_map(Millis now) {
    asked_at_ = now;
    if (base_up_ && !asking_) {
        asking_ = static_cast<bool>(
            pub_.wire().command(cluster::Cookie{LineUser::map}.packed(), {"CLUSTER", "SLOTS"}, now));
    }
    worker_.deadlines().start(*this, now, up_ && channels_.complete() ? kAskAgain : kAskSoon);
}

void RedisCluster::learned(const wire::RespValue *reply, Millis now) {
    asking_ = false;
    if (reply == nullptr) {
        return;
    }
    const RedisAddress from = address_of(pub_);
    const Result<void> good = nodes_.learn_slots(*reply, from);
    if (sharded_ && good) { // where to look when those of the configuration are gone
        static_cast<void>(pub_.nodes().learn_slots(*reply, from));
        static_cast<void>(sub_.nodes().learn_slots(*reply, from));
    }
    if (!good && !std::exchange(complained_, true)) {
        const Text text = reply->is(wire::RespKind::error) ? reply->text() : Text(good.error().where);
        worker_.core_log().write(Level::error,
                                 "Redis does not say who owns which slot: " + std::string(text) +
                                     ", realtime_redis \"" + block_.settings.name + "\"");
    }
    // The classic wire does without.
    mapped_ = mapped_ || good || !sharded_;
    complained_ = complained_ && !good;
    for (const RedisAddress &node : nodes_.nodes()) {
        if (!sharded_) {
            static_cast<void>(speaking_->links.want(node)); // where other servers are counted
        }
    }
    look_for_unused();
    routes_.go_on();
    channels_.on_map(now);
    settle(now);
}

// Those that were never tried may come; one that has failed is waited for, or for its successor.
void RedisCluster::settle(Millis now) {
    const NodeLinks &links = speaking_->links;
    const bool reached =
        sharded_ ? !unused_ && !links.has(NodeState::down) && routes_.idle() : !links.has(NodeState::opening);
    if (!up_ && base_up_ && mapped_ && reached) {
        up_ = true;
        events_.on_cluster_up(now);
    }
}

void RedisCluster::node_lost(Millis now) {
    look_for_unused();
    if (sharded_ || !base_up_) {
        mapped_ = false;
        routes_.drop(now);
        if (std::exchange(up_, false)) {
            events_.on_cluster_lost(now);
        }
    }
    on_old_map(now);
    settle(now);
}

void RedisCluster::work() {
    if (!std::exchange(unused_, false)) {
        return;
    }
    const std::vector<RedisAddress> &all = nodes_.nodes();
    const bool done = speaking_->links.drop_unused([&](const RedisAddress &node) {
        return sharded_ ? nodes_.is_master(node) : std::ranges::find(all, node) != all.end();
    });
    const bool heard =
        keeps_ || hearing_->links.drop_unused([&](const RedisAddress &node) { return channels_.uses(node); });
    settle(worker_.now());
    unused_ = !done || !heard;
}

void RedisCluster::look_for_unused() {
    unused_ = true;
    worker_.touch();
}

// --- what is said ---

bool RedisCluster::send(std::span<const Text> command, cluster::Cookie cookie, Millis now) {
    const Text verb = command.front();
    if (verb == "PUBSUB" && command[1] == "NUMSUB") {
        return counts_.send(command, cookie.packed());
    }
    if (verb == "PUBSUB" || verb == "SPUBLISH" || verb == "SET" || verb == "DEL") {
        const Text key = verb == "PUBSUB" ? command[2] : command[1];
        return routes_.send(cluster::key_slot(key), command, cookie.packed(), now);
    }
    return static_cast<bool>(pub_.wire().command(cookie.packed(), command, now));
}

bool RedisCluster::took(std::uint64_t cookie, const wire::RespValue *reply, Millis now) {
    const LineUser user = cluster::Cookie::of(cookie).user;
    if (user != LineUser::routes && user != LineUser::counts && user != LineUser::map) {
        return false;
    }
    replied(address_of(pub_), cookie, reply, now);
    return true;
}

void RedisCluster::replied(const RedisAddress &from, std::uint64_t packed, const wire::RespValue *reply,
                           Millis now) {
    const cluster::Cookie cookie = cluster::Cookie::of(packed);
    switch (cookie.user) {
    case LineUser::routes:
        routes_.on_reply(from, cookie.value, reply, now);
        settle(now);
        return;
    case LineUser::counts:
        counted(counts_.on_reply(cookie.value, reply), now);
        return;
    case LineUser::map:
        learned(reply, now);
        return;
    default:
        return;
    }
}

void RedisCluster::counted(const cluster::NodeCounts::Sum &sum, Millis now) {
    if (sum.reply.empty()) {
        return;
    }
    wire::RespReader reader;
    reader.feed(as_bytes(sum.reply));
    const wire::RespValue reply = reader.next();
    events_.on_cluster_reply(sum.cookie, &reply, now);
}

void RedisCluster::on_routed(std::uint64_t cookie, const wire::RespValue *reply, Millis now) {
    events_.on_cluster_reply(cookie, reply, now);
}

// --- what is heard ---

void RedisCluster::on_sub_lost(Millis now) {
    const RedisAddress node = address_of(sub_);
    if (hearing_->links.is_base(node)) {
        channels_.on_lost(node, now);
    }
}

bool RedisCluster::heard(std::uint64_t packed, const wire::RespValue &reply, Millis now) {
    const cluster::Cookie cookie = cluster::Cookie::of(packed);
    if (cookie.user != LineUser::channels) {
        return false;
    }
    channels_.on_reply(address_of(sub_), cookie.value, reply, now);
    return true;
}

void RedisCluster::on_dropped(Text channel, Millis now) { dropped(address_of(sub_), channel, now); }

// A slot that moved before its channel was asked for here: what was said at its new owner is not
// known.
void RedisCluster::dropped(const RedisAddress &node, Text channel, Millis now) {
    anew_ = true;
    channels_.on_dropped(node, channel, now);
}

// --- from one worker to the next ---

void RedisCluster::adopt(Boxed &left, Millis now) {
    if (const auto node = cluster::parse_redis_address(left.node(), {}); node) {
        keeps_ = true;
        hearing_->links.adopt(*node, left, now);
    }
}

bool RedisCluster::end_adoption() {
    if (std::exchange(keeps_, false)) {
        look_for_unused(); // some may not be owners any more
    }
    return !anew_;
}

NodeLinks::ForBox RedisCluster::for_box() const { return hearing_->links.for_box(); }

std::uint64_t RedisCluster::changes() const noexcept { return hearing_->links.changes(); }

// --- the end ---

void RedisCluster::reset(Text why, Millis now) {
    speaking_->links.reset(why, now);
    hearing_->links.reset(why, now);
}

void RedisCluster::quit(Millis now) {
    hearing_->links.quit(now);
    speaking_->links.quit(now);
}

void RedisCluster::close_hearing() noexcept {
    channels_.forget();
    hearing_->links.close();
}

std::uint64_t RedisCluster::reconnects() const noexcept {
    return speaking_->links.reconnects() + hearing_->links.reconnects();
}

} // namespace rt::ngx
