// SPDX-License-Identifier: BSD-2-Clause
// Events whose acks somebody waits for: who is asked and told of, what comes back, and what is
// no answer; limits, slow clients, and sockets that move in between.
#include "host_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr std::uint32_t kTimeout = 1000;

// The packet's ack id, as text.
std::string ask(Worker &worker, std::uint32_t slot, Text nsp = "/", bool is_volatile = false) {
    hub::Envelope envelope;
    envelope.nsp = nsp;
    envelope.data = "[\"q\"]";
    envelope.is_volatile = is_volatile;
    envelope.asker = {9, 1, {slot, 1}, kTimeout};
    return std::to_string(*worker.bus.publish(envelope));
}

Rules &open_rules(Rules &rules) {
    rules.nsp("/");
    rules.nsp("/b");
    return rules;
}

void who_is_asked() {
    Rules rules;
    Host host(open_rules(rules), 2);
    Peer one(host[0], host.session);
    Peer two(host[0], host.session);
    one.say({"40", "40/b,"});
    const std::string in_b = (one.heard(), one.sid);
    two.say({"40"});
    two.heard();

    const std::string id = ask(host[1], 1);
    host.deliver();
    ok(host[0].replies.text.starts_with("1: asked host"), "sockets of the namespace");
    is(host[0].replies.take().size(), 8 + 2 * 21U, "both of them");
    is(host[1].replies.take(), "1: asked", "a worker without sockets tells so");
    is(one.heard(), "42" + id + "[\"q\"]", "the event, and the log's position as its id");
    is(two.heard(), "42" + id + "[\"q\"]", "the same for all");

    const std::string other = ask(host[1], 2, "/b");
    host.deliver();
    is(host[0].replies.take(), "2: asked " + in_b, "another namespace");
    is(one.heard(), "42/b," + other + "[\"q\"]", "its name in the packet");
    ask(host[1], 3, "/nowhere");
    host.deliver();
    is(host[0].replies.take(), "3: asked", "one that nobody joined");
}

void what_comes_back() {
    Rules rules;
    Host host(open_rules(rules), 1);
    Peer peer(host[0], host.session);
    peer.say({"40"});
    peer.heard();
    const auto asked = [&](std::uint32_t slot) {
        const std::string id = ask(host[0], slot);
        host.deliver();
        host[0].replies.take();
        return id;
    };
    const std::string first = asked(1);
    const std::string second = asked(2);
    peer.say({"43" + second + "[2,{\"a\":[]}]"});
    is(host[0].replies.take(), "2: " + peer.sid + " [2,{\"a\":[]}]", "args as they came");
    peer.say({"43" + second + "[2]", "4399[1]", "43[1]", "43/b," + first + "[1]"});
    is(host[0].replies.take(), "", "twice, unknown, without an id: ignored");
    ok(peer.connection() == nullptr, "and in a namespace that it did not join: the end, as ever");

    Peer next(host[0], host.session);
    next.say({"40"});
    next.heard();
    const std::string empty = asked(4);
    next.say({"43" + empty});
    is(host[0].replies.take(), "4: " + next.sid + " []", "no payload is no argument");
    const std::string binary = asked(5);
    next.say({"461-" + binary + "[{\"_placeholder\":true,\"num\":0}]"});
    is(host[0].replies.take(), "", "an attachment is still to come");
    next.connection()->session().on_ws_binary(as_bytes(Text("bytes")), 0);
    is(host[0].replies.take(), "5: " + next.sid + " [{\"_placeholder\":true,\"num\":0}]<bytes>", "binary");
    const std::string late = asked(6);
    next.say({"43" + late + "[]"}, kTimeout);
    is(host[0].replies.take(), "", "when its time is over");
    is(host[0].counts[hub::Metric::acks_in], 7, "all are counted");
}

