// SPDX-License-Identifier: BSD-2-Clause
// Clients that come back and get a new socket, each for its reason: they are told, and nothing of
// the old one reaches them. And which ends of a socket are for good.
#include "recovery_env.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

struct Refusal {
    const char *name;
    Metric metric;
    std::string (*what)(World &world, Guest &guest); // what it says
    Millis now = 0;
};

void refused() {
    const Refusal cases[] = {
        {"another pid", Metric::not_recovered_unknown,
         [](World &, Guest &guest) { return again("host" + std::string(28, 'x'), guest.peer.offset); }},
        {"another host's pid", Metric::not_recovered_unknown,
         [](World &, Guest &guest) { return again("else" + guest.peer.pid.substr(4), guest.peer.offset); }},
        {"no pid at all", Metric::not_recovered_unknown,
         [](World &, Guest &guest) { return again("x", guest.peer.offset); }},
        {"another namespace", Metric::not_recovered_foreign,
         [](World &, Guest &guest) { return again(guest.peer.pid, guest.peer.offset, "/b,"); }},
        {"an offset of another log", Metric::not_recovered_offset,
         [](World &, Guest &guest) { return again(guest.peer.pid, "host.other.4096"); }},
        {"an offset that an event of its own spoilt", Metric::not_recovered_offset,
         [](World &, Guest &guest) { return again(guest.peer.pid, "hello"); }},
        {"an offset inside of a record", Metric::not_recovered_offset,
         [](World &world, Guest &guest) {
             const hub::Position end = world.tell("x", {});
             return again(guest.peer.pid, "host.epoch." + std::to_string(end - 8));
         }},
        {"an offset behind the end", Metric::not_recovered_offset,
         [](World &world, Guest &guest) {
             return again(guest.peer.pid, "host.epoch." + std::to_string(world.host[0].bus.head() + 64));
         }},
        {"the largest offset", Metric::not_recovered_offset,
         [](World &, Guest &guest) { return again(guest.peer.pid, "host.epoch.18446744073709551615"); }},
        {"too late", Metric::not_recovered_unknown,
         [](World &, Guest &guest) { return again(guest.peer.pid, guest.peer.offset); }, kRecovery},
        {"the log went on", Metric::not_recovered_overrun,
         [](World &world, Guest &guest) {
             for (int i = 0; i < 3000; ++i) {
                 world.tell(std::string(900, 'x'), {"nobody"});
                 world.host.deliver();
             }
             return again(guest.peer.pid, guest.peer.offset);
         }},
        {"it missed too much", Metric::not_recovered_too_much,
         [](World &world, Guest &guest) {
             world.host.session.send_buffer = 2000;
             world.tell(std::string(1500, 'x'), {});
             world.tell(std::string(1500, 'x'), {});
             return again(guest.peer.pid, guest.peer.offset);
         }},
        {"the zone is full", Metric::not_recovered_full,
         [](World &, Guest &guest) { return again(guest.peer.pid, guest.peer.offset); }},
    };
    for (const Refusal &one : cases) {
        World world;
        Guest guest(world);
        guest.peer.hang_up();
        const std::string said = one.what(world, guest);
        Peer back(world.host[1], world.host.session);
        world.host.roster.full = one.metric == Metric::not_recovered_full;
        back.say({said}, one.now);
        const std::string heard = back.heard();
        const bool full = world.host.roster.full;
        world.host.roster.full = false;
        ok(full ? heard == "44{\"message\":\"Server is full\"}"
                : back.pid != guest.peer.pid && !back.pid.empty(),
           std::string(one.name) + ": a new socket");
        ok(heard.find("40") == 0 || full, std::string(one.name) + ": and nothing of the old");
        is(world.sum(one.metric), 1, std::string(one.name) + ": it is counted");
        is(world.sum(Metric::recovered), 0, std::string(one.name) + ": as not recovered");
    }
}

// How a socket ends, and whether its client may come back.
void ends() {
    struct Case {
        const char *name;
        void (*end)(World &world, Peer &peer);
        bool kept;
    };
    const Case cases[] = {
        {"its transport is lost", [](World &, Peer &peer) { peer.hang_up(); }, true},
        {"it leaves the namespace", [](World &, Peer &peer) { peer.say({"41"}); }, false},
        {"it is put out", [](World &, Peer &peer) { peer.say({"42[\"out\"]"}); }, false},
        {"with its connection",
         [](World &world, Peer &) {
             world.order(hub::Op::disconnect, {}, "", true);
             world.host.deliver();
         },
         false},
        {"it breaks the protocol", [](World &, Peer &peer) { peer.say({"42["}); }, false},
        {"it closes its session", [](World &, Peer &peer) { peer.say({"1"}); }, true},
        {"the log overran its worker", [](World &world, Peer &) { world.host[0].hub.on_lapped(0); }, true},
        {"the server stops",
         [](World &world, Peer &) {
             world.host[0].hub.close_all(engine::CloseReason::server_shutting_down, 0);
         },
         true},
        {"it does not answer pings",
         [](World &, Peer &peer) {
             peer.connection()->session().close(engine::CloseReason::ping_timeout, 0);
         },
         true},
    };
    for (const Case &one : cases) {
        World world;
        Guest guest(world);
        one.end(world, guest.peer);
        world.host[0].end_turn(0);
        is(world.host.roster.kept.size(), one.kept ? 1u : 0u, one.name);
    }
    World world;
    waiting().clear();
    Peer early(world.host[0], world.host.session);
    early.say({"40/slow,"});
    early.hang_up();
    is(world.host.roster.kept.size(), 0u, "one whose CONNECT was not answered does not know its pid");
}

void put_out_while_away() {
    for (const bool connection : {false, true}) {
        World world;
        Guest guest(world);
        guest.peer.hang_up();
        world.tell("before", {});
        world.order(hub::Op::disconnect, {}, "", connection);
        world.tell("behind", {});
        Peer back(world.host[1], world.host.session);
        back.say({again(guest.peer.pid, guest.peer.offset)});
        world.host.deliver();
        is(back.heard(),
           "42[\"before\",\"@\"] 40{\"sid\":\"SID\",\"pid\":\"PID\"} 42[\"hello\",1,\"@\"] 41" +
               std::string(connection ? " shut0" : ""),
           connection ? "put out with its connection" : "put out");
        is(world.host.roster.kept.size(), 0u, "and not kept");
    }
}

void users() {
    World world;
    world.rules.user("$realtime_auth_user");
    Peer ann(world.host[0], world.host.session);
    ann.say({"40{\"user\":\"ann\"}"});
    ann.heard();
    ann.hang_up();
    const auto said = [&](const std::string &user) {
        return "40{\"pid\":\"" + ann.pid + "\",\"offset\":\"" + ann.offset + "\",\"user\":\"" + user + "\"}";
    };
    Peer bob(world.host[1], world.host.session);
    bob.say({said("bob")});
    is(bob.heard(), kAnew, "another user gets a new socket");
    is(world.sum(Metric::not_recovered_foreign), 1, "that is counted");
    Peer back(world.host[1], world.host.session);
    world.tell("to ann", {"user:ann"});
    back.say({said("ann")});
    is(back.heard(), "42[\"to ann\",\"@\"] " + kBack, "and takes nothing from the right one");
}

} // namespace

int main() {
    refused();
    ends();
    put_out_while_away();
    users();
    return done();
}
