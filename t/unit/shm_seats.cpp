// SPDX-License-Identifier: BSD-2-Clause
#include "shm/seats.hpp"
#include "shm/stream.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

#include <algorithm>
#include <sys/eventfd.h>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

// Pids below 100 are dead.
bool is_alive(std::int32_t pid) noexcept { return pid >= 100; }

struct Table {
    explicit Table(std::uint32_t capacity)
        : map(16384), arena(map.memory()), seats(*Seats::create(arena.body, capacity)) {}

    Result<Seats::Claimed> claim(std::int32_t pid, SeatRef dead = {}) {
        Locked held(lock, arena.region);
        return seats.claim(held, {pid, 7, 1000}, dead);
    }

    void release(SeatRef seat) {
        Locked held(lock, arena.region);
        seats.release(held, seat);
    }

    Mapping map;
    RobustLock lock;
    Arena arena;
    Seats seats;
};

void memory_is_verified() {
    Mapping map(16384);
    const MutableBytes area = map.memory();
    is(Seats::capacity_for(1), 16U, "a small host has 16 seats");
    is(Seats::capacity_for(32), 128U, "a large one four per worker");
    ok(!Seats::create(area.first(Seats::bytes(16) - 1), 16), "too little memory is refused");
    ok(!Seats::create(area, 0), "no seat at all is refused");
    ok(bool(Seats::create(area.first(Seats::bytes(16)), 16)), "exactly enough will do");
    ok(bool(Seats::attach(area, 16)), "a table is attached to");
    ok(!Seats::attach(area, 17), "another number is refused");
}

void claim_and_release() {
    Table table(2);
    const auto first = table.claim(100);
    const auto second = table.claim(101);
    ok(first && second && first->seat.index != second->seat.index, "two workers take two seats");
    ok(!first->previous && !second->previous, "which were free");
    ok(first->seat.generation != second->seat.generation, "of different generations");
    ok(table.claim(102).code() == Code::full, "a third is refused");
    table.release(first->seat);
    ok(!table.seats.is_live(first->seat), "a released seat is not live");
    ok(table.seats.is_live(second->seat), "the other is");
    const auto third = table.claim(102);
    ok(third && third->seat.index == first->seat.index && !third->previous, "a free seat is taken again");
    ok(third->seat.generation != first->seat.generation, "in a new generation");
    table.release(first->seat);
    ok(table.seats.is_live(third->seat), "a stale release does nothing");
    ok(!table.seats.is_live({}) && !table.seats.is_live({9, 1}), "an empty or foreign reference is not live");
}

void dead_workers() {
    Table table(3);
    const auto dead = table.claim(50);
    const auto alive = table.claim(100);
    ok(table.seats.find_dead(is_alive) == dead->seat, "a dead worker is found");
    const auto free = table.claim(101, dead->seat);
    ok(free && free->seat.index == 2 && !free->previous, "a free seat is preferred to a dead one's");
    const auto taken = table.claim(102, dead->seat);
    ok(taken && taken->previous == dead->seat, "then the dead one's is taken, and named");
    ok(!table.seats.is_live(dead->seat) && table.seats.is_live(taken->seat), "the claim is another");
    ok(!table.seats.find_dead(is_alive), "no dead worker is left");
    ok(table.claim(103, dead->seat).code() == Code::full, "a dead one that was replaced is not taken again");
    ok(table.claim(103, alive->seat)->previous == alive->seat, "the caller says who is dead");
}

void namesakes() {
    Table table(4);
    (void)table.claim(100);
    const auto before = table.claim(200);
    const auto after = table.claim(200);
    ok(after && after->previous == before->seat, "a process with a dead one's pid takes its seat");
}

void what_a_worker_tells() {
    Table table(2);
    const SeatRef seat = table.claim(100)->seat;
    table.seats.beat(seat, 2000);
    table.seats.set_load(seat, {30, 10, 20});
    table.seats.set_state(seat, SeatState::quitting);
    table.seats.fall_asleep(seat);
    const SeatInfo info = table.seats.info(seat.index);
    ok(info.ref == seat && info.pid == 100 && info.cycle == 7, "who it is");
    ok(info.claimed == 1000 && info.beat == 2000, "since when, and its beat");
    ok(info.load.connections == 30 && info.load.polling == 10 && info.load.websocket == 20, "its load");
    ok(info.state == SeatState::quitting && info.asleep, "its state");
    int taken = 0;
    table.seats.each([&](const SeatInfo &) { ++taken; });
    is(taken, 1, "free seats are not visited");
    table.release(seat);
    ok(!table.seats.info(seat.index).ref && !table.seats.info(99).ref, "a free seat has no reference");

    const SeatRef next = table.claim(101)->seat;
    table.seats.beat(seat, 9999);
    table.seats.set_load(seat, {1, 1, 1});
    table.seats.set_state(seat, SeatState::quitting);
    table.seats.fall_asleep(seat);
    const SeatInfo other = table.seats.info(next.index);
    ok(other.beat == 1000 && other.load.connections == 0, "who lost its seat cannot speak for the next");
    ok(other.state == SeatState::accepting && !other.asleep, "a new seat is awake and accepting");
}

