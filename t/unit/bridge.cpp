// SPDX-License-Identifier: BSD-2-Clause
// The bridge at the worker that holds it: joining, connected, degraded; what may have been missed
// and who is told; how it is given away.
#include "bridge_world.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

void states() {
    World world;
    is(world.state(), "joining", "at first");
    world.bridge->on_line_up(world.now);
    is(world.state(), "joining", "with one connection");
    world.bridge->on_hearing_up(false, world.now);
    is(world.state() + " " + world.take_states(), "connected joining>connected ", "with both");
    ok(world.pipe.text().find("PUBLISH rt:hosts") != std::string::npos, "it says hello");
    world.redis();
    world.hearing_lost();
    is(world.state() + " " + world.take_states(), "degraded connected>degraded ", "deaf");
    world.line_lost();
    world.line_lost();
    is(world.take_states(), "", "told once");
    world.up();
    is(world.state(), "degraded", "back, and not known yet what was missed");
    world.pass(1500);
    is(world.state() + " " + world.take_states(), "connected degraded>connected ", "settled");
    world.hears_itself = false;
    world.pass(4000);
    ok(world.state() == "degraded" && world.broken == 1, "what is said does not come back: told once");
    world.hears_itself = true;
    world.pass(3000);
    ok(world.state() == "connected" && world.broken == 1, "and again it does");
    world.host.zone.bridge.set_state(BridgeState::off);
    world.line_lost();
    is(world.state(), "off", "where Redis was taken away nothing is lost");
}

// What happens while nothing is heard, and whether a gap is told.
void gaps() {
    struct Row {
        const char *name;
        std::uint64_t last; // of the other host, which had said 5; 0: it does not live any more
        int servers;
        bool rooms;
        bool gap;
    };
    const Row rows[] = {
        {"nothing was said", 5, 2, false, false},
        {"two messages were", 7, 2, false, true},
        {"the other host says nothing any more", 0, 2, false, true},
        {"a Node server is there", 5, 3, false, true},
        {"not everything is heard", 5, 2, true, true},
    };
    for (const Row &row : rows) {
        const std::string name = std::string(row.name) + ": ";
        World world(row.rooms);
        world.servers = row.servers;
        world.up();
        world.hello(5);
        world.pass(300);
        world.take_log();
        ok(!world.is_deaf(), name + "all is heard");
        world.hearing_lost();
        ok(world.is_deaf(), name + "nobody recovers");
        world.pass(500);
        is(world.take_log(), "", name + "nothing is told yet");
        world.up();
        ok(world.is_deaf(), name + "not yet");
        if (row.last != 0) {
            world.hello(row.last);
        }
        world.pass(1300);
        is(world.take_log(), row.gap ? "gap\n" : "", name + "a gap, or none");
        ok(!world.is_deaf(), name + "recovery again");
        is(world.metrics[Metric::bus_gaps], std::int64_t{row.gap ? 1 : 0}, name + "counted");
    }
}

// Lost again before it was known what had been missed.
void lost_twice() {
    World world;
    world.servers = 2;
    world.up();
    world.hello(5);
    world.pass(300);
    world.hearing_lost();
    world.up();
    world.hello(9);
    world.hearing_lost();
    world.up();
    world.hello(9);
    world.take_log();
    world.pass(1300);
    is(world.take_log(), "gap\n", "what was missed the first time is told in the end");
    world.line_lost();
    world.hearing_lost();
    world.up();
    world.line_lost();
    world.pass(2000);
    ok(world.is_deaf() && world.take_log().empty(), "nothing is settled while nobody can say how far he is");
    world.up();
    world.hello(9);
    world.pass(1300);
    ok(!world.is_deaf() && world.take_log().empty(), "then it is");
}

