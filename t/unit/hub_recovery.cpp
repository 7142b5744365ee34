// SPDX-License-Identifier: BSD-2-Clause
// Clients that come back to their sockets: what they get and in which order, where their rooms
// have changed; those that are still there, and many at once.
#include "recovery_env.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

void on_the_wire() {
    World world;
    Peer peer(world.host[0], world.host.session);
    peer.say({"40"});
    is(peer.heard(), kAnew, "the answer has a pid, an event its offset, and the answer is first");
    ok(peer.pid.size() == 32 && peer.pid.find(peer.sid.substr(4)) == std::string::npos,
       "the pid is a secret");
    peer.say({"42[\"me\",\"x\"]"});
    world.host.deliver();
    is(peer.heard(), "42[\"mine\",\"x\",\"@\"]", "what goes to the sender has one too");
    const std::string before = peer.offset;
    peer.say({"427[\"me\",1]"});
    is(peer.heard(), "42[\"mine\",1,\"@\"] 437[1]", "an ack comes behind and has none");
    ok(peer.offset != before, "another event, another offset");
    peer.say({"42[\"shaky\",1]"});
    world.host.deliver();
    is(peer.heard(), "42[\"shaky\",1]", "nor has a volatile event");
    peer.say({"42[\"shaky\",\"text\"]"});
    world.host.deliver();
    is(peer.heard(), "42[\"shaky\",\"text\",\"@\"]", "but one whose last word would pass for one");

    World off(0);
    Peer plain(off.host[0], off.host.session);
    plain.say({"40{\"pid\":\"x\"}"});
    is(plain.heard(), "40{\"sid\":\"SID\"} 42[\"hello\",0]", "without recovery there is nothing of it");
    plain.hang_up();
    is(off.host.roster.kept.size(), 0u, "and nothing is kept");
}

void missed() {
    World world;
    Guest guest(world, {"red", "blue"});
    Peer watch(world.host[2], world.host.session);
    watch.say({"40", "421[\"join\",\"bys\"]"});
    watch.heard();
    const std::string sid = guest.peer.sid;
    world.tell("sent and lost", {"red"});
    guest.peer.hang_up();
    world.tell("1", {"red"});
    world.tell("2", {"green"});
    world.tell("3", {"blue", "red"});
    world.tell("4", {"red"}, {"blue"});
    world.tell("5", {sid});
    world.tell("6", {});
    world.host.deliver();
    is(watch.heard(), "42[\"bye\",\"transport close\",\"@\"] 42[\"6\",\"@\"]", "the others hear of its end");
    Peer back(world.host[1], world.host.session);
    back.say({again(guest.peer.pid, guest.peer.offset)});
    is(back.heard(),
       "42[\"sent and lost\",\"@\"] 42[\"1\",\"@\"] 42[\"3\",\"@\"] 42[\"5\",\"@\"] 42[\"6\",\"@\"] " + kBack,
       "what was missed, once and in order, before the answer");
    ok(back.sid == sid && back.pid == guest.peer.pid, "id and pid are the same");
    world.tell("live", {"blue"});
    world.host.deliver();
    is(back.heard(), "42[\"live\",\"@\"]", "its rooms are there again");
    is(world.sum(Metric::recovered), 1, "it is counted");
    back.hang_up();
    is(comes_back(world, back), kBack, "and again, with nothing missed");
    is(watch.heard() == "", false, "its ends are told");
}

void without_offset() {
    World world;
    Peer peer(world.host[0], world.host.session);
    peer.say({"40/b,"});
    peer.heard();
    peer.hang_up();
    hub::Envelope envelope;
    envelope.nsp = "/b";
    envelope.data = "[\"x\"]";
    envelope.attachments = {as_bytes(Text("bytes"))};
    static_cast<void>(world.host[0].bus.publish(envelope));
    Peer back(world.host[1], world.host.session);
    back.say({again(peer.pid, "", "/b,")});
    is(back.heard(), "451-/b,[\"x\",\"@\"] <bytes> 40/b,{\"sid\":\"SID\",\"pid\":\"PID\"}",
       "all since its CONNECT, with attachments");
    // An offset that is older than the socket is of an earlier one of the client's.
    World older;
    Guest early(older);
    const std::string offset = early.peer.offset;
    older.tell("before", {});
    older.host.deliver();
    Peer late(older.host[0], older.host.session);
    late.say({"40/b,"});
    late.heard();
    late.hang_up();
    Peer again_late(older.host[1], older.host.session);
    again_late.say({again(late.pid, offset, "/b,")});
    is(again_late.heard(), "40/b,{\"sid\":\"SID\",\"pid\":\"PID\"}", "not from before it");
    is(older.sum(Metric::recovered), 1, "and it is recovered");
}

