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
    Each(NodeLinks &owner, RedisAddress node)
        : address(std::move(node)),
          link(owner.worker_, owner.block_, {owner.role_, false, owner.host_, &address}, *this),
          events_(owner.events_), hears_(owner.role_ == "sub") {}
    Each(const Each &) = delete;
    Each &operator=(const Each &) = delete;

    [[nodiscard]] NodeState state() const noexcept { return state_; }

    void on_greeted(Millis now) override {
        if (!hears_ || !link.wire().command(kNamesakes, {"CLIENT", "LIST", "TYPE", "PUBSUB"}, now)) {
            come_up(now);
        }
    }
    void on_lost(const cluster::RedisLoss &, Millis now) override {
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

    const RedisAddress address;
    RedisLink link;

private:
    // Cookies; of those who use it the first byte is not 0.
    static constexpr std::uint64_t kNamesakes = 1;
    static constexpr std::uint64_t kEnded = 2;

    void come_up(Millis now) {
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

    NodeLinksEvents &events_;
    NodeState state_ = NodeState::opening;
    bool hears_;
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
    links_.push_back(std::make_unique<Each>(*this, node));
    links_.back()->link.open(worker_.now());
    return NodeState::opening;
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
    std::erase_if(links_, [&](const auto &each) {
        const bool used = is_used(each->address);
        const bool waits = each->link.up() && each->link.wire().unanswered() != 0;
        all = all && (used || !waits);
        return !used && !waits;
    });
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
