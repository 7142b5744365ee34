// SPDX-License-Identifier: BSD-2-Clause
// From CONNECT to the end of a socket: what is answered, kept, counted and forgotten, and what
// disconnect { } sees.
#include "host_env.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

bool nothing_left(Host &host) {
    bool none = host.roster.connections.empty() && host.roster.sockets.empty();
    for (std::size_t i = 0; i < host.size(); ++i) {
        const Counts &counts = host[i].counts;
        none = none && host[i].hub.size() == 0 && counts[Metric::sockets] == 0 &&
               counts[Metric::polling] == 0 && counts[Metric::websocket] == 0;
    }
    return none;
}

void connects() {
    Rules rules;
    rules.nsp("/")
        .nsp("/no", "require 0 error=auth message=away")
        .nsp("/room-*", "emit hi data=$rest")
        .on("x", "ack $rest");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    peer.say({"40"});
    is(peer.heard(), "40{\"sid\":\"SID\"}", "CONNECT");
    is(peer.sid.size(), 20u, "a socket id has 20 characters");
    ok(peer.sid != Text(peer.connection()->sid()).substr(0, 20), "it is no part of the session's");
    peer.say({"40/no,", "40/what,", "40/room-7,"});
    is(peer.heard(),
       "44/no,{\"message\":\"away\",\"data\":{\"error\":\"auth\"}} 44/what,{\"message\":\"Invalid "
       "namespace\"} "
       "40/room-7,{\"sid\":\"SID\"} 42/room-7,[\"hi\",7]",
       "a chain that fails, a namespace that is not there, one of a pattern");
    peer.say({"42/room-7,3[\"x\"]"});
    is(peer.heard(), "43/room-7,3[7]", "what the pattern captured stays");
    is(host.roster.sockets.size(), 2u, "those that failed are not in the roster");
    peer.hang_up();
    ok(nothing_left(host), "nothing is left");
}

// Each row: how a socket ends; what its client gets, and what the others hear of disconnect { }.
void ends() {
    struct Case {
        const char *name;
        const char *say;
        const char *heard;
        const char *reason;
    };
    constexpr Case kCases[] = {
        {"the client leaves", "41", "", "client namespace disconnect"},
        {"it is put out", "42[\"out\"]", "41", "server namespace disconnect"},
        {"its connection is closed", "42[\"close\"]", "41 41/b, shut0", "forced server close"},
        {"it breaks the protocol", "42[", "shut0", "parse error"},
        {"it closes its session", "1", "shut0", "transport close"},
    };
    Rules rules;
    rules.nsp("/", "", "emit gone all data=$realtime_close_reason;emit on all data=$realtime_transport")
        .on("out", "close")
        .on("close", "close connection")
        .nsp("/b", "", "emit gone-b all data=$realtime_close_reason");
    for (const Case &one : kCases) {
        Host host(rules, 1);
        Peer watch(host[0], host.session);
        watch.say({"40"});
        watch.heard();
        Peer peer(host[0], host.session);
        peer.say({"40", "40/b,"});
        peer.heard();
        peer.say({one.say});
        is(peer.heard(), one.heard, std::string(one.name) + ": the client");
        host.deliver();
        is(watch.heard(), "42[\"gone\",\"" + std::string(one.reason) + "\"] 42[\"on\",\"websocket\"]",
           std::string(one.name) + ": the others");
        if (peer.connection() != nullptr) {
            peer.say({"42/b,[\"x\"]"});
            ok(peer.connection() != nullptr, std::string(one.name) + ": the other namespace stays");
            peer.hang_up();
        }
        watch.hang_up();
        host.deliver();
        ok(nothing_left(host), std::string(one.name) + ": nothing is left");
    }
}