// Rooms change between the last event that the client got and its loss, and while it is away.
void rooms() {
    {
        World world;
        Guest guest(world, {"old"});
        world.tell("to old", {"old"});
        world.tell("not yet", {"new"});
        guest.peer.say({"421[\"join\",\"new\"]"}, 0);
        world.tell("to new", {"new"});
        guest.peer.say({"422[\"leave\",\"old\"]"}, 0);
        world.tell("no longer", {"old"});
        const std::string offset = guest.peer.offset;
        world.host.deliver();
        guest.peer.heard();
        guest.peer.offset = offset; // it was sent these, and got none
        guest.peer.hang_up();
        is(comes_back(world, guest.peer), "42[\"to old\",\"@\"] 42[\"to new\",\"@\"] " + kBack,
           "its own joins and leaves stand where they were");
    }
    {
        World world;
        Guest guest(world, {"red"});
        guest.peer.hang_up();
        world.tell("not yet", {"blue"});
        world.order(hub::Op::join, {"red"}, "blue");
        world.tell("1", {"blue"});
        world.order(hub::Op::leave, {guest.peer.sid}, "red");
        world.tell("no longer", {"red"});
        Peer back(world.host[1], world.host.session);
        back.say({again(guest.peer.pid, guest.peer.offset)});
        is(back.heard(), "42[\"1\",\"@\"] " + kBack, "others' orders while it was away are followed");
        world.tell("red", {"red"});
        world.tell("blue", {"blue"});
        world.host.deliver();
        is(back.heard(), "42[\"blue\",\"@\"]", "and hold");
        back.offset = guest.peer.offset; // nothing of all that arrived
        back.hang_up();
        is(comes_back(world, back, 0), "42[\"1\",\"@\"] 42[\"hello\",1,\"@\"] 42[\"blue\",\"@\"] " + kBack,
           "also when it comes back a second time");
    }
    {
        World world;
        Guest guest(world, {"red"});
        const std::string offset = guest.peer.offset;
        world.order(hub::Op::join, {guest.peer.sid}, "blue");
        world.host.deliver();
        guest.peer.say({"421[\"leave\",\"blue\"]"});
        world.tell("left it", {"blue"});
        guest.peer.offset = offset;
        guest.peer.hang_up();
        is(comes_back(world, guest.peer), kBack, "an order that its home followed is not followed again");
    }
}

// A connect chain that waits, or refuses.
void chains() {
    World world;
    waiting().clear();
    Peer first(world.host[0], world.host.session);
    first.say({"40/slow,"});
    world.host[0].hub.resume(waiting().back(), nullptr, 0);
    world.host[0].end_turn(0);
    world.host.deliver();
    first.heard();
    first.hang_up();
    hub::Envelope envelope;
    envelope.nsp = "/slow";
    envelope.data = "[\"missed\"]";
    static_cast<void>(world.host[1].bus.publish(envelope));
    {
        Peer lost(world.host[1], world.host.session);
        lost.say({again(first.pid, first.offset, "/slow,")});
        is(lost.heard(), "", "nothing is sent before connect { } has ended");
        lost.hang_up();
    }
    is(world.host.roster.kept.size(), 1u, "lost while it waits, it is kept still");
    Peer back(world.host[2], world.host.session);
    back.say({again(first.pid, first.offset, "/slow,")});
    envelope.data = "[\"meanwhile\"]";
    static_cast<void>(world.host[1].bus.publish(envelope));
    world.host.deliver();
    world.host[2].hub.resume(waiting().back(), nullptr, 0);
    world.host[2].end_turn(0);
    world.host.deliver();
    is(back.heard(),
       "42/slow,[\"missed\",\"@\"] 40/slow,{\"sid\":\"SID\",\"pid\":\"PID\"} 42/slow,[\"meanwhile\",\"@\"] "
       "42/slow,[\"ready\",\"@\"]",
       "then what was missed, the answer, what came meanwhile");
}

