// SPDX-License-Identifier: BSD-2-Clause
// What the host tells others, in any order of emits, answers, losses and holders of the bridge.
#include "outbound_env.hpp"

#include <random>

using namespace rt;
using namespace rt::test;

namespace {

// Numbers only grow but for repeats of what had no answer; each comes, if nothing was overrun.
bool all_came(const std::vector<std::uint64_t> &numbers, std::uint64_t last) {
    std::uint64_t next = 1;
    for (const std::uint64_t number : numbers) {
        if (number > next) {
            return false;
        }
        next = std::max(next, number + 1);
    }
    return next == last + 1;
}

void any_schedule() {
    int good_ones = 0;
    int repeats = 0;
    constexpr unsigned kRuns = 300;
    for (unsigned seed = 0; seed < kRuns; ++seed) {
        std::mt19937 dice(seed);
        const auto roll = [&](unsigned sides) { return dice() % sides; };
        World world;
        std::uint64_t emitted = 0;
        hub::Position before = 0;
        bool steady = true;
        bool begun = true;
        for (int step = 0; step < 200; ++step) {
            switch (roll(12)) {
            case 0:
            case 1:
            case 2:
                world.host.emit("[" + std::to_string(++emitted) + "]");
                break;
            case 3:
                world.host.append(fleeting("[0]"));
                break;
            case 4:
                world.outbound->work(roll(4), 0);
                break;
            case 5:
                world.work();
                break;
            case 6:
            case 7:
                world.carry_out();
                break;
            case 8:
            case 9:
                if (world.done > 0) {
                    world.answer();
                }
                break;
            case 10:
                world.pipe.room = roll(6);
                break;
            default:
                if (roll(4) == 0) {
                    world.lose();
                    begun = false;
                } else if (roll(4) == 0) {
                    world.take_silently();
                    begun = false;
                }
            }
            if (!begun && roll(4) == 0) {
                world.begin();
                begun = true;
            }
            steady = steady && world.host.zone.bridge.published() >= before;
            before = world.host.zone.bridge.published();
        }
        world.pipe.room = SIZE_MAX;
        world.outbound->unblock();
        if (!begun) {
            world.begin();
        }
        world.settle();
        const bool end = world.host.zone.bridge.published() == world.host.bus.head();
        good_ones += steady && end && all_came(world.numbers, emitted) ? 1 : 0;
        repeats += world.numbers.size() > emitted ? 1 : 0;
    }
    is(good_ones, static_cast<int>(kRuns), "whatever happens, all numbers come in order");
    ok(repeats > 50, "some again, where nobody knew");
}

} // namespace

int main() {
    any_schedule();
    return done();
}
