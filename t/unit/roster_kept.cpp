// SPDX-License-Identifier: BSD-2-Clause
// Kept sockets: who finds them, who does not, how long they stay, and that they are in nobody's
// way, also where a worker dies while one gives its room.
#include "each_store.hpp"
#include "roster_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::uint64_t kUntil = 1000;
constexpr std::size_t kZone = 12 * 1024;

// What a kill leaves cannot be undone, and is made anew.
void distrust(MutableBytes memory) { Cells::attach(Region::attach(memory, kLayout)->body())->distrust(); }

// A socket with a pid in two rooms, which is kept.
void keep_one(Roster &roster, std::uint32_t number, std::uint64_t until = kUntil) {
    const auto connection = add_client(roster, sid_of(number));
    const auto socket = roster.add_socket(
        *connection, {id_of(number), "/chat", "ann", pid_of(number), "{\"a\":1}", 70 + number});
    static_cast<void>(roster.join(*socket, "red"));
    static_cast<void>(roster.join(*socket, numbered("own", number, 60)));
    ok(bool(roster.keep(*socket, until)), "kept: " + std::to_string(number));
    static_cast<void>(roster.remove_connection(*connection));
}

Claim claim_of(const std::string &id, const std::string &pid) { return {id, pid, "/chat", "ann"}; }

Code claim(Roster &roster, std::uint32_t number, std::uint64_t now = 0) {
    return roster.claim(claim_of(id_of(number), pid_of(number)), now).code();
}

void is_found_by_its_own() {
    struct Case {
        const char *name;
        std::string id, pid, nsp, user;
        std::uint64_t now;
        Code code;
    };
    const Case cases[] = {
        {"another id", id_of(2), pid_of(1), "/chat", "ann", 0, Code::not_found},
        {"no id", "", pid_of(1), "/chat", "ann", 0, Code::not_found},
        {"another pid", id_of(1), pid_of(2), "/chat", "ann", 0, Code::forbidden},
        {"no pid", id_of(1), "", "/chat", "ann", 0, Code::forbidden},
        {"another namespace", id_of(1), pid_of(1), "/", "ann", 0, Code::forbidden},
        {"another user", id_of(1), pid_of(1), "/chat", "bob", 0, Code::forbidden},
        {"nobody", id_of(1), pid_of(1), "/chat", "", 0, Code::forbidden},
        {"too late", id_of(1), pid_of(1), "/chat", "ann", kUntil, Code::not_found},
        {"its own, at the last moment", id_of(1), pid_of(1), "/chat", "ann", kUntil - 1, Code::ok},
        {"its own, again", id_of(1), pid_of(1), "/chat", "ann", 0, Code::not_found},
    };
    RosterZone zone(kZone);
    keep_one(zone.roster, 1);
    for (const Case &one : cases) {
        const auto got = zone.roster.claim({one.id, one.pid, one.nsp, one.user}, one.now);
        is(static_cast<int>(got.code()), static_cast<int>(one.code), one.name);
        if (got) {
            is(got->since, 71u, "with the position of its CONNECT");
            auto rooms = got->rooms;
            std::ranges::sort(rooms);
            ok(rooms == std::vector<std::string>{numbered("own", 1, 60), "red"}, "and its rooms");
        }
    }
    is(leak(zone.roster), "", "nothing is left");
}

void is_seen_by_nobody() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto other = add_client(roster, sid_of(9));
    const auto stays = roster.add_socket(*other, {id_of(9), "/chat", "ann", "", ""});
    static_cast<void>(roster.join(*stays, "red"));
    keep_one(roster, 1);
    is(roster.counts().sockets, 1u, "no socket");
    is(roster.counts().kept, 1u, "but a kept one");
    ok(!roster.find_socket(id_of(1)), "its id finds nothing");
    is(all_sockets(roster).size(), 1u, "no page shows it");
    is(all_rooms(roster).size(), 1u, "its own rooms are gone");
    is(all_rooms(roster)[0].members, 1u, "the other room has one member");
    is(flaw(roster), "", "all fits together");
    ok(!roster.keep(*stays, kUntil), "without a pid nothing is kept");
    ok(bool(roster.find_socket(id_of(9))), "and nothing changed");
    is(static_cast<int>(roster.find_claimed(claim_of(id_of(1), pid_of(1))).code()),
       static_cast<int>(Code::not_found), "it lives nowhere");
}

void lives_somewhere() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto connection = add_client(roster, sid_of(1), {3, 4});
    static_cast<void>(roster.add_socket(*connection, {id_of(1), "/chat", "ann", pid_of(1), kNoAuth, 5}));
    const auto live = roster.find_claimed(claim_of(id_of(1), pid_of(1)));
    ok(live && live->sid == sid_of(1) && live->at.home == SeatRef{3, 4}, "a live socket's home is known");
    const auto row = roster.socket(roster.find_socket(id_of(1))->ref);
    ok(row && row->pid == pid_of(1) && row->since == 5 && row->auth == kNoAuth, "its row has it all");
    is(static_cast<int>(roster.find_claimed({id_of(1), pid_of(2), "/chat", "ann"}).code()),
       static_cast<int>(Code::forbidden), "with another pid it is not told");
}

