// SPDX-License-Identifier: BSD-2-Clause
// A connection as a value: all that makes it up travels, what it left behind is nothing, and an
// image that does not fit is refused without harm.
#include "roamer.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

// Rules that say what a socket knows of itself.
struct World {
    World() : host((write(rules), rules), 2), peer(host, 0) {
        peer.post(0, "40/room-5,\x1e"
                     "40{\"u\":\"ann\",\"x\":[1]}\x1e"
                     "40/gone,");
        peer.post(0, "42[\"join\",\"r\"]\x1e"
                     "42[\"join\",\"q\"]\x1e"
                     "41/gone,");
        hear();
    }

    static void write(Rules &rules) {
        rules.nsp("/", "", "emit bye all data=$realtime_close_reason").on("join", "join $realtime_arg_0");
        rules.on("who", "emit me data=$realtime_sid;emit me data=$realtime_user;emit me data=$realtime_auth;"
                        "emit me data=$realtime_worker");
        rules.settings.namespaces.back()->keeps_auth = true;
        rules.nsp("/gone").nsp("/room-*", "", "emit bye-room all").on("who", "emit me data=$rest");
        rules.user("$realtime_auth_u");
    }

    // What came since the last time.
    std::string hear() {
        if (!peer.polls()) {
            peer.poll(peer.home());
        }
        host.mail();
        std::string out;
        for (const std::string &packet : std::exchange(peer.got, {})) {
            out += packet + " ";
        }
        return out;
    }

    std::string freeze(std::size_t from) {
        if (peer.polls()) { // a session that moves has none
            host[from].hub.find(peer.sid)->session().quiet(0);
        }
        std::string image;
        Writer out(image);
        host[from].hub.freeze(*host[from].hub.find(peer.sid), out, 0);
        return image;
    }

    bool thaw(std::size_t to, Text image) {
        Reader in(image);
        return static_cast<bool>(host[to].hub.thaw(in, 0));
    }

    Rules rules;
    Host host;
    Roamer peer;
};

void emit(Worker &worker, Text room) {
    hub::Envelope envelope;
    envelope.nsp = "/";
    envelope.to = {room};
    envelope.data = "[\"e\"]";
    static_cast<void>(worker.bus.publish(envelope));
}

void everything_travels() {
    World world;
    world.peer.post(0, "42[\"who\"]\x1e"
                       "42/room-5,[\"who\"]");
    const std::string before = world.hear();
    ok(before.find("[\"me\",\"ann\"]") != std::string::npos && before.find("\"x\":[1]") != std::string::npos,
       "what the rules tell of a socket");
    const std::string image = world.freeze(0);
    ok(world.host[0].hub.find(world.peer.sid) == nullptr, "frozen: not found any more");
    ok(world.thaw(1, image), "thawed elsewhere");
    world.host[0].end_turn(0);
    is(world.host[0].hub.size(), 0u, "nothing is left at its former home");
    world.peer.post(1, "42[\"who\"]\x1e"
                       "42/room-5,[\"who\"]");
    std::string after = world.hear();
    after.replace(after.find("[\"me\",1]"), 8, "[\"me\",0]"); // $realtime_worker
    is(after, before, "the same id, user, auth, captures");
    for (const char *room : {"r", "q", "user:ann"}) {
        emit(world.host[0], room);
        world.host.deliver();
        is(world.hear(), "42[\"e\"] ", std::string("still in ") + room);
    }
    world.peer.post(1, "42/gone,[\"late\"]\x1e"
                       "42[\"who\"]");
    ok(world.hear().find("[\"me\"") == 2, "what races a namespace that it left is still dropped");
    is(world.peer.broken, "", "nothing broke");
    world.host[1].hub.close_all(engine::CloseReason::transport_close, 0);
    world.host.deliver();
    ok(world.host.roster.connections.empty() && world.host.roster.sockets.empty(), "its records go with it");
    for (std::size_t i = 0; i < 2; ++i) {
        ok(world.host[i].counts[Metric::sockets] == 0 && world.host[i].counts[Metric::polling] == 0,
           "counted");
    }
}

