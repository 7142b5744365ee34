// SPDX-License-Identifier: BSD-2-Clause
// Requests of sessions that live elsewhere: asked, answered, refused; a probe; a session that moves
// at once, when its chains have ended, or not at all, and what is left of it then.
#include "roamer.hpp"

using namespace rt;
using namespace rt::test;
using cluster::Call;

namespace {

std::string last(const Roamer &roamer) { return roamer.got.empty() ? "" : roamer.got.back(); }

Rules &rules() {
    static Rules made;
    if (made.settings.namespaces.empty()) {
        made.nsp("/", "", "emit gone all data=$realtime_close_reason")
            .on("x", "ack $realtime_args")
            .on("slow", "wait;ack 2");
        made.on("room", "join $realtime_arg_0").on("who", "ack $realtime_sid");
    }
    return made;
}

// A client that has joined, its requests at worker 1, its home worker 0.
struct World {
    explicit World(std::uint32_t workers = 2, std::size_t memory = 1u << 20)
        : host(rules(), workers, memory), roamer(host, 0), watch(host[workers - 1], host.session) {
        watch.say({"40"});
        watch.heard();
        roamer.post(1, "40");
        host.mail();
        poll();
    }

    void poll() {
        roamer.poll(1);
        host.mail();
    }

    // `2probe` and `5` at worker 1.
    void upgrade() {
        roamer.probe(1);
        host.mail();
        roamer.take();
        host.mail();
    }

    Notes roamer_notes; // of its WebSocket, if it has one
    Host host;
    Roamer roamer;
    Peer watch;
};

void requests() {
    World world;
    ok(last(world.roamer).starts_with("40{\"sid\":"), "POST and GET at another worker");
    world.roamer.post(1, "421[\"x\",\"" + std::string(100000, 'y') + "\"]");
    ok(world.roamer.posts(), "a POST is not answered before its home took it");
    world.host.mail();
    world.poll();
    is(last(world.roamer).size(), 100000u + 7, "a large POST, and a large answer");
    world.roamer.poll(1);
    world.host.mail();
    ok(world.roamer.polls(), "a GET is held");
    world.roamer.post(0, "422[\"x\",1]");
    world.host.mail();
    is(last(world.roamer), "432[1]", "until there is something");
    is(world.roamer.broken, "", "and nothing else");
}

void strangers() {
    World world;
    std::string told;
    world.host[1].answered = [&](Handle, const engine::Answer &answer) {
        told += std::to_string(answer.status) + std::string(answer.body);
    };
    int refused = 0;
    world.host[1].probed = [&](Handle, bool accepted) { refused += accepted ? 0 : 1; };
    world.host[1].arrived = [&](Handle, hub::Connection *connection) {
        refused += connection == nullptr ? 1 : 0;
    };
    const auto ask = [&](Call call, std::uint32_t seat, std::uint32_t generation) {
        return world.host[1].homes.ask({{seat, generation}, "nobody knows this sid at all"},
                                       {call, {9, 1}, "4x"}, 0);
    };
    for (const Call call : {Call::poll, Call::post_begin, Call::post}) {
        ok(static_cast<bool>(ask(call, 0, 1)), "asked");
        world.host.mail();
        is(std::exchange(told, {}), "400{\"code\":1,\"message\":\"Session ID unknown\"}",
           "an unknown session");
    }
    for (const Call call : {Call::post_drop, Call::abort, Call::probe_seen, Call::probe_end}) {
        static_cast<void>(ask(call, 0, 1));
    }
    world.host.mail();
    is(told, "", "what wants no answer gets none");
    static_cast<void>(ask(Call::probe, 0, 1));
    static_cast<void>(ask(Call::take, 0, 1));
    world.host.mail();
    is(refused, 2, "nothing to probe, nothing to take");
    ok(ask(Call::poll, 1, 1).code() == Code::gone, "an unknown session at home");
    ok(ask(Call::poll, 0, 7).code() == Code::gone, "a worker that has gone");
    ok(ask(Call::poll, 77, 1).code() == Code::gone, "a seat that does not exist");
}

// Bytes that no Homes wrote, and parts of those that one did.
void bad_mail() {
    World world;
    std::string whole;
    Writer out(whole);
    out.put_text(world.roamer.sid);
    out.put(engine::ExchangeId{1, 1, {1, 1}});
    for (std::uint16_t kind = 0; kind < 110; ++kind) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            world.host[1].homes.on_mail({0, 1}, kind, as_bytes(Text(whole).substr(0, size)), 0);
        }
    }
    ok(true, "mail that is cut short does no harm");
    world.host[0].homes.on_mail({1, 1}, 99, as_bytes(whole), 0);
    world.roamer.post(1, "423[\"x\",3]");
    world.host.mail();
    world.poll();
    is(last(world.roamer), "433[3]", "nor an unknown call");
}

