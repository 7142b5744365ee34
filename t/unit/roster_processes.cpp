// SPDX-License-Identifier: BSD-2-Clause
// The roster between processes: several change it at once, and some are killed at any moment.
#include "roster_env.hpp"
#include "tap.hpp"

#include <atomic>
#include <sched.h>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::size_t kZone = 256 * 1024;
constexpr std::uint32_t kWorkers = 4;

// Small and fast, and the same in every run.
class Dice {
public:
    explicit Dice(std::uint32_t seed) : state_(seed * 2654435761U + 1) {}

    std::uint32_t below(std::uint32_t end) {
        state_ = state_ * 1664525U + 1013904223U;
        return (state_ >> 8) % end;
    }

private:
    std::uint32_t state_;
};

// Shared by the processes of a test.
struct Board {
    std::uint32_t steps[kWorkers]; // that each worker has made
    std::uint32_t refused;         // calls that failed and should not have
};

// One worker, that changes its own connections and joins rooms that all have.
class Worker {
public:
    Worker(Roster &roster, Board &board, std::uint32_t seat, std::uint32_t life)
        : roster_(roster), board_(board), seat_(seat), life_(life), dice_(seat * 1000 + life) {}

    void step() {
        const std::uint32_t mine = life_ * 1000 + seat_ * 100 + dice_.below(8);
        const auto found = roster_.find_connection(sid_of(mine));
        if (!found) {
            come(mine);
        } else if (dice_.below(6) == 0) {
            expect(bool(roster_.remove_connection(found->ref)));
        } else {
            change(found->ref);
        }
        shared(board_.steps[seat_]).fetch_add(1);
    }

    void leave_all() {
        for (std::uint32_t i = 0; i < 8; ++i) {
            if (const auto found = roster_.find_connection(sid_of(life_ * 1000 + seat_ * 100 + i))) {
                expect(bool(roster_.remove_connection(found->ref)));
            }
        }
    }

private:
    void come(std::uint32_t number) {
        const auto ref = add_client(roster_, sid_of(number), {seat_, life_});
        expect(ref && roster_.add_socket(*ref, {id_of(number), "/", numbered("u", seat_, 4), "", "[1]"}));
    }

    void change(ConnectionRef ref) {
        const auto sockets = roster_.sockets_of(ref);
        expect(sockets && (sockets->empty() || sockets->front().auth == "[1]"));
        if (!sockets || sockets->empty()) {
            return;
        }
        const SocketRef socket = sockets->front().at.ref;
        const std::string room = numbered("room", dice_.below(30), 10);
        switch (dice_.below(4)) {
        case 0:
            expect(bool(roster_.remove_socket(socket)));
            break;
        case 1:
            expect(bool(roster_.leave(socket, room)));
            break;
        default:
            expect(bool(roster_.join(socket, room)));
        }
    }

    void expect(bool good) {
        if (!good) {
            shared(board_.refused).fetch_add(1);
        }
    }

    Roster &roster_;
    Board &board_;
    std::uint32_t seat_;
    std::uint32_t life_;
    Dice dice_;
};

struct Stage {
    Stage() : zone(kZone), page(4096), board(*overlay<Board>(page.memory())) {
        static_cast<void>(new_roster(zone.memory(), lock));
    }

    // The roster of a process: mapped at an address of its own.
    Roster enter() { return *roster_in(zone.view(), lock); }

    Mapping zone;
    RobustLock lock;
    Mapping page;
    Board &board;
};

void test_concurrent_changes() {
    Stage stage;
    pid_t workers[kWorkers];
    for (std::uint32_t seat = 0; seat < kWorkers; ++seat) {
        workers[seat] = spawn([&] {
            Roster roster = stage.enter();
            Worker worker(roster, stage.board, seat, 1);
            for (int i = 0; i < 3000; ++i) {
                worker.step();
            }
            worker.leave_all();
        });
    }
    int failed = 0;
    for (const pid_t worker : workers) {
        failed += reap(worker) == 0 ? 0 : 1;
    }
    Roster roster = stage.enter();
    const RosterCounts left = roster.counts();
    is(failed, 0, "four workers finish");
    is(stage.board.refused, 0U, "no call of theirs fails");
    is(left.connections + left.sockets + left.rooms, 0U, "no record is left");
    is(left.cells_used, 0U, "no cell is left");
    ok(!roster.take_repaired(), "and nothing had to be rebuilt");
}

