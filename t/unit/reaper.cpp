// SPDX-License-Identifier: BSD-2-Clause
// What a dead worker left in the roster: a disconnect { } for each socket that was connected,
// once, however many reap; and nobody else's records.
#include "cluster/reaper.hpp"
#include "host_env.hpp"
#include "roster_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr std::uint32_t kSeats = 4;

// Seats in memory of their own; the n-th claim gets seat n.
struct SeatsMemory {
    shm::SeatRef claim(std::int32_t pid) {
        shm::Locked held(lock, *region);
        return seats.claim(held, {pid, 1, 0}, {})->seat;
    }
    void release(shm::SeatRef seat) {
        shm::Locked held(lock, *region);
        seats.release(held, seat);
    }

    NoLock lock;
    Mapping place{4096}; // what a locked section needs
    Result<shm::Region> region = shm::Region::create(place.memory(), kLayout, 3);
    Mapping mapping{shm::Seats::bytes(kSeats)};
    shm::Seats seats = *shm::Seats::create(mapping.memory(), kSeats);
};

struct World {
    World() : host((rules.nsp("/", "", kRule).nsp("/b", "", kRule), rules), 2), zone(1u << 20) {
        for (std::int32_t pid = 1; pid <= 3; ++pid) {
            seat.push_back(memory.claim(pid));
        }
    }

    // Two sockets, of which the first has its CONNECT answered.
    void client(std::uint32_t number, shm::SeatRef home) {
        const auto ref = add_client(zone.roster, sid_of(number), home);
        const std::string user = "u" + std::to_string(number);
        const auto socket =
            zone.roster.add_socket(*ref, {id_of(2 * number), "/", user, pid_of(2 * number), {}});
        static_cast<void>(zone.roster.set_connected(*socket));
        static_cast<void>(
            zone.roster.add_socket(*ref, {id_of(2 * number + 1), "/b", user, pid_of(2 * number + 1), {}}));
    }

    static constexpr const char *kRule = "emit gone all data=$realtime_user";
    Rules rules;
    Host host;
    RosterZone zone;
    SeatsMemory memory;
    std::vector<shm::SeatRef> seat;
};

