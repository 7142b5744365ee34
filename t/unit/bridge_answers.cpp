// SPDX-License-Identifier: BSD-2-Clause
// What other servers ask of our sockets, where the answer finds no room, or would be too large.
#include "bridge_world.hpp"

using namespace rt;
using namespace rt::test;
using cluster::AnswerPace;
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

std::size_t count_of(const std::string &text, Text word) {
    std::size_t count = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        ++count;
    }
    return count;
}

// Whoever does not read at once is not cut off: what is on its way to others has a bound, over which
// answers wait, and nothing else does.
void answers_are_paced() {
    World world;
    world.up();
    add_socket(world.zone.roster, 1, "/", {"r"});
    const auto ask = [&](int count) {
        for (int i = 0; i < count; ++i) {
            world.hear(world.question("question"));
        }
        world.turn();
    };
    const auto answers = [&] {
        world.redis();
        return count_of(world.take_said(), "response");
    };
    ask(1);
    world.most_answer = world.pipe.unanswered.front().words[2].size() * 10;
    world.take_over();
    world.up();
    world.take_said();

    ask(25);
    is(world.pipe.unanswered.size(), std::size_t{10}, "so much is on its way at once");
    world.host.emit("[1]");
    world.turn();
    is(world.pipe.unanswered.size(), std::size_t{11}, "an event does not wait for it");
    world.now += 1000;
    world.turn();
    is(world.pipe.unanswered.size(), std::size_t{11}, "nor does time help before Redis has it");
    is(answers(), std::size_t{10}, "Redis has it");
    world.turn();
    is(answers(), std::size_t{0}, "now servers have to read it");
    for (const std::size_t more : {10U, 5U, 0U}) {
        world.now += 1;
        world.turn();
        is(answers(), more, "then as much again");
    }
    is(world.metrics[Metric::bus_refused], std::int64_t{0}, "nobody was refused");

    ask(11);
    world.now += 5001;
    world.turn();
    is(world.metrics[Metric::bus_refused], std::int64_t{1}, "who has waited too long is not answered");
    ok(world.lines.take().find("ask for more") != std::string::npos, "with a line");
    is(answers(), std::size_t{10}, "the others are");
}

void what_is_too_large_for_all() {
    AnswerPace pace(100);
    ok(pace.has_room(5000, 0), "an answer larger than all goes by itself");
    pace.said(5000);
    ok(!pace.has_room(1, 10'000), "and nothing beside it");
    pace.taken(5000, 10'000);
    ok(!pace.has_room(101, 10'000) && pace.has_room(101, 10'001), "before it is read");
    pace.taken(1'000'000, 9'000);
    ok(!pace.has_room(1, 9'000) && pace.has_room(100, 9'100), "a clock that goes back hurts nobody");
}

} // namespace

int main() {
    answers_wait();
    answers_too_large();
    answers_are_paced();
    what_is_too_large_for_all();
    return done();
}
