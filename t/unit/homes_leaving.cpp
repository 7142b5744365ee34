// SPDX-License-Identifier: BSD-2-Clause
// A worker that leaves: sessions on polling move without anybody asking for them, and calls that
// meet the move find them; sessions on WebSocket go on in the middle of a frame.
#include "roamer.hpp"

using namespace rt;
using namespace rt::test;
using cluster::Call;

namespace {

constexpr Text kUnknown = "400{\"code\":1,\"message\":\"Session ID unknown\"}";

Rules &rules() {
    static Rules made;
    if (made.settings.namespaces.empty()) {
        made.nsp("/", "", "emit gone all data=$realtime_close_reason").on("x", "ack $realtime_args");
    }
    return made;
}

void publish(Worker &worker, const std::string &data) {
    hub::Envelope envelope;
    envelope.nsp = "/";
    envelope.data = data;
    static_cast<void>(worker.bus.publish(envelope));
}

// A client that has joined, its home worker 0, its requests at worker 2.
struct World {
    World() : host(rules(), 3), roamer(host, 0) {
        roamer.post(2, "40");
        host.mail();
        poll();
        roamer.got.clear();
    }

    void poll() {
        roamer.poll(2);
        host.mail();
    }

    bool send_away(std::uint32_t to, Millis now = 0) {
        return host[0].homes.send_away(*roamer.connection(), {to, 1}, now);
    }

    // What worker 2 is told of a request of its own, besides the roamer's.
    std::string ask(Call call, std::uint32_t seat, Text body = {}) {
        std::string told;
        const auto own = std::exchange(host[2].answered, [&](Handle, const engine::Answer &answer) {
            told += std::to_string(answer.status) + std::string(answer.body);
        });
        static_cast<void>(host[2].homes.ask({{seat, 1}, roamer.sid}, {call, {900, 1}, body}, 0));
        host.mail();
        host[2].answered = own;
        return told;
    }

    void close_mailbox(std::uint32_t seat) {
        shm::Locked held(host.memory().lock, host.memory().zone().region);
        host.memory().zone().boxes.close(held, {seat, 1});
    }