std::size_t count(const std::string &text, const std::string &what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

void reaps() {
    constexpr std::uint32_t kClients = 500;
    World world;
    for (std::uint32_t i = 0; i < kClients; ++i) {
        world.client(i, world.seat[0]);
    }
    world.client(kClients, world.seat[1]);
    world.client(kClients + 1, shm::kInTransit);
    Peer watch(world.host[0], world.host.session);
    watch.say({"40", "40/b,"});
    watch.heard();
    cluster::RosterDirectory directory(world.zone.roster, world.seat[1]);
    cluster::RosterDirectory other_directory(world.zone.roster, world.seat[2]);
    cluster::Reaper reaper(world.memory.seats, directory, world.host[0].hub);
    cluster::Reaper other(world.memory.seats, other_directory, world.host[1].hub);
    reaper.begin();
    while (reaper.step(0)) {
    }
    is(world.zone.roster.counts().connections, kClients + 2, "who lives is not reaped");
    world.memory.release(world.seat[0]);
    reaper.begin();
    other.begin();
    for (bool more = true; more;) {
        more = reaper.step(0);
        more = other.step(0) || more;
    }
    world.host.deliver();
    const std::string heard = watch.heard();
    is(count(heard, "[\"gone\""), std::size_t{kClients}, "as many are mourned as were connected");
    std::size_t once = 0;
    for (std::uint32_t i = 0; i < kClients; ++i) {
        once += count(heard, "42[\"gone\",\"u" + std::to_string(i) + "\"]");
    }
    is(once, std::size_t{kClients}, "each by its name, in its own namespace");
    is(world.zone.roster.counts().connections, 2u, "the others' and what is on its way stay");
    is(world.zone.roster.counts().sockets, 4u, "with their sockets");
    is(leak(world.zone.roster), "", "nothing leaks");
    ok(!reaper.step(0), "then there is nothing to do");
}

std::string home_of(World &world, std::uint32_t number) {
    const auto found = world.zone.roster.find_connection(sid_of(number));
    if (!found) {
        return "none";
    }
    return found->home == shm::kInTransit ? "in transit" : std::to_string(found->home.index);
}

// A worker died with a session that it had received, and not settled.
void in_its_hands() {
    constexpr Millis kGrace = cluster::Reaper::kGrace;
    World world;
    for (std::uint32_t number = 0; number < 2; ++number) {
        world.client(number, shm::kInTransit);
    }
    Peer watch(world.host[0], world.host.session);
    watch.say({"40"});
    watch.heard();
    cluster::RosterDirectory directory(world.zone.roster, world.seat[1]);
    cluster::RosterDirectory other_directory(world.zone.roster, world.seat[2]);
    cluster::Reaper reaper(world.memory.seats, directory, world.host[0].hub);
    cluster::Reaper other(world.memory.seats, other_directory, world.host[1].hub);
    ok(!reaper.suspects(), "while nobody dies nobody is suspected");
    world.memory.release(world.seat[0]);
    for (cluster::Reaper *each : {&reaper, &other}) {
        each->begin();
        static_cast<void>(each->step(0));
    }
    reaper.look(false, 100);
    reaper.look(true, 10'000);
    reaper.look(false, 14'000);
    reaper.look(true, 15'000);
    other.look(true, 15'000);
    reaper.look(true, 15'000 + kGrace - 1);
    is(home_of(world, 0) + ", " + home_of(world, 1), "in transit, in transit",
       "while something is under way, and a while later, it may arrive");
    const auto second = world.zone.roster.find_connection(sid_of(1));
    static_cast<void>(world.zone.roster.set_home(second->ref, world.seat[2]));
    reaper.look(true, 15'000 + kGrace);
    other.look(true, 15'000 + kGrace);
    world.host.deliver();
    is(home_of(world, 0), "none", "then it is lost");
    is(home_of(world, 1), std::to_string(world.seat[2].index), "the one that has arrived is not");
    is(watch.heard(), "42[\"gone\",\"u0\"]", "and mourned once");
    ok(!reaper.suspects() && !other.suspects(), "nobody is suspected any more");
    is(leak(world.zone.roster), "", "nothing leaks");
}

// Who began to reap died over it: whoever finds that one dead goes on.
void goes_on() {
    World world;
    for (std::uint32_t i = 0; i < 400; ++i) {
        world.client(i, world.seat[0]);
    }
    cluster::RosterDirectory directory(world.zone.roster, world.seat[1]);
    world.memory.release(world.seat[0]);
    {
        cluster::Reaper reaper(world.memory.seats, directory, world.host[0].hub);
        reaper.begin();
        ok(reaper.step(0), "one page is not all");
    }
    const std::uint32_t left = world.zone.roster.counts().connections;
    ok(left > 0 && left < 400, "a part is left");
    world.memory.release(world.seat[1]);
    cluster::Reaper reaper(world.memory.seats, directory, world.host[1].hub);
    reaper.begin();
    while (reaper.step(0)) {
    }
    is(world.zone.roster.counts().connections, 0u, "another ends it");
}

// With recovery they are mourned all the same, and kept for those who may come back.
void keeps() {
    World world;
    world.rules.settings.recovery = 1000;
    world.client(1, world.seat[0]);
    world.client(2, world.seat[0]);
    Peer watch(world.host[0], world.host.session);
    watch.say({"40"});
    watch.heard();
    cluster::RosterDirectory directory(world.zone.roster, world.seat[1]);
    world.host[0].directory.keeper = &directory;
    cluster::Reaper reaper(world.memory.seats, directory, world.host[0].hub);
    world.memory.release(world.seat[0]);
    reaper.begin();
    while (reaper.step(50)) {
    }
    world.host.deliver();
    is(count(watch.heard(), "[\"gone\""), 2u, "both are mourned");
    is(world.zone.roster.counts().kept, 2u, "and kept; not those whose CONNECT was not answered");
    ok(bool(directory.claim({id_of(2), pid_of(2), "/", "u1"}, 1049)), "one comes back in time");
    ok(!directory.claim({id_of(4), pid_of(4), "/", "u2"}, 1050), "the other too late");
    is(leak(world.zone.roster), "", "nothing leaks");
}

void whole_scope() {
    World world;
    Rules rules;
    rules.nsp("/r-*", "",
              "emit gone all data=$realtime_close_reason;emit by all data=$realtime_transport;"
              "emit rest all data=$rest");
    Host host(rules, 2);
    Peer watch(host[0], host.session);
    watch.say({"40/r-7,"});
    watch.heard();
    host[0].hub.mourn({"/r-7", id_of(1), "u", "{}", engine::TransportKind::polling, {}}, 0);
    host[0].hub.mourn({"/none", id_of(1), "u", "{}", engine::TransportKind::polling, {}}, 0);
    host.deliver();
    is(watch.heard(), "42/r-7,[\"gone\",\"transport close\"] 42/r-7,[\"by\",\"polling\"] 42/r-7,[\"rest\",7]",
       "reason, transport and captures are there; a namespace that is gone mourns nobody");
}

} // namespace

int main() {
    reaps();
    in_its_hands();
    goes_on();
    keeps();
    whole_scope();
    return rt::test::done();
}
