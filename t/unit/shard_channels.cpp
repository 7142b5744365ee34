// SPDX-License-Identifier: BSD-2-Clause
// Shard channels in a Redis Cluster: each is heard where its slot is, and again where it goes.
#include "cluster/shard_channels.hpp"

#include "nodes_env.hpp"

using namespace rt;
using namespace rt::test;
using cluster::NodeState;
using cluster::ShardChannels;

namespace {

class World final : public FakeCluster, public cluster::ShardChannelsEvents {
public:
    void confirm(std::uint16_t port, std::uint64_t number) {
        answer(port, number, confirmation("ssubscribe", "x"));
    }
    void answer(std::uint16_t port, std::uint64_t number, const std::string &text) {
        const Reply reply(text);
        channels.on_reply(at(port), number, *reply.value(), now);
    }
    // "bar" at n:1 and "foo" at n:3, both heard.
    void hear_both() {
        channels.want("bar", now);
        channels.want("foo", now);
        confirm(1, 1);
        confirm(3, 2);
        take();
    }
    std::string take() { return lines.take() + std::exchange(told, {}); }

    void on_all_heard(Millis) override { told += "all;"; }
    void on_unheard(Millis) override { told += "unheard;"; }
    void on_channel_refused(Text error, Millis) override { told += "refused " + std::string(error) + ";"; }
    void on_old_map(Millis) override { ++old_maps; }

    std::string told;
    int old_maps = 0;
    ShardChannels channels{{nodes, lines, deadlines, *this}};
};

void owners() {
    World world;
    ok(world.channels.complete(), "nothing is wanted");
    world.channels.want("bar", world.now);
    world.channels.want("foo", world.now);
    world.channels.want("foo", world.now);
    is(world.take(), "1 hear bar;3 hear foo;", "each at its owner, once");
    world.confirm(1, 1);
    ok(!world.channels.complete() && world.take().empty(), "one is missing");
    world.confirm(3, 2);
    is(world.take(), "all;", "confirmed");
    ok(world.channels.uses(at(1)) && !world.channels.uses(at(2)), "connections that are of use");
    world.channels.leave("bar", world.now);
    is(world.take(), "1 leave bar;", "left where it was heard");
    ok(!world.channels.uses(at(1)) && world.channels.complete(), "gone");
    world.channels.want("baz", world.now);
    world.take();
    world.channels.leave("baz", world.now);
    world.take();
    world.pass(ShardChannels::kPause);
    is(world.take(), "all;", "what is left unconfirmed is not waited for");
}

void moved_when_asked() {
    World world;
    world.channels.want("foo", world.now);
    world.take();
    world.answer(3, 1, moved_to("foo", 2));
    is(world.take(), "2 hear foo;", "there at once");
    is(world.old_maps, 1, "the map is old");
    world.confirm(2, 2);
    is(world.take(), "all;", "confirmed");
}

void slot_moves() {
    World world;
    world.hear_both();
    world.channels.on_dropped(at(3), "foo", world.now);
    is(world.take(), "unheard;", "for a moment it is not heard");
    ok(!world.channels.complete() && world.old_maps == 1, "and the map is asked for");
    world.channels.on_dropped(at(3), "foo", world.now);
    world.channels.on_dropped(at(1), "else", world.now);
    is(world.take(), "", "nothing else is");
    world.learn(1, 2, 2);
    world.channels.on_map(world.now);
    is(world.take(), "2 hear foo;", "asked for at the new owner");
    world.confirm(2, 3);
    is(world.take(), "all;", "heard again");
}

// One map may be behind: the node itself says when a slot goes.
void maps_that_differ() {
    World world;
    world.hear_both();
    world.learn(1, 2, 2);
    world.channels.on_map(world.now);
    is(world.take(), "", "one that says otherwise is not believed");
    world.learn(1, 2, 3);
    world.channels.on_map(world.now);
    world.learn(1, 2, 2);
    world.channels.on_map(world.now);
    is(world.take(), "", "nor one now and then");
    world.channels.on_map(world.now);
    is(world.take(), "3 leave foo;2 hear foo;unheard;", "two in a row are");
}

void node_dies() {
    World world;
    world.hear_both();
    world.lines.states[3] = NodeState::down;
    world.channels.on_lost(at(3), world.now);
    ok(!world.channels.complete() && world.old_maps == 1, "what it heard is missing");
    world.channels.go_on(world.now);
    is(world.take(), "", "nobody is there");
    world.learn(1, 2, 6);
    world.lines.first = NodeState::opening;
    world.channels.on_map(world.now);
    is(world.take(), "", "its successor is being reached");
    world.lines.states[6] = NodeState::up;
    world.channels.go_on(world.now);
    is(world.take(), "6 hear foo;", "asked for there");
    world.confirm(6, 3);
    is(world.take(), "all;", "heard again");
    ok(!world.channels.uses(at(3)), "the dead one is of no use");
}

void refusals() {
    World world;
    world.channels.want("foo", world.now);
    world.take();
    world.answer(3, 1, "-NOPERM no\r\n");
    is(world.take(), "refused NOPERM no;", "too few rights are told");
    world.pass(ShardChannels::kPause);
    world.channels.go_on(world.now);
    is(world.take(), "", "and not asked again");
    world.channels.try_again(world.now);
    is(world.take(), "3 hear foo;", "until somebody wants it");
    world.answer(3, 2, "-CLUSTERDOWN down\r\n");
    is(world.take(), "", "a cluster that is down is given a moment");
    world.pass(ShardChannels::kPause);
    is(world.take(), "3 hear foo;", "and asked again");
    world.confirm(3, 3);
    world.channels.forget();
    ok(world.channels.complete() && !world.channels.uses(at(3)), "all is forgotten");
}

void nobody_knows() {
    World world;
    const cluster::RedisNodesSettings settings{cluster::RedisMode::cluster, {at(1)}, ""};
    world.nodes = cluster::RedisNodes(settings);
    world.channels.want("foo", world.now);
    is(world.take(), "", "without a map nobody is asked");
    world.learn(1, 2, 3);
    world.channels.on_map(world.now);
    is(world.take(), "3 hear foo;", "with it the owner is");
    world.channels.want("oof", world.now);
    world.lines.full = true;
    world.take();
    world.channels.want("bar", world.now);
    world.lines.full = false;
    world.pass(ShardChannels::kPause);
    is(world.take(), "1 hear bar;", "what found no room is asked for later");
}

} // namespace

int main() {
    owners();
    moved_when_asked();
    slot_moves();
    maps_that_differ();
    node_dies();
    refusals();
    nobody_knows();
    return done();
}