void sleepers_are_woken_once() {
    Table table(4);
    const SeatRef one = table.claim(100)->seat;
    const SeatRef two = table.claim(101)->seat;
    const SeatRef three = table.claim(102)->seat;
    ok(!table.seats.wake(one), "who is awake is not woken");
    table.seats.fall_asleep(one);
    ok(table.seats.wake(one) && !table.seats.wake(one), "a sleeper is woken once");
    table.seats.fall_asleep(one);
    table.seats.wake_up(one);
    ok(!table.seats.wake(one), "who woke by itself is not woken");
    ok(!table.seats.wake({one.index, one.generation + 50}), "nor is the next on the seat");
    table.seats.fall_asleep(one);
    table.seats.fall_asleep(three);
    std::vector<std::uint32_t> woken;
    const auto note = [&](std::uint32_t index) { woken.push_back(index); };
    table.seats.wake_sleepers(note);
    table.seats.wake_sleepers(note);
    ok(woken == std::vector{one.index, three.index}, "all sleepers are woken, once");
    table.seats.fall_asleep(two);
    table.release(two);
    ok(!table.seats.wake(two), "a free seat does not sleep");
}

void generations_come_round() {
    Table table(1);
    *overlay<std::uint32_t>(table.arena.body.subspan(4)) = UINT32_MAX;
    is(table.claim(100)->seat.generation, 1U, "after the last generation comes 1, never 0");
}

void claims_at_once() {
    constexpr std::uint32_t kProcesses = 4;
    constexpr std::uint32_t kRounds = 300;
    Table table(3);
    Mapping results(8192);
    const auto seen = overlay_array<std::uint32_t>(results.memory(), kProcesses * kRounds);
    std::vector<pid_t> children;
    for (std::uint32_t process = 0; process < kProcesses; ++process) {
        children.push_back(spawn([&, process] {
            for (std::uint32_t round = 0; round < kRounds;) {
                const auto claimed = table.claim(static_cast<std::int32_t>(1000 + process));
                if (claimed && !claimed->previous) {
                    seen[process * kRounds + round++] = claimed->seat.generation;
                    table.release(claimed->seat);
                }
            }
        }));
    }
    for (const pid_t child : children) {
        is(reap(child), 0, "a process claims and releases");
    }
    std::sort(seen.begin(), seen.end());
    ok(std::adjacent_find(seen.begin(), seen.end()) == seen.end(), "no generation is given twice");
    is(seen.back(), kProcesses * kRounds, "and none is left out");
}

void killed_in_a_claim() {
    Table table(2);
    const SeatRef dead = table.claim(50)->seat;
    const SeatRef other = table.claim(100)->seat;
    Locked held(table.lock, table.arena.region);
    int bad = 0;
    (void)each_instruction(
        [&] {
            (void)table.seats.claim(held, {200, 9, 5000}, dead);
        },
        [&] {
            const Wreck wreck(table.arena.body);
            Seats left = *Seats::attach(wreck.memory(), 2);
            const SeatInfo seat = left.info(dead.index);
            bool good = !seat.ref || seat.ref == dead || seat.pid == 200;
            good = good && (!seat.ref || seat.cycle == (seat.pid == 200 ? 9U : 7U));
            const SeatRef last = seat.ref;
            const auto next = left.claim(held, {300, 9, 6000}, last);
            good = good && next && next->seat.index == dead.index && next->previous == last;
            good = good && next->seat.generation > other.generation;
            bad += good && left.is_live(other) ? 0 : 1;
        });
    is(bad, 0, "a kill in a claim leaves the old claim, none, or the new one");
}

// One sleeper on an eventfd, two that append and wake: a lost wake-up would stop it for ever.
void no_wake_up_is_lost() {
    constexpr int kCount = 5000;
    Table table(2);
    Mapping map(1 << 20);
    const Arena arena(map.memory());
    RobustLock lock;
    Stream stream = *Stream::create(arena.body, 5);
    const SeatRef seat = table.claim(100)->seat;
    const int bell = eventfd(0, EFD_CLOEXEC);
    StreamReader reader(stream, stream.head());
    const pid_t sleeper = spawn([&] {
        alarm(60);
        for (int seen = 0; seen < 2 * kCount;) {
            while (reader.next().status == StreamReader::Status::record) {
                ++seen;
            }
            table.seats.fall_asleep(seat);
            eventfd_t rings = 0;
            if (reader.cursor() == stream.head() && seen < 2 * kCount) {
                eventfd_read(bell, &rings);
            }
            table.seats.wake_up(seat);
        }
    });
    std::vector<pid_t> children;
    for (int writer = 0; writer < 2; ++writer) {
        children.push_back(spawn([&] {
            for (int i = 0; i < kCount; ++i) {
                {
                    Locked held(lock, arena.region);
                    (void)stream.append(held, 1, {});
                }
                if (table.seats.wake(seat)) {
                    eventfd_write(bell, 1);
                }
            }
        }));
    }
    for (const pid_t child : children) {
        reap(child);
    }
    is(reap(sleeper), 0, "a sleeper sees all that two writers append");
    close(bell);
}

} // namespace

int main() {
    memory_is_verified();
    claim_and_release();
    dead_workers();
    namesakes();
    what_a_worker_tells();
    sleepers_are_woken_once();
    generations_come_round();
    claims_at_once();
    killed_in_a_claim();
    no_wake_up_is_lost();
    return done();
}
