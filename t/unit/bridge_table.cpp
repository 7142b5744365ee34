// SPDX-License-Identifier: BSD-2-Clause
// Who holds the bridge, what it has published, and what it heard of others: as every worker sees it.
#include "shm/bridge_table.hpp"

#include "shm_env.hpp"
#include "tap.hpp"

#include <string>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

struct Host {
    Host() {
        for (std::int32_t pid = 100; pid < 103; ++pid) {
            Locked held(lock, arena.region);
            seat.push_back(seats.claim(held, {pid, 1, 0}, {})->seat);
        }
    }

    BridgeTable::Taken take(std::size_t who, Millis now) {
        Locked held(lock, arena.region);
        return table.take(held, seat[who], seats, now);
    }
    void give_back(std::size_t who) {
        Locked held(lock, arena.region);
        table.give_back(held, seat[who]);
    }
    void die(std::size_t who) {
        Locked held(lock, arena.region);
        seats.release(held, seat[who]);
    }
    std::uint64_t number() {
        Locked held(lock, arena.region);
        return table.next_number(held);
    }

    Mapping map{65536};
    Mapping seats_map{16384};
    RobustLock lock;
    Arena arena{map.memory()};
    Seats seats{*Seats::create(seats_map.memory(), 16)};
    BridgeTable table{*BridgeTable::create(arena.body)};
    std::vector<SeatRef> seat;
};

void memory() {
    Mapping map(65536);
    ok(BridgeTable::create(map.memory().first(BridgeTable::bytes() - 1)).code() == Code::full,
       "too little memory is refused");
    BridgeTable one = *BridgeTable::create(map.memory().first(BridgeTable::bytes()));
    one.set_state(BridgeState::degraded);
    one.set_client(BridgeLink::hears, 77, 5);
    one.set_client(BridgeLink::hears, 77, 9);
    is(one.client_since(BridgeLink::hears), Millis{5}, "since when it is the same connection");
    const BridgeTable other = *BridgeTable::attach(map.memory());
    ok(other.state() == BridgeState::degraded && other.client(BridgeLink::hears) == 77 &&
           other.client(BridgeLink::publishes) == 0,
       "what one worker writes another reads");
}

void holder() {
    Host host;
    ok(!host.table.holder(), "at first nobody");
    ok(host.take(0, 10).mine && host.table.holder() == host.seat[0], "who comes first");
    ok(host.take(0, 20).mine && !host.take(0, 20).former, "keeps it");
    constexpr Millis silent = BridgeTable::kSilent;
    ok(!host.take(1, 9 + silent).mine, "while it beats nobody else gets it");
    ok(host.take(1, 10 + silent).mine && host.table.holder() == host.seat[1], "a silent one is replaced");
    host.table.beat(host.seat[0], 20 + silent);
    is(host.table.last_beat(), 10 + silent, "and its beat counts no more");
    host.table.beat(host.seat[1], 20 + silent);
    ok(!host.take(0, 19 + 2 * silent).mine, "the new holder's does");
    host.die(1);
    const BridgeTable::Taken after = host.take(0, 21 + silent);
    ok(after.mine && after.former == host.seat[1], "a dead one is replaced at once, and named");
    host.give_back(2);
    ok(host.table.holder() == host.seat[0], "only the holder gives back");
    host.give_back(0);
    const BridgeTable::Taken orderly = host.take(2, 22 + silent);
    ok(orderly.mine && !orderly.former, "what was given back has no former holder");
}

void outbound() {
    Host host;
    is(host.number(), std::uint64_t{1}, "numbers begin at 1");
    is(host.number(), std::uint64_t{2}, "and count");
    const auto begin = [&](std::uint64_t head) {
        Locked held(host.lock, host.arena.region);
        host.table.begin(held, head);
    };
    begin(500);
    begin(900);
    is(host.table.published(), std::uint64_t{500}, "a host begins once, where its log stood");
    host.table.set_published(800);
    is(BridgeTable::attach(host.arena.body)->published(), std::uint64_t{800}, "and goes on");
}

void inbound() {
    Host host;
    is(host.table.heard_of("aaaaaaaaaaa").number, std::uint64_t{0}, "nothing was heard of a stranger");
    for (std::size_t i = 0; i < BridgeTable::kHosts; ++i) {
        host.table.set_heard("host-" + std::to_string(1000 + i), {i + 1, i + 2, static_cast<Millis>(i)});
    }
    host.table.set_heard("host-1000", {9, 9, 1000});
    is(host.table.heard_of("host-1000").number, std::uint64_t{9}, "the last number of each");
    is(host.table.heard_of("host-1255").number, std::uint64_t{256}, "for as many as there is room");
    host.table.set_heard("late-comer", {5, 5, 1001});
    ok(host.table.heard_of("late-comer").told == 5 && host.table.heard_of("host-1001").told == 0 &&
           host.table.heard_of("host-1000").number == 9,
       "then the one that was silent longest is forgotten");
    host.table.set_torn(0, true);
    host.table.set_torn(63, true);
    host.table.set_torn(0, false);
    ok(BridgeTable::attach(host.arena.body)->is_torn(), "a successor sees that a reply was torn");
    host.table.set_torn(63, false);
    ok(!host.table.is_torn(), "and that none is any more");
    host.table.set_torn(7, true);
    host.table.mend();
    ok(!host.table.is_torn(), "nor where all are made anew");
}

} // namespace

int main() {
    memory();
    holder();
    outbound();
    inbound();
    return done();
}
