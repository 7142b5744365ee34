// SPDX-License-Identifier: BSD-2-Clause
// Commands in a Redis Cluster: each to the owner of its slot, in order through every redirection,
// each answered once; and counts that all nodes have a share in.
#include "cluster/slot_routes.hpp"

#include "cluster/node_counts.hpp"
#include "nodes_env.hpp"

using namespace rt;
using namespace rt::test;
using cluster::NodeState;
using cluster::SlotRoutes;

namespace {

class World final : public FakeCluster, public cluster::SlotRoutesEvents {
public:
    bool send(const std::string &key, std::uint64_t cookie) {
        const std::array<Text, 2> words{"SET", key};
        return routes.send(cluster::key_slot(key), words, cookie, now);
    }
    // Of the command with this number, counted from 1.
    void answer(std::uint16_t port, std::uint64_t number, const std::string &text) {
        const Reply reply(text);
        routes.on_reply(at(port), number, reply.value(), now);
    }
    std::string take() { return lines.take() + std::exchange(told, {}); }

    void on_routed(std::uint64_t cookie, const wire::RespValue *reply, Millis) override {
        told += std::to_string(cookie) + "=" + (reply == nullptr ? "?" : show(*reply)) + ";";
    }
    void on_old_map(Millis) override { ++old_maps; }

    std::string told;
    int old_maps = 0;
    SlotRoutes routes{{nodes, lines, deadlines, *this}};
};

const std::string kOk = "+OK\r\n";

void owners() {
    World world;
    ok(world.send("bar", 7) && world.send("foo", 8), "taken");
    is(world.take(), "1 SET bar;3 SET foo;", "each to its owner");
    ok(!world.routes.idle(), "under way");
    world.answer(3, 2, kOk);
    world.answer(1, 1, "-ERR no\r\n");
    is(world.take(), "8=+OK;7=-ERR no;", "answered as they come, with errors that are no redirections");
    world.answer(1, 1, kOk);
    is(world.take(), "", "once");
    ok(world.routes.idle() && world.old_maps == 0, "nothing is left");
}

// What was under way when the slot moved goes first, then what came behind it.
void moved() {
    World world;
    for (std::uint64_t i = 1; i <= 3; ++i) {
        world.send("foo", i);
    }
    world.take();
    world.answer(3, 1, moved_to("foo", 2));
    is(world.old_maps, 1, "the map is old");
    world.send("foo", 4);
    is(world.take(), "", "nothing overtakes what is still to be sent back");
    world.answer(3, 2, moved_to("foo", 2));
    world.answer(3, 3, moved_to("foo", 2));
    is(world.take(), "2 SET foo;", "one finds out");
    world.answer(2, 1, kOk);
    is(world.take(), "2 SET foo;2 SET foo;2 SET foo;1=+OK;", "the rest follows");
    for (std::uint64_t i = 2; i <= 4; ++i) {
        world.answer(2, i, kOk);
    }
    is(world.take(), "2=+OK;3=+OK;4=+OK;", "in order");
    ok(world.routes.idle(), "all are answered");
}

void ask() {
    World world;
    world.send("foo", 1);
    world.take();
    world.answer(3, 1, "-ASK 12182 n:2\r\n");
    is(world.take(), "2 ASKING;2 SET foo;", "there, this once");
    world.answer(2, 1, kOk);
    world.send("foo", 2);
    is(world.take(), "3 SET foo;1=+OK;", "the next one to the owner");
}

void nobody_yet() {
    const std::pair<const char *, std::string> rows[] = {
        {"TRYAGAIN", "-TRYAGAIN keys\r\n"}, {"CLUSTERDOWN", "-CLUSTERDOWN down\r\n"},
        {"LOADING", "-LOADING data\r\n"},   {"to itself", moved_to("foo", 3)},
        {"nonsense", "-MOVED x y\r\n"},
    };
    for (const auto &[name, error] : rows) {
        World world;
        world.send("foo", 1);
        world.send("foo", 2);
        world.take();
        world.answer(3, 1, error);
        world.answer(3, 2, error);
        is(world.take(), "", std::string(name) + ": not at once");
        world.pass(SlotRoutes::kPause);
        is(world.take(), "3 SET foo;", std::string(name) + ": one tries again");
        world.answer(3, 1, error);
        world.pass(SlotRoutes::kPause);
        is(world.take(), "3 SET foo;", std::string(name) + ": and again");
        world.answer(3, 1, kOk);
        is(world.take(), "3 SET foo;1=+OK;", std::string(name) + ": until it can be done");
    }
}

void connections() {
    World world;
    world.lines.first = NodeState::opening;
    ok(world.send("foo", 1), "taken while its connection is made");
    is(world.take(), "", "and kept");
    world.lines.states[3] = NodeState::up;
    world.routes.go_on();
    is(world.take(), "3 SET foo;", "sent when it is there");
    world.lines.states[3] = NodeState::opening;
    world.send("foo", 2);
    world.lines.states[3] = NodeState::down;
    ok(!world.send("foo", 3), "not taken when it has failed");
    world.routes.on_reply(at(3), 1, nullptr, world.now);
    is(world.take(), "1=?;", "what had no answer is unknown");
    world.routes.drop(world.now);
    is(world.take(), "2=?;", "and what waited");
    ok(world.routes.idle(), "nothing is left");

    World slow;
    slow.lines.full = true;
    slow.send("foo", 1);
    slow.lines.full = false;
    slow.pass(SlotRoutes::kPause);
    is(slow.take(), "3 SET foo;", "what found no room is tried again");
}

void bounds() {
    World world;
    world.lines.first = NodeState::opening;
    std::size_t taken = 0;
    while (taken <= SlotRoutes::kMost && world.send("foo", taken + 1)) {
        ++taken;
    }
    is(taken, SlotRoutes::kMost, "so much waits, and no more");
}

void counts() {
    FakeCluster cluster;
    cluster::NodeCounts count(cluster.nodes, cluster.lines);
    const std::array<Text, 3> words{"PUBSUB", "NUMSUB", "ch"};
    cluster.lines.states[4] = NodeState::opening;
    cluster.lines.states[5] = NodeState::down;
    ok(count.send(words, 9), "asked");
    const std::string asked = cluster.lines.take();
    is(std::count(asked.begin(), asked.end(), ';'), 4, "of masters and replicas that are there");
    const Reply one(array({bulk("ch"), number_of(2)}));
    ok(count.on_reply(1, one.value()).reply.empty() && count.on_reply(1, nullptr).reply.empty() &&
           count.on_reply(1, one.value()).reply.empty(),
       "the others are waited for");
    const auto sum = count.on_reply(1, one.value());
    is(sum.cookie, std::uint64_t{9}, "told to who asked");
    is(show(*Reply(sum.reply).value()), "[$ch,:6]", "the sum, as one Redis says it");
    ok(count.on_reply(1, one.value()).reply.empty(), "once");
    static_cast<void>(count.send(words, 10));
    const Reply no("-NOPERM no\r\n");
    for (int i = 0; i < 3; ++i) {
        static_cast<void>(count.on_reply(2, no.value()));
    }
    is(show(*Reply(count.on_reply(2, one.value()).reply).value()), "-NOPERM no", "a refusal is told");
    cluster.lines.states = {{1, NodeState::down}, {2, NodeState::down}, {3, NodeState::down},
                            {4, NodeState::down}, {5, NodeState::down}, {6, NodeState::down}};
    ok(!count.send(words, 11), "nobody is there");
}

} // namespace

int main() {
    owners();
    moved();
    ask();
    nobody_yet();
    connections();
    bounds();
    counts();
    return done();
}