void goes_by_age() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    for (std::uint32_t i = 1; i <= 4; ++i) {
        keep_one(roster, i, kUntil + i);
    }
    is(roster.sweep_kept(kUntil, 9), 0u, "none is over");
    is(roster.sweep_kept(kUntil + 3, 2), 2u, "two are swept at most");
    is(roster.counts().kept, 2u, "two are left");
    is(static_cast<int>(claim(roster, 2)), static_cast<int>(Code::not_found), "the second went");
    is(roster.sweep_kept(kUntil + 3, 9), 1u, "then the third");
    is(static_cast<int>(claim(roster, 4)), 0, "the last is there");
    is(roster.sweep_kept(UINT64_MAX, 9), 0u, "and then none");
}

void gives_its_room() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    for (std::uint32_t i = 1; i <= 3; ++i) {
        keep_one(roster, i);
    }
    std::uint32_t number = 100;
    while (roster.counts().kept == 3 && add_client(roster, sid_of(number))) {
        ++number;
    }
    is(roster.counts().kept, 2u, "the zone is full, and one gave its room");
    is(roster.take_evicted(), 1u, "that is told");
    is(roster.take_evicted(), 0u, "once");
    is(static_cast<int>(claim(roster, 1)), static_cast<int>(Code::not_found), "it was the oldest");
    while (add_client(roster, sid_of(++number))) {
    }
    is(roster.counts().kept, 0u, "the others go before anything is refused");
    is(flaw(roster), "", "all fits together");
    const auto connection = roster.find_connection(sid_of(100));
    is(static_cast<int>(
           roster.add_socket(connection->ref, {id_of(7), "/", "", pid_of(7), std::string(900, 'a')}).code()),
       static_cast<int>(Code::full), "then it is");
}

// Who attends hears what concerns nobody.
void attends() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    ok(!roster.concerns("/chat", "red"), "a room without members concerns nobody");
    const auto first = roster.attend(kUntil);
    const auto second = roster.attend(kUntil + 9);
    ok(first && second && roster.concerns("/chat", "red"), "it concerns who attends to everything");
    ok(roster.let_go(*first) && !roster.let_go(*first), "let go once");
    ok(!roster.attends(*first) && roster.attends(*second), "two are apart");
    ok(roster.concerns("/chat", "red"), "the other one attends");
    is(roster.sweep_kept(kUntil + 9, 9), 1u, "for some time");
    ok(!roster.attends(*second) && !roster.concerns("/chat", "red"), "which is over");
    const auto third = roster.attend(kUntil);
    overlay<RegionHeader>(zone.mapping.memory())->dirty = 1;
    distrust(zone.mapping.memory());
    ok(roster.attends(*third) && roster.concerns("/chat", "red"), "also after a rebuild");
    for (std::uint32_t number = 100; add_client(roster, sid_of(number));) {
        ++number;
    }
    ok(!roster.attends(*third) && !roster.let_go(*third), "it gives its room, and that is known");
    is(flaw(roster), "", "all fits together");
}

// Killed anywhere while one gives its room: what is found is whole, and the younger one there.
// Undone, nothing has happened; made anew, the old may have gone and the new not come.
void judge_eviction(const Snapshots &states, const std::string &before, const std::string &after) {
    int flaws = 0;
    int between = 0;
    Mapping copy(kZone);
    for (std::size_t i = 0; i < 2 * states.size(); ++i) {
        const Bytes state = states[i / 2];
        std::memcpy(copy.memory().data(), state.data(), state.size());
        if (i % 2 == 1) {
            distrust(copy.memory());
        }
        NoLock lock;
        auto found = roster_in(copy.memory(), lock);
        const std::string now = contents(*found);
        const bool half = now != before && now != after;
        between += half ? 1 : 0;
        flaws += half && i % 2 == 0 ? 1 : 0;
        flaws += flaw(*found).empty() ? 0 : 1;
        flaws += claim(*found, 2) == Code::ok && leak(*found).empty() ? 0 : 1;
    }
    ok(states.size() > 20 && !states.overflowed(), "an eviction in many states");
    is(flaws, 0, "whole in each, and the younger one there");
    ok(between > 0, "made anew, in some the old has gone and the new has not come");
}

void dies_while_giving() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    keep_one(roster, 1, kUntil + 5);
    keep_one(roster, 2, kUntil);
    for (std::uint32_t number = 100; roster.counts().kept == 2; ++number) {
        Snapshots states(zone.mapping.memory());
        const std::string before = contents(roster);
        states.record([&] { static_cast<void>(add_client(roster, sid_of(number))); });
        if (roster.counts().kept < 2) {
            judge_eviction(states, before, contents(roster));
        }
    }
}

// After a rebuild they still go by age.
void keeps_its_order() {
    RosterZone zone(64 * 1024);
    Roster &roster = zone.roster;
    constexpr std::uint32_t kMany = 20;
    for (std::uint32_t i = 0; i < kMany; ++i) {
        keep_one(roster, i, kUntil + (i * 7) % kMany);
    }
    overlay<RegionHeader>(zone.mapping.memory())->dirty = 1;
    distrust(zone.mapping.memory());
    is(roster.counts().kept, kMany, "all are there after a rebuild");
    for (std::uint32_t i = 0; i < kMany; ++i) {
        if (roster.sweep_kept(kUntil + i, 9) != 1) {
            ok(false, "one goes at a time: " + std::to_string(i));
        }
    }
    is(leak(roster), "", "nothing is left");
}

} // namespace

int main() {
    is_found_by_its_own();
    is_seen_by_nobody();
    lives_somewhere();
    goes_by_age();
    gives_its_room();
    attends();
    dies_while_giving();
    keeps_its_order();
    return done();
}
