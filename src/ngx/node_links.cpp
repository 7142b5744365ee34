// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/node_links.hpp"

#include "base/text.hpp"
#include "ngx/worker.hpp"

#include <algorithm>

namespace rt::ngx {

using cluster::NodeState;
using cluster::RedisAddress;

class NodeLinks::Each final : public RedisLinkEvents {
public:
    Each(NodeLinks &owner, RedisAddress node, unsigned place_)
        : address(std::move(node)), place(place_),
          link(owner.worker_, owner.block_, role_of(owner, address), *this), owner_(owner),
          events_(owner.events_), hears_(does_hear(owner)) {}
    Each(const Each &) = delete;
    Each &operator=(const Each &) = delete;

    [[nodiscard]] NodeState state() const noexcept { return state_; }
    [[nodiscard]] bool hears() const noexcept { return adopted_ || state_ == NodeState::up; }

    void on_greeted(Millis now) override {
        if (!hears_ || !link.wire().command(kNamesakes, {"CLIENT", "LIST", "TYPE", "PUBSUB"}, now)) {
            come_up(now);
        }
    }
    void on_lost(const cluster::RedisLoss &, Millis now) override {
        ++owner_.changes_;
        adopted_ = false;
        if (std::exchange(state_, NodeState::down) != NodeState::down) {
            events_.on_node_lost(address, now);
        }
    }
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override {
        if (cookie == kNamesakes) {
            end_namesakes(reply.text(), now);
            come_up(now);
        } else if (cookie != kEnded) {
            events_.on_node_reply(address, cookie, &reply, now);
        }
    }
    void on_unknown(std::uint64_t cookie, Millis now) override {
        if (cookie != kNamesakes && cookie != kEnded) {
            events_.on_node_reply(address, cookie, nullptr, now);
        }
    }
    void on_message(Text channel, Bytes payload, Millis now) override {
        events_.on_node_message(channel, payload, now);
    }
    void on_dropped(Text channel, Millis now) override { events_.on_node_dropped(address, channel, now); }
    [[nodiscard]] bool is_ours() const noexcept override { return events_.is_ours(); }
    void on_torn(bool torn) override { events_.on_node_torn(place, torn); }

    [[nodiscard]] bool adopt(int descriptor, Millis now) {
        adopted_ = true;
        return link.adopt(descriptor, 0, now);
    }

    const RedisAddress address;
    const unsigned place; // in the box
    RedisLink link;

private:
    // Cookies; of those who use it the first byte is not 0.
    static constexpr std::uint64_t kNamesakes = 1;
    static constexpr std::uint64_t kEnded = 2;

    static bool does_hear(const NodeLinks &owner) { return owner.role_ == "sub"; }
    static RedisLink::Role role_of(const NodeLinks &owner, const RedisAddress &node) {
        const bool hears = does_hear(owner);
        return {owner.role_, hears, owner.host_, &node, hears};
    }

    void come_up(Millis now) {
        owner_.changes_ += std::exchange(adopted_, false) ? 0 : 1;
        state_ = NodeState::up;
        events_.on_node_up(address, now);
    }

    // Of a worker that was stopped, or of a connection that we know to be lost and Redis does not:
    // Redis must not count two of this host. The name is of no other.
    void end_namesakes(Text clients, Millis now) {
        const std::string name = " name=" + link.wire().settings().greeting.name + " ";
        while (!clients.empty()) {
            const auto [line, rest] = split_once(clients, '\n');
            clients = rest;
            const Text id = split_once(split_once(line, '=').second, ' ').first;
            if (line.find(name) != Text::npos && id != std::to_string(link.wire().client_id())) {
                static_cast<void>(link.wire().command(kEnded, {"CLIENT", "KILL", "ID", id}, now));
            }
        }
    }

    NodeLinks &owner_;
    NodeLinksEvents &events_;
    NodeState state_ = NodeState::opening;
    bool hears_;
    bool adopted_ = false; // and in the box already
};

NodeLinks::NodeLinks(Worker &worker, const RedisBlock &block, const Base &base, NodeLinksEvents &events)
    : worker_(worker), block_(block), role_(base.role), host_(base.host), base_(base.link), events_(events) {}

NodeLinks::~NodeLinks() = default;

NodeLinks::Each *NodeLinks::own(const RedisAddress &node) const noexcept {
    const auto found = std::ranges::find_if(links_, [&](const auto &each) { return each->address == node; });
    return found == links_.end() ? nullptr : found->get();
}

// Names that Redis gives itself may be others than ours: then the node gets a connection of its own.
bool NodeLinks::is_base(const RedisAddress &node) const {
    return own(node) == nullptr && base_.status().address == cluster::text_of(node);
}

NodeState NodeLinks::want(const RedisAddress &node) {
    if (const Each *each = own(node); each != nullptr) {
        return each->state();
    }
    if (base_.up() && is_base(node)) {
        return NodeState::up;
    }
    links_.push_back(std::make_unique<Each>(*this, node, free_place()));
    links_.back()->link.open(worker_.now());
    return NodeState::opening;
}

// 0 is the base's; kPlaces: there is none.
unsigned NodeLinks::free_place() const noexcept {
    unsigned place = 1;
    const auto has_it = [&](const auto &each) { return each->place == place; };
    while (place < shm::BridgeTable::kPlaces && std::ranges::any_of(links_, has_it)) {
        ++place;
    }
    return place;
}

// One that is of no use any more is lost, and told so, like any other.
void NodeLinks::adopt(const RedisAddress &node, Boxed &left, Millis now) {
    links_.push_back(std::make_unique<Each>(*this, node, left.place()));
    if (!links_.back()->adopt(left.release(), now)) {
        links_.pop_back();
        ++changes_;
    }
}

NodeLinks::ForBox NodeLinks::for_box() const {
    ForBox box;
    for (const auto &each : links_) {
        const int descriptor = each->hears() ? each->link.descriptor() : -1;
        if (descriptor != -1 && each->place < shm::BridgeTable::kPlaces) {
            box.items.push_back({each->place, cluster::text_of(each->address), descriptor});
        } else {
            box.all = false;
        }
    }
    return box;
}

RedisLink *NodeLinks::find(const RedisAddress &node) {
    Each *each = own(node);
    RedisLink *link = each != nullptr ? &each->link : is_base(node) ? &base_ : nullptr;
    return link != nullptr && link->up() ? link : nullptr;
}

bool NodeLinks::has(NodeState state) const noexcept {
    return std::ranges::any_of(links_, [&](const auto &each) { return each->state() == state; });
}

bool NodeLinks::drop_unused(Fn<bool(const RedisAddress &node)> is_used) {
    bool all = true;
    const std::size_t dropped = std::erase_if(links_, [&](const auto &each) {
        const bool used = is_used(each->address);
        const bool waits = each->link.up() && each->link.wire().unanswered() != 0;
        all = all && (used || !waits);
        return !used && !waits;
    });
    changes_ += dropped;
    return all;
}

void NodeLinks::reset(Text why, Millis now) {
    for (const auto &each : links_) {
        each->link.reset(why, now);
    }
}

void NodeLinks::quit(Millis now) {
    for (const auto &each : links_) {
        each->link.quit(now);
    }
}

void NodeLinks::close() noexcept { links_.clear(); }

std::uint64_t NodeLinks::reconnects() const noexcept {
    std::uint64_t all = 0;
    for (const auto &each : links_) {
        all += each->link.status().reconnects;
    }
    return all;
}

} // namespace rt::ngx