void probes() {
    World world(3);
    bool accepted = false;
    world.roamer.probe(1);
    world.host.mail();
    world.host[2].probed = [&](Handle, bool may) { accepted = may; };
    static_cast<void>(world.host[2].homes.ask({{0, 1}, world.roamer.sid}, {Call::probe, {1, 1}, {}}, 0));
    world.host.mail();
    ok(!accepted, "one probe at a time");
    static_cast<void>(world.host[1].homes.ask({{0, 1}, world.roamer.sid}, {Call::probe_end, {1, 1}, {}}, 0));
    static_cast<void>(world.host[2].homes.ask({{0, 1}, world.roamer.sid}, {Call::probe, {1, 1}, {}}, 0));
    world.host.mail();
    ok(accepted, "the next when that has ended");
}

void moves() {
    World world;
    world.roamer.post(1, "42[\"room\",\"r\"]\x1e"
                         "421[\"who\"]");
    world.host.mail();
    world.poll();
    const std::string me = last(world.roamer);
    world.roamer.probe(1);
    world.host.mail();
    world.roamer.take();
    world.host[0].mail(0);
    is(world.roamer.home(), 1u, "from here on the other worker's death would be its own");
    world.host.mail();
    ok(world.roamer.home() == 1 && world.host[1].hub.find(world.roamer.sid) != nullptr, "it lives there now");
    ok(world.host[0].hub.find(world.roamer.sid) == nullptr && world.host[0].hub.size() == 0,
       "and here no more");
    ok(world.host[0].counts[hub::Metric::moves_out] == 1 &&
           world.host[1].counts[hub::Metric::moves_in] == 1 &&
           world.host[0].counts[hub::Metric::sockets] == 0 &&
           world.host[0].counts[hub::Metric::polling] == 0 &&
           world.host[1].counts[hub::Metric::sockets] == 2 && world.host[1].counts[hub::Metric::polling] == 1,
       "counted");
    world.roamer.post(0, "421[\"who\"]");
    world.host.mail();
    world.poll();
    is(last(world.roamer), me, "it is the same socket");
    is(world.host.roster.connections.size(), 2u, "its record stays");
    world.roamer.probe(1);
    world.roamer.take();
    is(world.roamer.moves, 1, "a WebSocket at home takes it at once");
    is(world.roamer.broken, "", "nothing broke");
    world.host.deliver();
    is(world.watch.heard(), "", "and disconnect { } did not run");
}

// A prober that was stopped for long says `5` when another WebSocket has the session already.
void taken_twice() {
    for (const std::size_t late : {0, 1}) {
        World world(3);
        NotedPort port(world.roamer_notes);
        hub::Connection &connection = *world.roamer.connection();
        connection.session().upgrade(port, 0);
        world.host[0].hub.upgraded(connection);
        int nothing = 0;
        world.host[late].arrived = [&](Handle, hub::Connection *arrived) {
            nothing += arrived == nullptr ? 1 : 0;
        };
        static_cast<void>(
            world.host[late].homes.ask({{0, 1}, world.roamer.sid}, {Call::take, {9, 1}, {}}, 0));
        world.host.mail();
        ok(nothing == 1 && world.roamer.connection() == &connection && connection.session().open(),
           "a session is not taken from a WebSocket, at home or elsewhere");
    }
}