void limits() {
    Rules rules;
    Host host(open_rules(rules), 1);
    host.session.limits.acks = 2;
    Peer peer(host[0], host.session);
    peer.say({"40"});
    peer.heard();
    const std::string root = peer.sid;
    peer.say({"40/b,"});
    peer.heard();
    const std::string first = ask(host[0], 1);
    ask(host[0], 2, "/b");
    host.deliver();
    peer.heard();
    host[0].replies.take();
    ask(host[0], 3);
    host.deliver();
    is(peer.heard(), "42[\"q\"]", "one more comes without an id");
    is(host[0].replies.take(), "3: asked", "and is not waited for");
    is(host[0].counts[hub::Metric::refused_acks], 1, "which is counted");
    peer.say({"43" + first + "[]"});
    host[0].replies.take();
    ask(host[0], 4);
    host.deliver(1);
    is(host[0].replies.take(), "4: asked " + root, "an answer makes room");
    ask(host[0], 5);
    host.deliver(kTimeout);
    is(host[0].replies.take(), "5: asked " + root, "so does the end of the time");
    is(host[0].counts[hub::Metric::refused_acks], 1, "no more refusals");
}

void slow_clients() {
    Rules rules;
    Host host(open_rules(rules), 1);
    host.session.send_buffer = 40;
    Peer peer(host[0], host.session);
    peer.say({"40"});
    peer.heard();
    peer.room = 0;
    ask(host[0], 1);
    host.deliver();
    host[0].replies.take();
    const std::string dropped = ask(host[0], 2, "/", true);
    host.deliver();
    is(host[0].replies.take(), "2: asked " + peer.sid, "a volatile event that is dropped: asked, so missing");
    peer.say({"43" + dropped + "[]"});
    is(host[0].replies.take(), "", "nothing can be its answer");
    for (std::uint32_t slot = 3; slot < 6; ++slot) {
        ask(host[0], slot);
    }
    host.deliver();
    is(host[0].replies.take(), "3: asked " + peer.sid + "; 4: asked " + peer.sid + "; 5: asked",
       "the event that is too much for a client");
    ok(peer.connection() == nullptr, "ends it");
}

void before_the_connect_is_answered() {
    Rules rules;
    rules.nsp("/", "wait");
    Host host(rules, 1);
    waiting().clear();
    Peer peer(host[0], host.session);
    peer.say({"40"});
    const std::string id = ask(host[0], 1);
    host.deliver();
    host[0].replies.take();
    is(peer.heard(), "", "held");
    host[0].hub.resume(waiting().back(), nullptr, 0);
    host[0].end_turn(0);
    is(peer.heard(), "40{\"sid\":\"SID\"} 42" + id + "[\"q\"]", "behind the answer");
    peer.say({"43" + id + "[]"});
    is(host[0].replies.take(), "1: " + peer.sid + " []", "and can be answered");
}

// Worker 0 gives its session to worker 1, which has read more of the log.
void a_move() {
    Rules rules;
    Host host(open_rules(rules), 2);
    Peer peer(host[0], host.session);
    peer.say({"40"});
    peer.heard();
    const std::string before = ask(host[0], 1);
    host.deliver();
    std::string image;
    Writer out(image);
    const hub::Position position = host[0].bus.cursor();
    host[0].hub.freeze(*peer.connection(), out, 400);
    host[0].end_turn(400);
    const std::string between = ask(host[1], 2);
    host.deliver(400);
    host[0].replies.take();
    is(host[1].replies.take(), "1: asked; 2: asked", "neither has it");

    Reader in(image);
    const Result<hub::Connection *> arrived = host[1].hub.thaw(in, 50);
    ok(static_cast<bool>(arrived), "it came");
    is(host[1].replies.take(), "1: arrived " + peer.sid, "with what it owes");
    host[1].bus.replay(position, host[1].bus.cursor(), [&](const hub::Envelope &envelope, hub::Position end) {
        host[1].hub.replay(**arrived, envelope, end, 50);
    });
    is(host[1].replies.take(), "2: arrived " + peer.sid, "and is asked what it missed");
    const auto say = [&](const std::string &packet, Millis now) {
        (*arrived)->session().on_ws_text(packet, now);
        host[1].end_turn(now);
        return host[1].replies.take();
    };
    is(say("43" + between + "[\"new\"]", 60), "2: " + peer.sid + " [\"new\"]", "both can be answered");
    is(say("43" + before + "[\"old\"]", 649), "1: " + peer.sid + " [\"old\"]", "in the time that was left");
    host[1].hub.close_all(engine::CloseReason::transport_close, 700);
    host[1].end_turn(700);
}

} // namespace

int main() {
    who_is_asked();
    what_comes_back();
    limits();
    slow_clients();
    before_the_connect_is_answered();
    a_move();
    return done();
}
