// SPDX-License-Identifier: BSD-2-Clause
// Questions about sockets while sessions cross hosts: at every moment of Redis' order one host says
// that a socket is its own.
#include "cluster/roll_calls.hpp"

#include "peer_env.hpp"
#include "roster_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::test;
using cluster::PeerMessage;
using cluster::RollCalls;
using cluster::Says;

namespace {

constexpr std::uint32_t kMany = 1000; // more than a step's

struct World final : cluster::Passages, cluster::RollCallEvents {
    World() { calls.attach(*this); }

    [[nodiscard]] std::uint64_t barriers() const noexcept override { return heard; }
    [[nodiscard]] bool are_coming(std::uint64_t barrier, Millis) const noexcept override {
        return coming != 0 && coming <= barrier;
    }

    void on_unanswered(Text why, Millis) override { unanswered += std::string(why) + ";"; }

    shm::ConnectionRef add(std::uint32_t number) {
        const auto connection = add_client(zone.roster, sid_of(number));
        const auto socket = zone.roster.add_socket(
            *connection, {.id = id_of(number), .nsp = "/", .user = {}, .pid = {}, .auth = "{}"});
        static_cast<void>(zone.roster.join(*socket, "room-" + std::to_string(number)));
        static_cast<void>(zone.roster.set_connected(*socket));
        return *connection;
    }
    bool ask(Text to = {}, Says says = Says::fetch) {
        PeerMessage asked;
        asked.says = says;
        asked.nsp = "/";
        asked.uid = "node";
        asked.request_id = "r";
        if (!to.empty()) {
            asked.envelope.to.push_back(to);
        }
        return calls.hear(asked, 0);
    }
    void work() {
        while (calls.work(0)) {
        }
    }
    // How many times this socket is in each answer since the last time.
    std::string take(std::uint32_t number) {
        std::string counts;
        for (const std::string &said : std::exchange(line.sent, {})) {
            int count = 0;
            const std::string id = "{\"id\":\"" + id_of(number) + "\"";
            for (std::size_t at = said.find(id); at != std::string::npos; at = said.find(id, at + 1)) {
                ++count;
            }
            counts += std::to_string(count);
        }
        return counts;
    }

    RosterZone zone{4u << 20};
    PlainDialect dialect;
    Line line;
    cluster::PeerVoice voice{dialect, line};
    RollCalls calls{zone.roster, voice, *this, cluster::RollCall::kMostBytes};
    std::string unanswered;
    std::uint64_t heard = 0;
    std::uint64_t coming = 0;
};

void in_turn() {
    World world;
    world.add(1);
    ok(world.ask(), "one question");
    is(world.take(1), "1", "is answered at once");
    for (std::uint32_t i = 2; i < kMany; ++i) {
        world.add(i);
    }
    world.ask();
    world.ask();
    is(world.take(1), "", "of many sockets: a page per turn");
    world.work();
    is(world.take(1), "11", "one after the other");
    world.ask();
    const std::string room = "room-1"; // the others' answers are short
    std::size_t taken = 1;
    while (world.ask(room)) {
        ++taken;
    }
    is(taken, RollCalls::kMost, "no more wait");
    world.calls.detach();
    world.work();
    is(world.take(1).size(), taken, "all can be answered now");
}

void leaving() {
    World world;
    for (std::uint32_t i = 2; i < kMany; ++i) {
        world.add(i);
    }
    const shm::ConnectionRef record = world.add(1);
    const std::string room = "room-1";
    world.ask();
    world.ask(room);
    world.ask("room-2");
    world.calls.leaves(sid_of(1));
    world.ask();
    static_cast<void>(world.zone.roster.remove_connection(record));
    world.ask();
    world.work();
    is(world.take(1), "11000", "who asked before the barrier is told of it, though its records are gone");
    world.add(1);
    world.ask();
    world.work();
    is(world.take(1), "1", "one that is here again is");
    world.ask();
    world.calls.leaves(sid_of(1));
    world.work();
    is(world.take(1), "1", "one whose records are here still is told of once");
    world.ask();
    world.work();
    is(world.take(1), "0", "and not when it has left");
    world.calls.leaves("nobody");
    world.ask();
    world.work();
    is(world.take(2), "1", "a session that has ended leaves nobody out");
}

void coming() {
    World world;
    for (std::uint32_t i = 2; i < kMany; ++i) {
        world.add(i);
    }
    world.ask();
    world.heard = world.coming = 1;
    world.ask();
    world.calls.comes(sid_of(1), 1);
    world.work();
    is(world.take(1), "0", "who asked before the barrier is not told of it");
    world.add(1);
    world.work();
    is(world.take(1), "", "who asked behind it waits");
    world.coming = 0;
    world.work();
    is(world.take(1), "1", "and is");

    world.coming = world.heard = 2;
    world.ask();
    world.coming = world.heard = 3;
    world.calls.comes(sid_of(kMany), 3);
    world.add(kMany);
    world.work();
    is(world.take(kMany), "0", "a waiting question knows which barrier came behind it");
}

void rooms() {
    World world;
    for (std::uint32_t i = 2; i < kMany; ++i) {
        world.add(i);
    }
    const shm::ConnectionRef record = world.add(1);
    PeerMessage asked;
    asked.says = Says::list_rooms;
    asked.nsp = "/";
    cluster::RollCall call(world.zone.roster, asked);
    call.include(*world.zone.roster.sockets_of(record));
    static_cast<void>(world.zone.roster.remove_connection(record));
    while (call.step()) {
    }
    const std::vector<Text> texts = call.answer().texts;
    ok(std::ranges::count(texts, Text("room-1")) == 1 && std::ranges::count(texts, id_of(1)) == 1,
       "its rooms are listed");
}

} // namespace

int main() {
    in_turn();
    leaving();
    coming();
    rooms();
    return done();
}