    Host host;
    Roamer roamer;
};

void moves_away() {
    World world;
    world.roamer.poll(2);
    world.host.mail();
    ok(world.roamer.polls(), "a GET is held");
    publish(world.host[2], "[\"n\",1]");
    ok(world.send_away(1), "its session leaves");
    is(world.roamer.home(), 1u, "from here on the other worker is its home");
    world.host[2].mail(0);
    ok(!world.roamer.polls(), "the GET is answered");
    world.host.mail();
    world.host.deliver();
    ok(world.host[0].hub.size() == 0 && world.host[1].hub.find(world.roamer.sid) != nullptr,
       "it lives there");
    world.poll();
    is(world.roamer.got.back(), "42[\"n\",1]", "what was published meanwhile comes once");
    is(world.roamer.got.size(), 1u, "and nothing else");
    world.roamer.post(2, "421[\"x\",5]");
    world.host.mail();
    world.poll();
    is(world.roamer.got.back(), "431[5]", "it goes on");
    is(world.roamer.broken, "", "nothing broke");
}

// The caller looked at the roster before the session moved.
void forwarded() {
    World world;
    static_cast<void>(world.send_away(1));
    world.host.mail();
    is(world.ask(Call::post, 0, "421[\"x\",6]"), "200ok", "a call to its old home is passed on");
    world.poll();
    is(world.roamer.got.back(), "431[6]", "and is served");

    World twice;
    static_cast<void>(twice.send_away(1));
    twice.host.mail();
    static_cast<void>(twice.host[1].homes.send_away(*twice.roamer.connection(), {0, 1}, 0));
    twice.host.mail();
    is(twice.ask(Call::post, 1, "421[\"x\",6]"), "200ok", "there and back");

    World gone;
    static_cast<void>(gone.send_away(1));
    gone.host.mail();
    gone.close_mailbox(0);
    is(gone.ask(Call::post, 0, "421[\"x\",7]"), "200ok", "its old home has left: the roster is asked again");
}

// The roster names the new home, and the image has not come.
void parked() {
    World world;
    world.host.roster.connections.begin()->second.home = 1;
    world.roamer.post(2, "421[\"x\",8]");
    world.host[1].mail(0);
    ok(world.roamer.posts() && world.host[1].homes.has_parked(), "a call waits for its session");
    world.host.roster.connections.begin()->second.home = 0;
    static_cast<void>(world.send_away(1));
    world.host.mail();
    ok(!world.roamer.posts() && !world.host[1].homes.has_parked(), "and is served when that comes");
    world.poll();
    is(world.roamer.got.back(), "431[8]", "as if nothing had been");
    is(world.roamer.broken, "", "nothing broke");

    World late;
    late.host.roster.connections.begin()->second.home = 1;
    std::string told;
    late.host[2].answered = [&](Handle, const engine::Answer &answer) {
        told += std::to_string(answer.status) + std::string(answer.body);
    };
    static_cast<void>(late.host[2].homes.ask({{1, 1}, late.roamer.sid}, {Call::poll, {900, 1}, {}}, 0));
    late.host.mail();
    late.host[1].deadlines.expire(cluster::Parking::kPatience - 1);
    late.host.mail();
    is(told, "", "it waits");
    late.host[1].deadlines.expire(cluster::Parking::kPatience);
    late.host.mail();
    is(told, kUnknown, "not for ever");
    ok(late.host.roster.connections.empty() && !late.host[1].homes.has_parked(), "and the record goes");

    World full;
    full.host.roster.connections.begin()->second.home = 1;
    const std::string large(cluster::Parking::kMostBytes, 'x');
    const std::string head = [&] {
        std::string made;
        Writer out(made);
        out.put_text(full.roamer.sid);
        out.put(engine::ExchangeId{2, 1, {900, 1}});
        return made + large;
    }();
    full.host[1].homes.on_mail({2, 1}, static_cast<std::uint16_t>(Call::post), as_bytes(head), 0);
    is(full.ask(Call::post, 1, "x"), kUnknown, "nor without bound");
}

// Nobody takes mail there: the session stays, with all it has.
void stays() {
    World world;
    world.close_mailbox(1);
    publish(world.host[2], "[\"n\",2]");
    ok(!world.send_away(1), "its new home has gone");
    is(world.roamer.home(), 0u, "it stays at home");
    world.host.deliver();
    world.poll();
    is(world.roamer.got.back(), "42[\"n\",2]", "and goes on");
    is(world.host[0].hub.size(), 1u, "once");
    ok(world.host[0].counts[hub::Metric::sockets] == 1 && world.host[0].counts[hub::Metric::polling] == 1,
       "and is counted once");
}

// The worker that holds a request leaves, or the home that was asked has.
void let_go() {
    World world;
    world.roamer.poll(2);
    world.host.mail();
    is(world.ask(Call::let_go, 0), "2006", "a GET that is not held here is answered all the same");
    std::string told;
    world.host[2].answered = [&](Handle exchange, const engine::Answer &answer) {
        told += std::to_string(exchange.index) + ":" + std::string(answer.body);
    };
    const auto ask = [&](Call call, Handle exchange) {
        static_cast<void>(world.host[2].homes.ask({{0, 1}, world.roamer.sid}, {call, exchange, {}}, 0));
        world.host.mail();
    };
    ask(Call::let_go, {3, 1});
    is(told, "3:6", "one that is held, too");
    publish(world.host[0], "[\"n\",3]");
    world.host.deliver();
    ok(world.roamer.connection()->session().queued() > 0, "and no more: what comes waits for the next");

    told.clear();
    ask(Call::post_begin, {901, 1});
    ask(Call::confirm, {901, 1});
    is(told, "", "a POST that is under way here is not refused");
    is(world.ask(Call::confirm, 0), "400", "one that is not, is");
}

// What a WebSocket has been sent is a part of a frame when it moves.
void in_the_middle() {
    Host host(rules(), 2);
    Notes notes;
    NotedPort before(notes);
    NotedPort after(notes);
    hub::Birth birth;
    birth.settings = &host.session;
    birth.transport = engine::TransportKind::websocket;
    hub::Connection *connection = *host[0].hub.open(birth);
    connection->session().start_websocket(before, 0);
    connection->start(0);
    connection->session().on_ws_text("40", 0);
    host[0].end_turn(0);
    notes.take();
    before.room = 7;
    publish(host[0], "[\"first\"]");
    publish(host[0], "[\"second\"]");
    host.deliver();
    publish(host[1], "[\"third\"]");
    host[1].deliver(0);
    is(notes.take(), "", "half a frame is written");
    const std::string cut = before.stream();

    std::string image;
    Writer out(image);
    host[0].directory.hand_over(connection->record(), 99, 1);
    host[0].homes.pack(*connection, out, 0);
    host[0].end_turn(0);
    ok(host[0].hub.size() == 0 && host[0].counts[hub::Metric::websocket] == 0, "it has left");
    after.put_back(cut);
    Reader in(image);
    hub::Connection *there = host[1].homes.settle(in, &after, 0);
    host[1].end_turn(0);
    is(notes.take(), "0 ws 42[\"first\"]; 0 ws 42[\"second\"]; 0 ws 42[\"third\"]",
       "the other half, what was queued, what was published meanwhile");
    ok(there != nullptr && there->transport() == engine::TransportKind::websocket &&
           host[1].counts[hub::Metric::websocket] == 1 && host[1].counts[hub::Metric::upgrades] == 0,
       "it is a WebSocket, and no upgrade");
    is(host.roster.home_of(there->sid()).value_or(99), 1u, "the roster knows");
    there->session().on_ws_text("427[\"x\",1]", 0);
    host[1].end_turn(0);
    is(notes.take(), "0 ws 437[1]", "and it goes on");
}

} // namespace

int main() {
    moves_away();
    forwarded();
    parked();
    stays();
    let_go();
    in_the_middle();
    return rt::test::done();
}