void there_and_back() {
    World world;
    std::string image = world.freeze(0);
    ok(world.thaw(0, image), "back at once, before the old one is destroyed");
    image = world.freeze(0);
    ok(world.thaw(0, image), "and again");
    world.host[0].end_turn(0);
    is(world.host[0].hub.size(), 1u, "one is left");
    world.peer.post(0, "42/room-5,[\"who\"]");
    is(world.hear(), "42/room-5,[\"me\",5] ", "and goes on");
    is(world.host[0].counts[Metric::sockets], 2, "with its sockets");
}

void pending_messages() {
    World world;
    world.hear();
    emit(world.host[0], "r");
    world.host[0].hub.find(world.peer.sid)->session().quiet(0);
    world.host[0].deliver(0);
    const std::string image = world.freeze(0);
    ok(world.thaw(1, image), "frozen with something to say");
    is(world.hear(), "42[\"e\"] ", "it is said elsewhere");
}

void refused_images() {
    World world;
    const std::string image = world.freeze(0);
    int thawed = 0;
    for (std::size_t size = 0; size < image.size(); ++size) {
        thawed += world.thaw(1, Text(image).substr(0, size)) ? 1 : 0;
        world.host[1].end_turn(0);
    }
    is(thawed, 0, "no part of an image");
    is(world.host[1].hub.size(), 0u, "and nothing is left of them");
    ok(world.thaw(1, image) && !world.thaw(1, image), "not twice at one worker");
    world.host[1].end_turn(0);
    is(world.host[1].hub.size(), 1u, "the first stays");
    Rules none;
    Host empty(none, 2);
    Roamer stranger(empty, 0); // without a socket
    std::string bare;
    Writer out(bare);
    empty[0].hub.freeze(*empty[0].hub.find(stranger.sid), out, 0);
    Reader first(bare);
    Reader second(bare);
    ok(empty[1].hub.thaw(first, 0) && !empty[1].hub.thaw(second, 0), "a session is in one place");
}

void flipped_bits() {
    World world;
    const std::string image = world.freeze(0);
    for (std::size_t at = 0; at < image.size(); ++at) {
        for (const int bit : {0, 6}) {
            std::string bad = image;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            if (world.thaw(1, bad)) {
                world.host[1].hub.close_all(engine::CloseReason::transport_close, 0);
            }
            world.host[1].end_turn(0);
        }
    }
    ok(world.host[1].hub.size() == 0 && world.host[1].counts[Metric::sockets] == 0,
       "flipped bits do no harm");
}

// The new worker has no namespace of that name: the client must come again, and the others of its
// sockets end as they would have.
void another_configuration() {
    World world;
    const std::string image = world.freeze(0);
    Rules fewer;
    fewer.nsp("/", "", "emit bye all data=$realtime_close_reason");
    Host other(fewer, 2);
    other.roster.serial = 1000; // no record of the other host is one of this one's
    Peer watch(other[1], other.session);
    watch.say({"40"});
    watch.heard();
    for (const auto &[key, connection] : world.host.roster.connections) {
        other.roster.connections[key] = connection;
    }
    Reader in(image);
    is(other[1].hub.thaw(in, 0).error().where, Text("session image: a namespace is no longer configured"),
       "a namespace that is not configured any more");
    other.deliver();
    is(watch.heard(), "42[\"bye\",\"transport error\"]", "disconnect { } of the others runs");
    ok(other[1].hub.size() == 1 && other.roster.connections.size() == 1,
       "nothing is left but the one that watches");
}

} // namespace

int main() {
    everything_travels();
    there_and_back();
    pending_messages();
    refused_images();
    flipped_bits();
    another_configuration();
    return rt::test::done();
}
