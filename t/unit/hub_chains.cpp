// SPDX-License-Identifier: BSD-2-Clause
// Chains of actions: what their order promises, and those that wait: for whom they go on, what
// they keep, and what becomes of their client meanwhile.
#include "host_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

std::unique_ptr<hub::Failure> failure(const char *code) {
    return std::make_unique<hub::Failure>(hub::Failure{code, "why", ",\"x\":1"});
}

void publish(Worker &worker, Text data, bool is_volatile = false) {
    hub::Envelope envelope;
    envelope.nsp = "/";
    envelope.data = data;
    envelope.is_volatile = is_volatile;
    static_cast<void>(worker.bus.publish(envelope));
}

// Each row: what one client says in one turn, and what it hears in that turn and after it.
void order() {
    struct Case {
        const char *name;
        std::initializer_list<Text> say;
        const char *at_once;
        const char *later;
    };
    const Case cases[] = {
        {"an emit comes when the log is read", {"42[\"all\"]"}, "", "42[\"e\"]"},
        {"emit all; ack", {"420[\"all-ack\"]"}, "42[\"e\"] 430[1]", ""},
        {"emit all; emit", {"42[\"all-emit\"]"}, "42[\"e\"] 42[\"f\"]", ""},
        {"emit to=r; leave r", {"42[\"join\"]", "42[\"room-leave\"]"}, "42[\"r\"]", ""},
        {"emit to=r; join r", {"42[\"room-join\"]"}, "", ""},
        {"emit all; close", {"42[\"all-close\"]"}, "42[\"e\"] 41", ""},
        {"emit all; close connection", {"42[\"all-end\"]"}, "42[\"e\"] 41 shut0", ""},
        {"the ack of a later event", {"42[\"all\"]", "421[\"ack\"]"}, "42[\"e\"] 431[2]", ""},
        {"two events", {"420[\"all-ack\"]", "421[\"all-ack\"]"}, "42[\"e\"] 430[1] 42[\"e\"] 431[1]", ""},
        {"the first failure ends it",
         {"423[\"fails\"]"},
         "433[{\"ok\":false,\"error\":\"no\",\"message\":\"refused\"}]",
         ""},
    };
    for (const Case &one : cases) {
        Rules rules;
        rules.nsp("/")
            .on("all", "emit e all")
            .on("all-ack", "emit e all;ack 1")
            .on("all-emit", "emit e all;emit f");
        rules.on("join", "join r")
            .on("room-leave", "emit r to=r;leave r")
            .on("room-join", "emit r to=r;join r");
        rules.on("all-close", "emit e all;close")
            .on("all-end", "emit e all;close connection")
            .on("ack", "ack 2");
        rules.on("fails", "require 0 error=no;emit e all;ack 1");
        Host host(rules, 1);
        Peer peer(host[0], host.session);
        peer.say({"40"});
        peer.heard();
        peer.say(one.say);
        is(peer.heard(), one.at_once, std::string(one.name) + ": at once");
        host.deliver();
        is(peer.heard(), one.later, std::string(one.name) + ": later");
    }
}

// What others appended before comes before, too.
void order_of_all() {
    Rules rules;
    rules.nsp("/").on("x", "emit mine all;ack 1");
    Host host(rules, 2);
    Peer peer(host[0], host.session);
    peer.say({"40"});
    peer.heard();
    publish(host[1], "[\"theirs\"]");
    peer.say({"420[\"x\"]"});
    publish(host[1], "[\"after\"]");
    is(peer.heard(), "42[\"theirs\"] 42[\"mine\"] 430[1]", "the log's order, up to the chain's own");
    host.deliver();
    is(peer.heard(), "42[\"after\"]", "and the rest");
}

void suspended() {
    Rules rules;
    rules.nsp("/").on("slow", "wait;emit e all;ack $realtime_args").on("fast", "ack 2");
    rules.on("twice", "wait;wait;ack 3").on("fails", "wait;ack 4");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    waiting().clear();
    peer.say({"40"});
    peer.heard();
    peer.say({"4520[\"slow\""});
    ok(peer.connection() == nullptr, "a bad header is no event");
    Peer other(host[0], host.session);
    other.say({"40"});
    other.heard();
    other.say({"451-0[\"slow\",{\"a\":1},{\"_placeholder\":true,\"num\":0}]"});
    other.connection()->session().on_ws_binary(as_bytes("bytes"), 0);
    other.say({"421[\"fast\"]"});
    is(other.heard(), "431[2]", "others go on");
    host[0].hub.resume(waiting()[0], nullptr, 0);
    host[0].end_turn(0);
    is(other.heard(), "42[\"e\"] 461-0[{\"a\":1},{\"_placeholder\":true,\"num\":0}] <bytes>",
       "it goes on with what it had, its bytes too");
    host[0].hub.resume(waiting()[0], nullptr, 0);
    host.deliver();
    is(other.heard(), "", "only once");

    waiting().clear();
    other.say({"420[\"twice\"]"});
    host[0].hub.resume(waiting()[0], nullptr, 0);
    host[0].end_turn(0);
    is(other.heard(), "", "it waits again");
    host[0].hub.resume(waiting()[1], nullptr, 0);
    host[0].end_turn(0);
    is(other.heard(), "430[3]", "and goes on");

    waiting().clear();
    other.say({"420[\"fails\"]"});
    host[0].hub.resume(waiting()[0], failure("late"), 0);
    host[0].end_turn(0);
    is(other.heard(), "430[{\"ok\":false,\"error\":\"late\",\"message\":\"why\",\"x\":1}]",
       "a failure ends it");
    host[0].hub.resume({99, 1}, nullptr, 0);
    host[0].hub.resume({}, failure("x"), 0);
    ok(true, "a handle of nothing is ignored");
}

