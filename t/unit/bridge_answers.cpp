// SPDX-License-Identifier: BSD-2-Clause
// What other servers ask of our sockets, where the answer finds no room, or would be too large.
#include "bridge_world.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

// An answer that finds no room is said when there is some, before anything else.
void answers_wait() {
    World world;
    world.up();
    add_socket(world.zone.roster, 1, "/", {"r"});
    world.take_said();
    world.host.emit("[1]");
    world.turn();
    world.pipe.room = 1;
    world.hear(world.question("q1"));
    world.hear(world.question("q2"));
    world.turn();
    world.host.emit("[2]");
    world.turn();
    const int refused = world.pipe.refused;
    world.turn();
    ok(refused > 0 && world.pipe.refused == refused, "what finds no room is not tried in vain");
    world.turns = 0;
    for (int i = 0; i < 4; ++i) {
        world.redis();
        world.turn();
    }
    ok(world.turns > 0, "an answer of Redis brings a turn");
    is(world.take_said(), "socket.io#/# socket.io-response#/# socket.io-response#/# socket.io#/# ",
       "all of it, answers first");

    world.pipe.room = 0;
    world.lines.take();
    world.hear(world.question("q3"));
    world.pass(4900);
    is(world.metrics[Metric::bus_refused], std::int64_t{0}, "it waits as long as somebody else does");
    world.pass(200);
    is(world.metrics[Metric::bus_refused], std::int64_t{1}, "then it is dropped, and counted");
    ok(world.lines.take().find("in time") != std::string::npos, "with a line");
    world.pipe.room = SIZE_MAX;
    world.pass(1000);
    ok(world.take_said().find("socket.io-response") == std::string::npos, "for good");
}

void answers_too_large() {
    World world;
    world.most_answer = 100;
    world.take_over();
    world.up();
    for (std::uint32_t i = 1; i <= 9; ++i) {
        add_socket(world.zone.roster, i, "/", {"r"});
    }
    world.take_said();
    world.hear(world.question("q1"));
    world.turn();
    world.redis();
    is(world.take_said(), "", "an answer of many sockets is too large");
    is(world.metrics[Metric::bus_refused], std::int64_t{1}, "which is counted");
    ok(world.lines.take().find("too large") != std::string::npos, "and told");
    PeerMessage few = world.question("q2");
    few.envelope.to = {sid_of(1)};
    few.says = Says::list_ids;
    const std::string room = id_of(1);
    few.envelope.to = {room};
    world.hear(few);
    world.turn();
    world.redis();
    is(world.take_said(), "socket.io-response#/# ", "one of few is not");
}

} // namespace

int main() {
    answers_wait();
    answers_too_large();
    return done();
}
