// SPDX-License-Identifier: BSD-2-Clause
// A Redis Cluster of three masters, n:1 to n:3 with a third of the slots each, and connections to
// them that the test moves. "bar" lies at n:1, "foo" at n:3.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/node_lines.hpp"
#include "peer_env.hpp"
#include "redis_env.hpp"

#include <map>

namespace rt::test {

inline cluster::RedisAddress at(std::uint16_t port) { return {"n", port}; }

inline std::string number_of(std::int64_t value) { return ":" + std::to_string(value) + "\r\n"; }

// CLUSTER SLOTS: who has the first, the second and the last third; the replica of each is 3 further.
inline std::string slots_of(int first, int second, int third) {
    const auto node = [](int port) { return array({bulk("n"), number_of(port), bulk("id")}); };
    const auto range = [&](int from, int to, int port) {
        return array({number_of(from), number_of(to), node(port), node(port + 3)});
    };
    return array({range(0, 5460, first), range(5461, 10922, second), range(10923, 16383, third)});
}

// Of one role or the other.
class FakeNodes final : public cluster::NodeLines, public cluster::ShardLines {
public:
    cluster::NodeState want(const cluster::RedisAddress &node) override {
        return states.try_emplace(node.port, first).first->second;
    }
    bool command(const cluster::RedisAddress &node, cluster::Cookie cookie,
                 std::span<const Text> words) override {
        std::string text;
        for (const Text word : words) {
            text += " " + std::string(word);
        }
        return note(node, text.substr(1), cookie);
    }
    bool subscribe(const cluster::RedisAddress &node, cluster::Cookie cookie, Text channel) override {
        return note(node, "hear " + std::string(channel), cookie);
    }
    void unsubscribe(const cluster::RedisAddress &node, Text channel) override {
        static_cast<void>(note(node, "leave " + std::string(channel), {}));
    }

    std::string take() { return std::exchange(said, {}); }

    std::map<std::uint16_t, cluster::NodeState> states; // by port
    cluster::NodeState first = cluster::NodeState::up;  // of a new one
    std::uint64_t last = 0;                             // number of a command
    bool full = false;

private:
    bool note(const cluster::RedisAddress &node, const std::string &text, cluster::Cookie cookie) {
        if (full || want(node) != cluster::NodeState::up) {
            return false;
        }
        last = cookie.value != 0 ? cookie.value : last;
        said += std::to_string(node.port) + " " + text + ";";
        return true;
    }

    std::string said;
};

struct FakeCluster {
    FakeCluster() { learn(1, 2, 3); }

    void learn(int first, int second, int third) {
        const Reply reply(slots_of(first, second, third));
        ok(static_cast<bool>(nodes.learn_slots(*reply.value(), at(1))), "slots are learned");
    }
    void pass(Millis time) {
        now += time;
        deadlines.expire(now);
    }

    cluster::RedisNodes nodes{{cluster::RedisMode::cluster, {at(1)}, ""}};
    FakeNodes lines;
    Deadlines deadlines;
    Millis now = 1000;
};

inline std::string moved_to(const std::string &key, int port) {
    return "-MOVED " + std::to_string(cluster::key_slot(key)) + " n:" + std::to_string(port) + "\r\n";
}

} // namespace rt::test
