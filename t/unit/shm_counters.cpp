// SPDX-License-Identifier: BSD-2-Clause
#include "shm/counters.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

enum class Metric : std::uint16_t { received, sent, refused, first_gauge, sockets = first_gauge, rooms, end };
using Cells = Counters<Metric>;

constexpr std::uint32_t kSeats = 3;

struct Board {
    Board() : map(4096), arena(map.memory()), cells(*Cells::create(arena.body, kSeats)) {}

    void fold(std::uint32_t seat) {
        Locked held(lock, arena.region);
        cells.fold(held, seat);
    }

    Mapping map;
    NoLock lock;
    Arena arena;
    Cells cells;
};

void memory_is_verified() {
    Mapping map(4096);
    const MutableBytes area = map.memory();
    ok(!Cells::create(area.first(Cells::bytes(3) - 1), 3), "too little memory is refused");
    ok(!Cells::attach(area, 3), "memory without counters is not attached to");
    ok(bool(Cells::create(area.first(Cells::bytes(3)), 3)), "exactly enough will do");
    ok(bool(Cells::attach(area, 3)), "they are attached to");
    ok(!Cells::attach(area, 2), "another number is refused");
    ok((Cells::bytes(4) - Cells::bytes(3)) % kLine == 0, "a seat's row is whole lines");
}

void counting() {
    Board board;
    board.cells.add(0, Metric::sent);
    board.cells.add(0, Metric::sent, 4);
    board.cells.add(2, Metric::sent, 10);
    board.cells.add(9, Metric::sent, 1000);
    board.cells.set(9, Metric::rooms, 1000);
    board.cells.set(1, Metric::rooms, 7);
    board.cells.add(1, Metric::sockets, 5);
    board.cells.sub(1, Metric::sockets, 3);
    is(board.cells.of(0, Metric::sent), 5U, "a seat's own count");
    is(board.cells.of(9, Metric::sent), 0U, "a seat outside the table has none");
    is(board.cells.sum(Metric::sent), 15U, "the sum over seats");
    is(board.cells.sum(Metric::sockets), 2U, "a gauge goes up and down");
    is(board.cells.sum(Metric::rooms), 7U, "or is set");
    is(board.cells.sum(Metric::refused), 0U, "what nobody counted is 0");
}

void the_dead_are_remembered() {
    Board board;
    for (std::uint32_t life = 1; life <= 5; ++life) {
        board.cells.add(1, Metric::received, 100);
        board.cells.add(1, Metric::sockets, 3);
        board.cells.add(0, Metric::received, 1);
        is(board.cells.sum(Metric::received), life * 101U, "a total counts former lives");
        is(board.cells.sum(Metric::sockets), 3U, "a gauge counts the living");
        board.fold(1);
        is(board.cells.sum(Metric::received), life * 101U, "a death takes nothing from a total");
        is(board.cells.sum(Metric::sockets), 0U, "and all from a gauge");
        is(board.cells.of(1, Metric::received), 0U, "the next life begins at 0");
    }
    board.fold(99);
    is(board.cells.sum(Metric::received), 505U, "a seat outside the table is not folded");
}

void killed_while_folding() {
    Board board;
    for (std::uint32_t seat = 0; seat < kSeats; ++seat) {
        board.cells.add(seat, Metric::received, 10 + seat);
        board.cells.add(seat, Metric::sent, 1000);
        board.cells.add(seat, Metric::sockets, 2);
    }
    board.fold(2);
    Locked held(board.lock, board.arena.region);
    NoLock free;
    int bad = 0;
    int folded = 0;
    (void)each_instruction(
        [&] { board.cells.fold(held, 1); },
        [&] {
            const Wreck wreck(board.arena.body);
            Cells left = *Cells::attach(wreck.memory(), kSeats);
            bool good = left.sum(Metric::received) == 33 && left.sum(Metric::sent) == 3000;
            folded += left.sum(Metric::sockets) == 2 ? 1 : 0;
            left.fold(held, 1); // its next owner
            good = good && left.sum(Metric::received) == 33 && left.sum(Metric::sockets) == 2;
            left.add(1, Metric::received, 5);
            left.fold(held, 0);
            left.fold(held, 1);
            bad += good && left.sum(Metric::received) == 38 && left.sum(Metric::sent) == 3000 ? 0 : 1;
        });
    is(bad, 0, "a kill in a fold counts nothing twice and loses nothing");
    ok(folded > 0, "the fold was done at the end");
}

// Folds of all seats run while another process reads: the sum may not go back for a moment.
void totals_never_go_back() {
    Board board;
    const pid_t folder = spawn([&] {
        for (std::uint32_t round = 0; round < 30000; ++round) {
            board.cells.add(round % kSeats, Metric::sent, 1 + round % 7);
            board.fold((round + 1) % kSeats);
        }
    });
    int back = 0;
    int changes = 0;
    std::uint64_t last = 0;
    while (waitpid(folder, nullptr, WNOHANG) == 0) {
        const std::uint64_t now = board.cells.sum(Metric::sent);
        back += now < last ? 1 : 0;
        changes += now != last ? 1 : 0;
        last = now;
    }
    is(back, 0, "a total read while seats are folded never goes back");
    std::printf("# %d changes seen\n", changes);
    is(board.cells.sum(Metric::sent), 119995U, "and ends at what was counted");
}

} // namespace

int main() {
    memory_is_verified();
    counting();
    the_dead_are_remembered();
    killed_while_folding();
    totals_never_go_back();
    return done();
}