// Its transport is not known to be dead yet.
void still_there() {
    for (const std::size_t worker : {0u, 1u}) {
        World world;
        const std::string where = worker == 0 ? "at this worker" : "at another";
        Guest guest(world, {"red"});
        Peer watch(world.host[2], world.host.session);
        watch.say({"40", "421[\"join\",\"bys\"]"});
        world.tell("half sent", {"red"});
        Peer back(world.host[worker], world.host.session);
        back.say({again(guest.peer.pid, guest.peer.offset)});
        world.host.mail();
        world.host.deliver();
        is(back.heard(), "42[\"half sent\",\"@\"] " + kBack, where + ": taken over");
        ok(guest.peer.connection() == nullptr, where + ": the old transport has ended");
        is(watch.heard().find("42[\"bye\",\"transport close\",\"@\"]") != std::string::npos, true,
           where + ": with its disconnect { }");
        is(world.host.roster.sockets.size(), 2u, where + ": there is one of it");
    }
    World world;
    Guest guest(world);
    Peer back(world.host[1], world.host.session);
    back.say({again(guest.peer.pid, guest.peer.offset)});
    is(back.heard(), "", "its home is asked");
    is(world.host[1].wanted.size(), 1u, "and suspected");
    world.host[1].deadlines.expire(1999);
    world.host[1].end_turn(1999);
    is(back.heard(), "", "it has time to answer");
    world.host[1].deadlines.expire(2000);
    world.host[1].end_turn(2000);
    is(back.heard(), kAnew, "and then it is a new client");
    is(world.sum(Metric::not_recovered_silent), 1, "that is counted");

    World dead;
    Guest victim(dead);
    Peer heir(dead.host[1], dead.host.session);
    heir.say({again(victim.peer.pid, victim.peer.offset)});
    const std::uint32_t record = dead.host.roster.sockets.begin()->first;
    static_cast<void>(dead.host[1].directory.keep({2, record}, kRecovery)); // as the reaper does
    dead.host[1].hub.on_seat_gone(0, 1, 10);
    dead.host[1].end_turn(10);
    is(heir.heard(), kBack, "its home died meanwhile");
}

void moved() {
    World world;
    Guest guest(world, {"red"});
    std::string image;
    Writer out(image);
    world.host[0].hub.freeze(*guest.peer.connection(), out, 0);
    world.host[0].end_turn(0);
    Reader in(image);
    auto thawed = world.host[1].hub.thaw(in, 0);
    ok(bool(thawed), "a session that has moved");
    (*thawed)->session().close(engine::CloseReason::transport_close, 0);
    world.host[1].end_turn(0);
    world.tell("missed", {"red"});
    is(comes_back(world, guest.peer, 2), "42[\"missed\",\"@\"] " + kBack, "is recovered as any other");
}

void many() {
    World world;
    constexpr int kMany = 300;
    std::vector<std::unique_ptr<Guest>> guests;
    for (int i = 0; i < kMany; ++i) {
        guests.push_back(
            std::make_unique<Guest>(world, std::initializer_list<const char *>{i % 2 ? "odd" : "even"}));
    }
    for (int i = 0; i < kMany; ++i) {
        if (i % 3 == 0) {
            world.tell("early", {"odd"}); // each has its own offset
            world.host.deliver();
        }
        guests[static_cast<std::size_t>(i)]->peer.heard();
        guests[static_cast<std::size_t>(i)]->peer.hang_up();
    }
    world.tell("odd", {"odd"});
    world.tell("even", {"even"});
    world.tell("all", {});
    std::vector<std::unique_ptr<Peer>> back;
    for (const auto &guest : guests) {
        back.push_back(std::make_unique<Peer>(world.host[1], world.host.session));
        back.back()->connection()->session().on_ws_text(again(guest->peer.pid, guest->peer.offset), 0);
    }
    world.host[1].end_turn(0);
    world.host.deliver();
    int wrong = 0;
    for (int i = 0; i < kMany; ++i) {
        std::string wanted;
        for (int later = i + 1; later < kMany; ++later) {
            wanted += i % 2 == 1 && later % 3 == 0 ? "42[\"early\",\"@\"] " : "";
        }
        wanted += i % 2 == 1 ? "42[\"odd\",\"@\"] " : "42[\"even\",\"@\"] ";
        wanted += "42[\"all\",\"@\"] " + kBack;
        wrong += back[static_cast<std::size_t>(i)]->heard() == wanted ? 0 : 1;
    }
    is(wrong, 0, "all of those who come in one turn get what each missed");
}

} // namespace

int main() {
    on_the_wire();
    missed();
    without_offset();
    rooms();
    chains();
    still_there();
    moved();
    many();
    return done();
}