// A DISCONNECT that the send buffer has no room for ends the session in the middle of it.
void ends_of_slow_clients() {
    Rules rules;
    rules.nsp("/").on("out", "close").on("close", "close connection").nsp("/b").nsp("/c");
    for (const char *event : {"42[\"out\"]", "42[\"close\"]"}) {
        Host host(rules, 1);
        host.session.send_buffer = 39;
        Peer peer(host[0], host.session);
        peer.say({"40"});
        peer.say({"40/b,"});
        peer.room = 0;
        peer.say({"40/c,"});
        peer.heard();
        peer.say({event});
        is(peer.heard(), "40/c,{\"sid\":\"SID\"} shut1013",
           std::string(event) + " to a client that does not read");
        ok(nothing_left(host), "nothing is left, nothing is counted twice");
    }
}

void before_the_answer() {
    Rules rules;
    rules.nsp("/", "wait;emit late", "emit gone all").nsp("/quit", "close").nsp("/end", "close connection");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    peer.say({"40/quit,"});
    is(peer.heard(), "44/quit,{\"message\":\"Disconnected by the server\"}",
       "close in connect { } is a refusal");
    peer.say({"40"});
    is(peer.heard(), "", "a chain that waits");
    hub::Envelope out;
    out.op = hub::Op::disconnect;
    out.nsp = "/";
    static_cast<void>(host[0].bus.publish(out));
    host.deliver();
    is(peer.heard(), "44{\"message\":\"Disconnected by the server\"}", "put out before the answer: refused");
    is(host[0].counts[Metric::published], 0, "disconnect { } does not run for what never connected");
    host[0].hub.resume(waiting().back(), nullptr, 0);
    host.deliver();
    is(peer.heard(), "", "the chain says nothing more");
    peer.say({"40"});
    host[0].hub.resume(waiting().back(), nullptr, 0);
    host.deliver();
    is(peer.heard(), "40{\"sid\":\"SID\"} 42[\"late\"]", "it may try again");
    peer.say({"40/end,"});
    is(peer.heard(), "41 shut0", "close connection in connect { }");
    host.deliver();
    ok(nothing_left(host), "nothing is left");
}

void bounds() {
    Rules rules;
    rules.nsp("/").on("join", "join $realtime_arg_0;ack 1").nsp("/dyn-*").user("$realtime_auth_u");
    Host host(rules, 1);
    host.session.limits.rooms = 2;
    host.session.limits.namespaces = 1;
    host.session.max_per_user = 2;
    Peer peer(host[0], host.session);
    peer.say({"40", "420[\"join\",\"a\"]", "421[\"join\",\"b\"]", "422[\"join\",\"c\"]",
              "423[\"join\",\"a\"]", "40/dyn-1,"});
    is(peer.heard(),
       "40{\"sid\":\"SID\"} 430[1] 431[1] 432[{\"ok\":false,\"error\":\"limit\",\"message\":\"too many "
       "rooms\"}] "
       "433[1] 44/dyn-1,{\"message\":\"Too many namespaces\"}",
       "rooms= and namespaces=");
    ok(host[0].counts[Metric::refused_rooms] == 1 && host[0].counts[Metric::refused_namespaces] == 1,
       "counted");
    Peer first(host[0], host.session);
    Peer second(host[0], host.session);
    Peer third(host[0], host.session);
    for (Peer *each : {&first, &second, &third}) {
        each->say({"40{\"u\":\"ann\"}"});
    }
    is(first.heard() + " " + second.heard(), "40{\"sid\":\"SID\"} 40{\"sid\":\"SID\"}", "two of one user");
    is(third.heard(), "44{\"message\":\"Too many connections\"}", "not three");
    is(host[0].counts[Metric::refused_sessions], 1, "counted");
    first.say({"420[\"join\",\"a\"]", "421[\"join\",\"b\"]", "422[\"join\",\"c\"]"});
    is(first.heard(), "430[1] 431[1] 432[{\"ok\":false,\"error\":\"limit\",\"message\":\"too many rooms\"}]",
       "the room of its user is outside of rooms=");
    second.say({"41"});
    third.say({"40{\"u\":\"ann\"}"});
    is(third.heard(), "40{\"sid\":\"SID\"}", "but again two");
}