// A chain is suspended: its ack must find the client.
void move_waits_for_chains() {
    World world;
    waiting().clear();
    world.roamer.post(1, "421[\"slow\"]");
    world.host.mail();
    world.upgrade();
    ok(world.roamer.home() == 0 && world.roamer.probes(), "not while a chain waits");
    world.host.mail();
    world.host[0].hub.resume(waiting()[0], nullptr, 0);
    world.host.mail();
    ok(world.roamer.home() == 1 && !world.roamer.probes(), "but when it has ended");
    world.poll();
    is(last(world.roamer), "431[2]", "what it said came along");

    waiting().clear();
    world.roamer.post(0, "422[\"slow\"]");
    world.host.mail();
    world.roamer.probe(0);
    world.host.mail();
    world.roamer.take();
    world.host.mail();
    world.roamer.connection()->session().close(engine::CloseReason::transport_close, 0);
    world.host.mail();
    is(world.roamer.broken, "not arrived; ", "it ended meanwhile: nothing to take");

    World lingers;
    lingers.roamer.probe(1);
    lingers.host.mail();
    lingers.roamer.connection()->session().close(engine::CloseReason::forced_server_close, 0);
    lingers.roamer.take();
    lingers.host.mail();
    is(lingers.roamer.broken, "not arrived; ", "nor of one whose last GET is awaited");
}

// The worker that wants it has gone when it is to be sent.
void nobody_takes_it() {
    World world;
    world.roamer.probe(1);
    world.host.mail();
    world.roamer.take();
    {
        shm::Locked held(world.host.memory().lock, world.host.memory().zone().region);
        world.host.memory().zone().boxes.close(held, {1, 1});
    }
    world.host.mail();
    world.host.deliver();
    ok(world.host[0].hub.size() == 0 && world.host.roster.connections.size() == 1,
       "it is gone, its record too");
    is(world.watch.heard(), "42[\"gone\",\"transport close\"]", "disconnect { } ran");
    is(world.host[0].counts[hub::Metric::polling], 0, "nothing is counted that is not there");
}

// Fills the log more than once; `reads`: the other worker keeps up with it.
void overrun(World &world, bool reads) {
    hub::Envelope envelope;
    envelope.nsp = "/";
    const std::string data = "[\"" + std::string(5000, 'x') + "\"]";
    envelope.data = data;
    for (int i = 0; i < 100; ++i) {
        static_cast<void>(world.host[0].bus.publish(envelope));
        if (reads) {
            world.host[1].deliver(0);
        }
    }
}

// What the image missed can no longer be read, or its new worker is overrun itself.
void too_late() {
    for (const bool reads : {true, false}) {
        World world(2, 256 * 1024);
        world.roamer.probe(1);
        world.host.mail();
        world.roamer.take();
        world.host[0].mail(0);
        overrun(world, reads);
        world.host[1].mail(0);
        is(world.roamer.broken, reads ? "not arrived; " : "", "what was overrun meanwhile is not had");
        world.host[1].deliver(0);
        ok(world.host[1].hub.find(world.roamer.sid) == nullptr, "the session ends");
        is(world.host.roster.connections.size(), reads ? 1u : 0u,
           "as do all clients of a worker that was overrun");
    }
}

// An answer that finds nobody says so; its session ends, for what it said is lost.
void lost_answers() {
    World world;
    world.poll();
    {
        shm::Locked held(world.host.memory().lock, world.host.memory().zone().region);
        world.host.memory().zone().boxes.close(held, {1, 1});
    }
    hub::Envelope envelope;
    envelope.nsp = "/";
    envelope.data = "[\"e\"]";
    static_cast<void>(world.host[0].bus.publish(envelope));
    world.host[0].deliver(0);
    is(world.host[0].hub.size(), 0u, "a GET of a worker that died ends its session with the first answer");
}

} // namespace

int main() {
    requests();
    strangers();
    bad_mail();
    probes();
    moves();
    taken_twice();
    move_waits_for_chains();
    nobody_takes_it();
    too_late();
    lost_answers();
    return rt::test::done();
}