void missed_while_hearing() {
    World world;
    world.up();
    world.hear_event(1);
    world.hear_event(4);
    is(world.take_log(), "emit [1]\ngap\nemit [1]\n", "a number that does not come is a gap");
    ok(world.lines.take().find("missed 2 messages of host farr") != std::string::npos, "and a line");
    ok(!world.is_deaf(), "after it all is heard");
    world.hear_event(9);
    world.hear_event(19);
    is(world.take_log() + world.lines.take(), "gap\nemit [1]\ngap\nemit [1]\n", "each one is, and no line");
    world.pass(61'000);
    world.hear_event(23);
    ok(world.lines.take().find("missed 16 messages of host farr") != std::string::npos, "one a minute");
    world.hello(23);
    const hub::HostStatus told = world.bridge->status(world.now).hosts.at(0);
    ok(told.missed == 18 && told.last == 23, "and shown in the status");
}

void host_goes() {
    World world;
    world.up();
    world.pass(2000);
    world.hello(1);
    world.pass(cluster::Registry::kLease - 100);
    is(world.gone, "", "a host may be silent for a while");
    world.pass(200);
    is(world.gone, "farr ", "then it is gone");
    world.hello(1);
    world.hearing_lost();
    world.line_lost();
    world.pass(2 * cluster::Registry::kLease);
    is(world.gone, "farr ", "while nothing is heard nobody can know");
}

void next_holder() {
    for (const bool whole : {true, false}) {
        const std::string name = whole ? "with the connection: " : "without it: ";
        World world;
        world.servers = 3;
        world.up();
        world.pass(300);
        world.take_states();
        world.take_log();
        world.take_over();
        world.up(whole);
        is(world.is_deaf(), !whole, name + "may something be missing?");
        world.pass(1300);
        is(world.take_log(), whole ? "" : "gap\n", name + "what is told");
        is(world.state(), "connected", name + "connected");
        ok(!whole || world.take_states().empty(), name + "nobody notices");
    }
}

// Who has the bridge anew knows nobody: how many there are Redis has to say.
void counted_late() {
    for (const int servers : {1, 3, 0}) { // 0: it is never said
        const std::string name = "of " + std::to_string(servers) + " servers: ";
        World world;
        world.up();
        world.pass(300);
        world.take_over();
        world.servers = servers;
        world.counts = false;
        world.up(false);
        world.take_log();
        world.pass(900);
        ok(world.is_deaf() && world.take_log().empty(), name + "nothing is settled before they are counted");
        if (servers != 0) {
            world.count();
            world.pass(100);
            ok(!world.is_deaf(), name + "then it is, at once");
        }
        world.pass(400);
        is(world.take_log(), servers == 1 ? "" : "gap\n", name + "whether a gap is told");
        ok(!world.is_deaf(), name + "and it is over");
    }
}

// What was sent on one connection is not sent again because the other one was lost.
void one_of_two() {
    World world;
    world.up();
    world.take_said();
    world.host.emit("[1]");
    world.turn();
    world.hearing_lost();
    world.bridge->on_hearing_up(false, world.now);
    world.pipe.hears = true;
    world.turn();
    world.redis();
    const std::string said = world.take_said();
    is(said.find("socket.io#/#"), said.rfind("socket.io#/#"), "once");
    ok(said.find("socket.io#/#") != std::string::npos, "and not never");
}

// The next line takes commands before it is known what became of the former one's.
void none_ahead() {
    World world;
    world.up();
    world.take_said();
    world.host.emit("[1]");
    world.turn();
    world.line_lost();
    world.host.emit("[2]");
    world.pipe.up = true;
    world.turn();
    world.bridge->retire(world.now);
    is(world.pipe.text(), "", "nothing is said before it");
    is(world.host.zone.bridge.published_number(), std::uint64_t{0}, "and nothing taken for said");
}

void retires() {
    World world;
    world.up();
    add_socket(world.zone.roster, 1, "/", {"r"});
    for (int i = 1; i <= 3; ++i) {
        world.hear(world.question("q" + std::to_string(i)));
    }
    world.host.emit("[1]");
    world.take_said();
    world.bridge->retire(world.now);
    ok(!world.bridge->has_published() && !world.bridge->is_idle(), "what was said is under way");
    is(world.pipe.unanswered.size(), std::size_t{1}, "other servers' questions wait for the turns to come");
    world.redis();
    ok(world.bridge->has_published() && !world.bridge->is_idle(), "they are not forgotten");
    world.turn();
    ok(!world.bridge->is_idle(), "nor is what Redis has not answered");
    world.redis();
    const std::string said = world.take_said();
    ok(world.bridge->has_published() && world.bridge->is_idle(), "and answered");
    is(std::count(said.begin(), said.end(), ' '), std::ptrdiff_t{4}, "three roll calls, and the emit");
    is(world.host.zone.bridge.published(), world.host.bus.head(), "nothing is left to the next one");
    world.host.emit("[2]");
    world.turn();
    world.hear_event(1);
    world.take_log();
    world.pass(5000);
    is(world.take_said(), "", "no more is said");
    world.hearing_lost();
    world.line_lost();
    is(world.state(), "connected", "what becomes of its connections concerns nobody");
    world.take_over();
    world.up(true);
    world.turn();
    world.redis();
    ok(world.take_said().find("socket.io#/#") != std::string::npos, "the next one says it");
}

void hosts_speak() {
    World world;
    world.up();
    const std::string head = std::string("\x01\x02") + "farr";
    world.raw(head + "body");
    world.bridge->on_message("rt:relay:host", as_bytes(head), world.now);
    is(world.told, "farr:body farr: ", "to whom it concerns");
    const std::string odd[] = {"",
                               "\x01",
                               head.substr(0, 5),
                               "\x02\x02" + std::string("farrbody"),
                               "\x41\x02" + std::string("farrbody"),
                               std::string("\x01\x03") + "farr",
                               std::string("\x01\xff") + "farr",
                               std::string("\x01\0", 2) + "farr"};
    world.lines.take();
    for (const std::string &each : odd) {
        world.raw(each);
    }
    is(world.told, "farr:body farr: ", "unknown versions and topics to nobody");
    const std::string lines = world.lines.take();
    is(std::count(lines.begin(), lines.end(), '\n'), std::ptrdiff_t{1}, "one line about them");
    world.take_said();
    world.pipe.unanswered.clear();
    const Bytes piece = as_bytes("x");
    ok(static_cast<bool>(world.bridge->tell("farr", cluster::Topic::relay, {&piece, 1})), "told");
    is(world.pipe.text(), "|PUBLISH rt:relay:farr \x01\x02hostx", "on the channel of that host");
    world.line_lost();
    ok(world.bridge->tell("farr", cluster::Topic::relay, {&piece, 1}).code() == Code::unavailable,
       "not while Redis is away");
}

void complaints() {
    World world;
    world.up();
    world.lines.take();
    const auto lines = [&] {
        const std::string text = world.lines.take();
        return std::count(text.begin(), text.end(), '\n');
    };
    const std::string odd = "socket.io#/\n\x1b[31m#r#";
    world.bridge->on_message(odd, as_bytes("\xc1"), world.now);
    add_socket(world.zone.roster, 1, "/\n\x1b[31m", {"r"});
    world.bridge->on_message(odd, as_bytes("\xc1"), world.now);
    is(lines(), std::ptrdiff_t{1}, "whatever a channel is called, it is one line");
    for (int i = 0; i < 50; ++i) {
        world.bridge->on_message("socket.io#/#", as_bytes("\xc1"), world.now);
    }
    is(lines(), std::ptrdiff_t{0}, "no more of them");
    world.now += 60'000;
    world.bridge->on_message("socket.io#/#", as_bytes("\xc1"), world.now);
    is(lines(), std::ptrdiff_t{1}, "after a minute again");
    is(world.metrics[Metric::bus_malformed], std::int64_t{52}, "all are counted");
    world.now += 60'000;
    world.host.emit("[1]");
    world.turn();
    while (!world.pipe.unanswered.empty()) {
        world.bridge->on_reply(world.pipe.unanswered.front().cookie.packed(), refusal().value(), world.now);
        world.pipe.unanswered.pop_front();
    }
    ok(world.lines.take().find("NOPERM") != std::string::npos, "what Redis refuses is told in its words");
}

void ends_early() {
    World world;
    world.up();
    world.hear(world.question("q"));
    world.host.emit("[1]");
    world.turn();
    world.bridge.reset();
    world.deadlines.expire(world.now + 100'000);
    ok(true, "destroyed in the middle of everything");
    world.take_over();
    const cluster::Cookie cookie{cluster::LineUser::outbound, 77};
    world.bridge->on_reply(cookie.packed(), good().value(), world.now);
    world.bridge->on_reply(cookie.packed(), nullptr, world.now);
    world.bridge->on_reply(UINT64_MAX, good().value(), world.now);
    world.hearing_lost();
    world.line_lost();
    is(world.state(), "degraded", "the connection in the box was of no use");
    ok(world.is_deaf(), "who comes next does not hear what others say now");
    World fresh;
    fresh.hearing_lost();
    ok(!fresh.is_deaf(), "of what was never heard nothing is missed");
    world.up();
    world.pass(1500);
    world.take_over();
    world.hearing_lost();
    ok(world.is_deaf(), "else it may be, before anything is heard again");
}

} // namespace

int main() {
    states();
    gaps();
    lost_twice();
    missed_while_hearing();
    host_goes();
    next_holder();
    counted_late();
    one_of_two();
    none_ahead();
    retires();
    hosts_speak();
    complaints();
    ends_early();
    return done();
}