// The socket left meanwhile: what has a target still happens, nothing else does.
void left_meanwhile() {
    struct Case {
        const char *name;
        const char *end;
    };
    constexpr Case kCases[] = {{"left", "41"}, {"closed", "1"}, {"broke the protocol", "49"}};
    for (const Case &one : kCases) {
        Rules rules;
        rules.nsp("/").on("x",
                          "wait;ack 1;emit me;join r;leave q;emit e all;emit u user=ann;close connection");
        Host host(rules, 1);
        Peer watch(host[0], host.session);
        watch.say({"40"});
        watch.heard();
        Peer peer(host[0], host.session);
        waiting().clear();
        peer.say({"40"});
        peer.heard();
        peer.say({"420[\"x\"]", one.end});
        peer.heard();
        host[0].hub.resume(waiting()[0], nullptr, 0);
        host.deliver();
        is(peer.heard(), "", std::string(one.name) + ": nothing for it");
        is(watch.heard(), "42[\"e\"]", std::string(one.name) + ": the others get theirs");
        ok(host.roster.sockets.size() == 1, std::string(one.name) + ": no room was joined");
    }
}

void comes_back_meanwhile() {
    Rules rules;
    rules.nsp("/").on("x", "wait;ack 1;emit me");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    waiting().clear();
    peer.say({"40", "420[\"x\"]", "41", "40"});
    peer.heard();
    host[0].hub.resume(waiting()[0], nullptr, 0);
    host.deliver();
    is(peer.heard(), "", "a new socket of the same client is not meant");
}

void connect_waits() {
    Rules rules;
    rules.nsp("/", "emit first;wait;emit second;emit all-of-us all").on("x", "ack 1");
    Host host(rules, 1);
    host.session.send_buffer = 1000;
    Peer peer(host[0], host.session);
    waiting().clear();
    peer.say({"40"});
    publish(host[0], "[\"news\"]");
    publish(host[0], "[\"maybe\"]", true);
    host.deliver();
    is(peer.heard(), "", "nothing before the answer");
    host[0].hub.resume(waiting()[0], nullptr, 0);
    host[0].end_turn(0);
    is(peer.heard(), "40{\"sid\":\"SID\"} 42[\"first\"] 42[\"news\"] 42[\"second\"] 42[\"all-of-us\"]",
       "the answer first, then all that came, in order; volatile events are gone");

    Peer refused(host[0], host.session);
    refused.say({"40"});
    publish(host[0], "[\"news\"]");
    host.deliver();
    peer.heard();
    host[0].hub.resume(waiting()[1], failure("auth"), 0);
    host[0].end_turn(0);
    is(refused.heard(), "44{\"message\":\"why\",\"data\":{\"error\":\"auth\",\"x\":1}}",
       "a refusal, and nothing else");

    Peer slow(host[0], host.session);
    slow.say({"40"});
    const std::string big = "[\"" + std::string(600, 'x') + "\"]";
    publish(host[0], big, true);
    publish(host[0], big, true);
    publish(host[0], big);
    host.deliver();
    ok(slow.connection() != nullptr, "one that waits keeps its buffer's worth");
    publish(host[0], big);
    host.deliver();
    is(slow.heard(), "shut1013", "and not more");
    host[0].hub.resume(waiting()[2], nullptr, 0);
    host.deliver();
    is(slow.heard(), "", "its chain finds nobody");
}

void disconnect_waits() {
    Rules rules;
    rules.nsp("/", "", "wait;emit gone all data=$realtime_close_reason");
    Host host(rules, 1);
    Peer watch(host[0], host.session);
    watch.say({"40"});
    watch.heard();
    Peer peer(host[0], host.session);
    peer.say({"40"});
    waiting().clear();
    peer.hang_up();
    is(host[0].hub.size(), 1u, "the connection is destroyed");
    host[0].hub.resume(waiting()[0], nullptr, 0);
    host.deliver();
    is(watch.heard(), "42[\"gone\",\"transport close\"]", "disconnect { } goes on without it");
}

void quiet() {
    Rules rules;
    rules.nsp("/", "wait").on("x", "wait").on("y", "ack 1");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    waiting().clear();
    const auto is_quiet = [&] { return host[0].hub.is_quiet(*peer.connection()); };
    ok(is_quiet(), "quiet at first");
    peer.say({"40"});
    ok(!is_quiet(), "not while a CONNECT waits");
    host[0].hub.resume(waiting()[0], nullptr, 0);
    peer.say({"420[\"y\"]"});
    ok(is_quiet(), "but after it, and after a chain that did not wait");
    peer.say({"42[\"x\"]", "42[\"x\"]"});
    host[0].hub.resume(waiting()[1], nullptr, 0);
    ok(!is_quiet(), "not while one chain waits");
    host[0].hub.resume(waiting()[2], failure("x"), 0);
    ok(is_quiet(), "but when all have ended");
}

} // namespace

int main() {
    order();
    order_of_all();
    suspended();
    left_meanwhile();
    comes_back_meanwhile();
    connect_waits();
    disconnect_waits();
    quiet();
    return rt::test::done();
}