void full_zone() {
    Rules rules;
    rules.nsp("/").on("join", "join a;ack 1");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    host.roster.full = true;
    peer.say({"40"});
    is(peer.heard(), "44{\"message\":\"Server is full\"}", "no room for a socket");
    hub::Birth birth;
    birth.settings = &host.session;
    ok(host[0].hub.open(birth).code() == Code::full, "no room for a connection");
    host.roster.full = false;
    peer.say({"40"});
    host.roster.full = true;
    peer.say({"421[\"join\"]"});
    is(peer.heard(), "40{\"sid\":\"SID\"} 431[{\"ok\":false,\"error\":\"limit\",\"message\":\"no room\"}]",
       "no room for a room");
    host.roster.full = false;
    peer.hang_up();
    is(host[0].counts[Metric::refused_zone_full], 3, "counted");
    ok(nothing_left(host), "nothing is left");
}

// Namespaces of a pattern come and go with their clients.
void dynamic_namespaces() {
    Rules rules;
    rules.nsp("/room-*", "wait").on("x", "wait;ack $rest");
    Host host(rules, 1);
    Peer peer(host[0], host.session);
    waiting().clear();
    peer.say({"40/room-1,"});
    host[0].hub.resume(waiting().back(), nullptr, 0);
    peer.say({"42/room-1,5[\"x\"]", "41/room-1,"});
    host[0].end_turn(0);
    host[0].hub.resume(waiting().back(), nullptr, 0);
    host[0].end_turn(0);
    is(peer.heard(), "40/room-1,{\"sid\":\"SID\"}", "a chain may outlive its namespace");
    for (int i = 0; i < 20; ++i) {
        const std::string nsp = "/room-" + std::to_string(i) + ",";
        peer.say({"40" + nsp});
        host[0].hub.resume(waiting().back(), nullptr, 0);
        peer.say({"41" + nsp});
    }
    ok(peer.connection() != nullptr, "one after the other, more than may be joined at once");
    peer.heard();
    Peer third(host[0], host.session);
    for (Peer *each : {&peer, &third}) {
        each->say({"40/room-y,"});
        host[0].hub.resume(waiting().back(), nullptr, 0);
    }
    peer.say({"40/room-z,"});
    host[0].hub.resume(waiting().back(), nullptr, 0);
    peer.say({"41/room-y,", "41/room-z,"});
    third.heard();
    third.say({"42/room-y,6[\"x\"]"});
    host[0].hub.resume(waiting().back(), nullptr, 0);
    host[0].end_turn(0);
    is(third.heard(), "43/room-y,6[\"y\"]", "a namespace stays while somebody is in it");
    peer.hang_up();
    third.hang_up();
    ok(nothing_left(host), "nothing is left");
}

void echo() {
    Rules rules;
    Host host(rules, 1);
    hub::Birth birth;
    birth.kind = hub::ConnectionKind::echo;
    birth.settings = &host.session;
    hub::Connection *connection = *host[0].hub.open(birth);
    std::string got;
    host[0].answered = [&](Handle, const engine::Answer &answer) { got += answer.body; };
    connection->session().start_polling(0);
    connection->session().on_post({0, 1, {1, 1}},
                                  "4hey\x1e"
                                  "bAQI=",
                                  0);
    connection->session().on_poll({0, 1, {2, 1}}, 0);
    host[0].end_turn(0);
    is(got,
       "ok4hey\x1e"
       "bAQI=",
       "an echo says what it hears");
    is(host[0].counts[Metric::polling], 1, "and is counted");
    host[0].hub.close_all(engine::CloseReason::transport_error, 0);
    host[0].end_turn(0);
    ok(nothing_left(host), "nothing is left");
}

// A WebSocket whose 101 could not be sent: the session never started.
void never_started() {
    Rules rules;
    Host host(rules, 1);
    hub::Birth birth;
    birth.settings = &host.session;
    birth.transport = engine::TransportKind::websocket;
    (*host[0].hub.open(birth))->session().close(engine::CloseReason::transport_error, 0);
    host[0].end_turn(0);
    ok(nothing_left(host), "a session that never started leaves nothing");
}

} // namespace

int main() {
    connects();
    ends();
    ends_of_slow_clients();
    before_the_answer();
    bounds();
    full_zone();
    dynamic_namespaces();
    echo();
    never_started();
    return rt::test::done();
}