// The bound holds among processes that add at the same time: exactly as many come in.
void test_bound() {
    constexpr std::uint32_t kMost = 100;
    Stage stage;
    pid_t workers[kWorkers];
    for (std::uint32_t seat = 0; seat < kWorkers; ++seat) {
        workers[seat] = spawn([&] {
            Roster roster = stage.enter();
            shared(stage.board.steps[seat]).fetch_add(1);
            const auto ready = [&](std::uint32_t &steps) { return shared(steps).load() != 0; };
            while (!std::ranges::all_of(stage.board.steps, ready)) {
                sched_yield();
            }
            for (std::uint32_t i = 0; i < kMost; ++i) {
                const std::string sid = sid_of(seat * 1000 + i);
                const auto added = roster.add_connection({sid, {seat, 1}, Transport::polling, {}, kMost});
                shared(stage.board.refused).fetch_add(added.code() == Code::too_many ? 1 : 0);
            }
        });
    }
    int failed = 0;
    for (const pid_t worker : workers) {
        failed += reap(worker) == 0 ? 0 : 1;
    }
    Roster roster = stage.enter();
    is(failed, 0, "four workers add up to a bound");
    is(roster.counts().connections, kMost, "as many are there as may be");
    is(stage.board.refused, (kWorkers - 1) * kMost, "the others were refused");
}

bool has_exited(pid_t pid) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

// Until the worker has made some steps more, then it is killed, wherever it is.
void kill_in_the_middle(Board &board, std::uint32_t seat, pid_t pid, std::uint32_t steps) {
    const auto made = [&] { return shared(board.steps[seat]).load(); };
    const std::uint32_t until = made() + steps;
    while (made() < until && !has_exited(pid)) {
        sched_yield();
    }
    kill(pid, SIGKILL);
}

void test_kills() {
    constexpr std::uint32_t kKills = 60;
    Stage stage;
    pid_t workers[kWorkers];
    std::uint32_t lives[kWorkers];
    const auto hire = [&](std::uint32_t seat, std::uint32_t life) {
        lives[seat] = life;
        workers[seat] = spawn([&stage, seat, life] {
            Roster roster = stage.enter();
            Worker worker(roster, stage.board, seat, life);
            for (;;) {
                worker.step();
            }
        });
    };
    for (std::uint32_t seat = 0; seat < kWorkers; ++seat) {
        hire(seat, 1);
    }
    Roster roster = stage.enter();
    Dice dice(7);
    int unexpected = 0;
    int stray = 0;
    for (std::uint32_t i = 0; i < kKills; ++i) {
        const std::uint32_t seat = i % kWorkers;
        kill_in_the_middle(stage.board, seat, workers[seat], dice.below(40));
        unexpected += killed_by(reap(workers[seat]), SIGKILL) ? 0 : 1;
        // The reaper's part: what the dead worker had, goes.
        const SeatRef dead{seat, lives[seat]};
        const auto owned = all_pages([&](PageQuery page) { return roster.connections({page, dead}); });
        for (const ConnectionRow &row : owned) {
            stray += roster.remove_connection(row.at.ref) ? 0 : 1;
        }
        hire(seat, lives[seat] + 1);
    }
    for (std::uint32_t seat = 0; seat < kWorkers; ++seat) {
        kill(workers[seat], SIGKILL);
        unexpected += killed_by(reap(workers[seat]), SIGKILL) ? 0 : 1;
    }
    is(unexpected, 0, "no worker dies but of a kill");
    is(stray, 0, "the reaper takes what the dead had");
    is(stage.board.refused, 0U, "no call of the others fails");
    is(flaw(roster), "", "all fits together after sixty kills");
    is(leak(roster), "", "and nothing leaks");
    std::printf("# this process rebuilt the roster %s\n", roster.take_repaired() ? "at least once" : "never");
}

} // namespace

int main() {
    test_concurrent_changes();
    test_bound();
    test_kills();
    return done();
}
